package cli_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// What fails on the way and then does not is no failure.
func TestTriesAgain(t *testing.T) {
	t.Parallel()
	good := actions.ForgetImageResult{Changed: true}
	for name, bad := range map[string]func(w http.ResponseWriter){
		"a proxy that is busy":      func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"a connection that ends":    func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"an answer that is cut off": func(w http.ResponseWriter) { cut(w, 100, `{"chan`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n < 3 {
					bad(w)
				}
				if n == 3 {
					gives(w, good)
				}
			})
			e := entryOf(t, "image.forget")
			got, err := p.remote().Invoke(t.Context(), e, e.New())
			require.NoError(t, err)
			require.Equal(t, good, got)
			require.Len(t, p.requests(), 3)
		})
	}
}

func TestNobodyIsThere(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	p.Close()
	e := entryOf(t, "image.forget")
	_, err := p.remote().Invoke(t.Context(), e, e.New())
	require.Equal(t, "server_unreachable", domain.ReasonOf(err))
	require.Contains(t, domain.MessageOf(err), "connection refused")
	require.NotContains(t, domain.MessageOf(err), "may have been done", "nobody heard of it")
	require.Equal(t, 2, strings.Count(p.log.String(), "trying again"))
}

// The first try goes on at the server while the second is refused for that.
func TestAnActionThatGoesOn(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(http.StatusGatewayTimeout)
			return
		}
		problem(w, 409, domain.Errorf(domain.CodeConflict, "idempotency_busy", "k", "a request with this idempotency key is still under way"))
	})
	e := entryOf(t, "registry.rescan")
	_, err := p.remote().Invoke(t.Context(), e, e.New())
	require.Equal(t, "server_reply_lost", domain.ReasonOf(err))
	require.Contains(t, domain.MessageOf(err), "registry.rescan goes on")
}

// The secret of a key is told once; a second answer does not have it.
func TestAKeyWhoseSecretGotLost(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			panic(http.ErrAbortHandler)
		}
		gives(w, actions.CreateKeyResult{Key: domain.APIKey{ID: someID}})
	})
	e := entryOf(t, "key.create")
	_, err := p.remote().Invoke(t.Context(), e, e.New())
	require.Equal(t, "key_lost", domain.ReasonOf(err))
	require.Contains(t, domain.MessageOf(err), "wharf key revoke "+someID)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	slow := &domain.Error{Code: domain.CodeRateLimited, Reason: "rate_limited", Message: "slow down"}
	limited := func(after string) func(int, http.ResponseWriter, *http.Request) {
		return func(n int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", after)
			problem(w, 429, slow)
		}
	}
	e := entryOf(t, "image.get")
	for name, c := range map[string]struct {
		after string
		tries int
		wait  time.Duration
	}{
		"in a moment, and once only": {"1", 2, time.Second},
		"in an hour":                 {"3600", 1, time.Hour},
		"in a thousand years":        {"99999999999", 1, 1 << 30 * time.Second},
		"it does not say":            {"", 1, 0},
		"it says nonsense":           {"soon", 1, 0},
		"it says the past":           {"Mon, 02 Jan 2006 15:04:05 GMT", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, limited(c.after))
			_, err := p.remote().Invoke(t.Context(), e, e.New())
			require.Equal(t, domain.CodeRateLimited, domain.CodeOf(err))
			require.Equal(t, c.wait, domain.RetryAfterOf(err))
			require.Len(t, p.requests(), c.tries)
		})
	}
	p := newPeer(t, limited("2"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := p.remote().Invoke(ctx, e, e.New())
	require.Equal(t, domain.CodeRateLimited, domain.CodeOf(err), "there is no time to wait")
	require.NoError(t, ctx.Err())
}
