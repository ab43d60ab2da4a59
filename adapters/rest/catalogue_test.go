package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// caught stops every call at the door and keeps what came.
type caught struct {
	action actions.Action
	key    string
}

func (c *caught) middleware(service.Invoke) service.Invoke {
	return func(ctx context.Context, call *service.Call) error {
		e, _ := domain.EnvelopeFrom(ctx)
		c.action, c.key = call.Action, e.IdempotencyKey
		return domain.Errorf(domain.CodePrecondition, "caught", "", "caught")
	}
}

// example is the JSON of an action with something in every field.
func example(t *testing.T, e service.Entry) (doc map[string]any, want actions.Action) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "actions", "testdata", e.Spec.Name+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &doc))
	p := e.New()
	require.NoError(t, json.Unmarshal(b, p))
	return doc, reflect.ValueOf(p).Elem().Interface().(actions.Action)
}

func TestEveryActionOfTheCatalogueIsServedAndArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	c := &caught{}
	w := newWorld(t, at{door: c.middleware})
	for _, e := range service.Catalogue() {
		doc, want := example(t, e)
		w.do("POST", rest.PathOf(e.Spec.Name), body(t, doc)).problem(http.StatusPreconditionFailed, "caught", "")
		require.Equal(t, want, c.action, e.Spec.Name)

		get := w.do("GET", rest.PathOf(e.Spec.Name)+"?"+query(t, doc), "")
		if e.Spec.Effect != actions.Read {
			get.problem(http.StatusMethodNotAllowed, "method_not_allowed", "")
			require.Equal(t, "POST", get.Header.Get("Allow"))
			continue
		}
		get.problem(http.StatusPreconditionFailed, "caught", "")
		require.Equal(t, want, c.action, "GET of %s", e.Spec.Name)
	}
}

// query is an action as parameters.
func query(t *testing.T, doc map[string]any) string {
	t.Helper()
	v := url.Values{}
	for name, value := range doc {
		switch value := value.(type) {
		case map[string]any:
			v.Set(name, body(t, value))
		case []any:
			if _, parts := value[0].(map[string]any); parts {
				v.Set(name, body(t, value))
				continue
			}
			for _, one := range value {
				v.Add(name, fmt.Sprint(one))
			}
		case float64:
			v.Set(name, fmt.Sprintf("%.0f", value))
		default:
			v.Set(name, fmt.Sprint(value))
		}
	}
	return v.Encode()
}

func TestAnActionIsServedUnderItsNounAndVerb(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/v1/image/forget-by-id", rest.PathOf("image.forget_by_id"))
	require.Equal(t, "/v1/scaling-group/list", rest.PathOf("scaling_group.list"))
}

// spoil calls try with a copy of doc for each value in it, replaced by one of
// another kind.
func spoil(doc any, path string, replace func(any), try func(path string)) {
	if path != "" {
		was := doc
		var wrong any = []any{[]any{}}
		if _, isList := was.([]any); isList {
			wrong = map[string]any{"x": 1}
		}
		replace(wrong)
		try(path)
		replace(was)
	}
	switch doc := doc.(type) {
	case map[string]any:
		for name, v := range doc {
			spoil(v, strings.TrimPrefix(path+"."+name, "."), func(n any) { doc[name] = n }, try)
		}
	case []any:
		for i, v := range doc {
			spoil(v, fmt.Sprintf("%s.%d", path, i), func(n any) { doc[i] = n }, try)
		}
	}
}

func TestAWrongTypeInAnyFieldIsInvalidAndNamesTheField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{door: func(service.Invoke) service.Invoke {
		return func(context.Context, *service.Call) error { return errors.New("it got through") }
	}})
	tried := 0
	for _, e := range service.Catalogue() {
		doc, _ := example(t, e)
		spoil(doc, "", nil, func(path string) {
			tried++
			res := w.do("POST", rest.PathOf(e.Spec.Name), body(t, doc))
			if strings.Contains(path, "resource_limits.") { // limits have a decoder of their own
				res.problem(http.StatusBadRequest, "limit_invalid", "")
				return
			}
			res.problem(http.StatusBadRequest, "field_invalid", path)
		})
		w.do("POST", rest.PathOf(e.Spec.Name), `{"unheard_of": 1}`).problem(http.StatusBadRequest, "field_unknown", "unheard_of")
	}
	require.Greater(t, tried, 200)
}
