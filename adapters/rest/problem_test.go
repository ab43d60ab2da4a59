package rest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// failing stops every call with an error.
func failing(err error) service.Middleware {
	return func(service.Invoke) service.Invoke {
		return func(context.Context, *service.Call) error { return err }
	}
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	want := map[domain.Code]int{
		domain.CodeInvalid: 400, domain.CodeUnauthenticated: 401, domain.CodeForbidden: 403, domain.CodeNotFound: 404,
		domain.CodeConflict: 409, domain.CodePrecondition: 412, domain.CodeRateLimited: 429, domain.CodeCanceled: 499,
		domain.CodeInternal: 500, domain.CodeUnavailable: 503, domain.CodeTimeout: 504,
	}
	require.Len(t, domain.Codes(), len(want))
	for _, code := range domain.Codes() {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			plain := newWorld(t, at{door: failing(&domain.Error{Code: code, Op: "secret-op", Err: errors.New("secret-cause")})})
			res := plain.do("POST", "/v1/image/list", `{}`)
			p := res.problem(want[code], string(code), "")
			require.Equal(t, "about:blank", p["type"], "the code says it all")
			require.Equal(t, string(code), p["code"])
			require.NotContains(t, string(res.body), "secret")
			require.Equal(t, code == domain.CodeUnauthenticated, res.Header.Get("WWW-Authenticate") != "")

			said := newWorld(t, at{door: failing(&domain.Error{Code: code, Reason: "so_and_so", On: "it", Message: "do this", Op: "secret", Err: errors.New("secret")})})
			res = said.do("GET", "/v1/image/list", "")
			p = res.problem(want[code], "so_and_so", "it")
			require.Equal(t, "urn:wharf:so_and_so", p["type"])
			require.Equal(t, "do this", p["detail"])
			require.NotContains(t, string(res.body), "secret")
		})
	}
}

func TestAnErrorWithoutACodeIsInternalAndTellsNothing(t *testing.T) {
	t.Parallel()
	res := newWorld(t, at{door: failing(errors.New("password=hunter2"))}).do("POST", "/v1/image/list", `{}`)
	p := res.problem(500, "internal", "")
	require.Equal(t, "internal error", p["detail"])
	require.NotContains(t, string(res.body), "hunter2")
}

func TestNobodyIsUnauthenticated(t *testing.T) {
	t.Parallel()
	res := newWorld(t, at{}).do("GET", "/v1/image/list", "", "X-Test-User: -")
	res.problem(401, "no_actor", "")
	require.Equal(t, "Bearer", res.Header.Get("WWW-Authenticate"))
}

func TestAWaitIsToldInFullSeconds(t *testing.T) {
	t.Parallel()
	err := &domain.Error{Code: domain.CodeRateLimited, RetryAfter: 1200 * time.Millisecond}
	res := newWorld(t, at{door: failing(err)}).do("POST", "/v1/image/list", `{}`)
	res.problem(429, "rate_limited", "")
	require.Equal(t, "2", res.Header.Get("Retry-After"))
}

func TestAPathThatIsNotThereIsAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	for _, path := range []string{"/", "/v1", "/v1/image", "/v1/image/", "/v1/image/get/", "/v1//image/get", "/v1/image/forget_by_id", "/v1/im%61ge/get", "/v1/../docs", "/docs/", "/schemas/Image.json", "/openapi-3.0.json"} {
		p := w.do("GET", path, "").problem(404, "path_not_found", "")
		require.Equal(t, "not_found", p["code"], path)
	}
}

func TestAMethodThatAPathDoesNotTakeIsRefusedWithThoseItTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/v1/image/forget", "POST"},
		{"GET", "/v1/image/forget", "POST"},
		{"PUT", "/v1/image/get", "GET, HEAD, POST"},
		{"POST", "/events/background-task", "GET, HEAD"},
		{"POST", "/docs", "GET, HEAD"},
		{"OPTIONS", "/v1/image/get", "GET, HEAD, POST"},
	} {
		res := w.do(c.method, c.path, "")
		res.problem(http.StatusMethodNotAllowed, "method_not_allowed", "")
		require.Equal(t, c.allow, res.Header.Get("Allow"))
	}
}

func TestATransportNeedsAService(t *testing.T) {
	t.Parallel()
	_, err := rest.New(nil, rest.Options{})
	require.ErrorIs(t, err, domain.ErrInvalid)
}
