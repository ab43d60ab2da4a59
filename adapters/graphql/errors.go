package graphql

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/wharf-project/wharf/domain"
)

// mostErrors is how many errors of one malformed query are told.
const mostErrors = 10

// present turns whatever failed into what the client may read, with the
// extensions code, reason and on. It is the one translation of errors.
func (e *engine) present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Path: graphql.GetPath(ctx)}
	if ge, ok := errors.AsType[*gqlerror.Error](err); ok {
		out.Path, out.Locations = ge.Path, ge.Locations
		if ge.Err == nil && ge.Extensions["reason"] != nil {
			return ge // what queryError made
		}
	}
	if _, coded := errors.AsType[*domain.Error](err); !coded && domain.CodeOf(err) == domain.CodeInternal {
		e.log.ErrorContext(ctx, "graphql", "path", out.Path.String(), "err", err)
	}
	out.Message = domain.MessageOf(err)
	out.Extensions = extensions(domain.CodeOf(err), domain.ReasonOf(err), domain.OnOf(err))
	if wait := domain.RetryAfterOf(err); wait > 0 {
		out.Extensions["retry_after"] = wait.Seconds()
	}
	return out
}

func extensions(code domain.Code, reason, on string) map[string]any {
	ext := map[string]any{"code": string(code), "reason": reason}
	if on != "" {
		ext["on"] = on
	}
	return ext
}

// queryError is about the text of a query: it keeps message and place.
func queryError(reason string, err error) gqlerror.List {
	list, ok := err.(gqlerror.List) //nolint:errorlint // how the parser gives several
	if !ok {
		ge, is := errors.AsType[*gqlerror.Error](err)
		if !is {
			ge = &gqlerror.Error{Message: "the query cannot be read"}
		}
		list = gqlerror.List{ge}
	}
	if len(list) > mostErrors {
		list = list[:mostErrors]
	}
	for _, ge := range list {
		ge.Err, ge.Extensions = nil, extensions(domain.CodeInvalid, reason, "query")
	}
	return list
}

// refuse is queryError for a bound that a query passes.
func (e *engine) refuse(ctx context.Context, err error) gqlerror.List {
	return gqlerror.List{e.present(ctx, err)}
}

// recovered turns a panic into an internal error.
func (e *engine) recovered(ctx context.Context, p any) error {
	e.log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	return &domain.Error{Code: domain.CodeInternal, Reason: "panic", Op: "graphql", Err: fmt.Errorf("panic: %v", p)}
}
