package service

import (
	"context"
	"fmt"
	"reflect"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// Entry is one action of the catalogue, for transports, the sweeps and the
// documentation.
type Entry struct {
	Spec   actions.Spec
	Method string       // of ImageService
	Action reflect.Type // the action's struct
	Result reflect.Type // the result's struct

	invoke func(context.Context, *ImageService, actions.Action) (any, error)
}

// New returns a pointer to a zero action, ready to be decoded into.
func (e Entry) New() actions.Action { return reflect.New(e.Action).Interface().(actions.Action) }

// Invoke runs the action: a pointer from New, or a value. An action of another
// type is internal.
func (e Entry) Invoke(ctx context.Context, s *ImageService, a actions.Action) (any, error) {
	return e.invoke(ctx, s, a)
}

// Catalogue returns every action, in the order of the documentation. It is the
// one list: permissions, transports, help and sweeps come from it.
func Catalogue() []Entry {
	return []Entry{
		entry("GetImage", (*ImageService).GetImage),
		entry("ListImages", (*ImageService).ListImages),
		entry("ForgetImage", (*ImageService).ForgetImage),
		entry("ForgetImageByID", (*ImageService).ForgetImageByID),
	}
}

// Permissions returns every permission that an action of the catalogue asks
// for, each once, in the catalogue's order.
func Permissions() []string {
	var list []string
	seen := map[string]bool{}
	for _, e := range Catalogue() {
		if p := e.Spec.Requires(); !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	return list
}

func entry[A actions.Action, R any](method string, call func(*ImageService, context.Context, A) (R, error)) Entry {
	var zero A
	return Entry{
		Spec: zero.Spec(), Method: method, Action: reflect.TypeFor[A](), Result: reflect.TypeFor[R](),
		invoke: func(ctx context.Context, s *ImageService, action actions.Action) (any, error) {
			if a, ok := action.(A); ok {
				return call(s, ctx, a)
			}
			if p, ok := any(action).(*A); ok && p != nil {
				return call(s, ctx, *p)
			}
			return nil, domain.Internal(zero.Spec().Name, fmt.Errorf("invoked with %T", action))
		},
	}
}
