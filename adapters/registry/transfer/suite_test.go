package transfer_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is go-containerregistry's registry.
func memory() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// serve serves a registry, and returns its host.
func serve(tb testing.TB, h http.Handler) string {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestStoresKeepTheContract(t *testing.T) {
	for _, kind := range []string{"oci", "archive"} {
		t.Run(kind, func(t *testing.T) {
			var spoiled atomic.Value
			inner := memory()
			host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if repo, _ := spoiled.Load().(string); repo != "" && strings.HasPrefix(r.URL.Path, "/v2/"+repo+"/blobs/") && r.Method == http.MethodGet {
					spoil(w, r, inner)
					return
				}
				inner.ServeHTTP(w, r)
			}))
			h := transfertest.Harness(host, kind)
			h.Spoil = func(_ testing.TB, r domain.Reference) { spoiled.Store(r.Path) }
			h.Denied = func(tb testing.TB, r domain.Reference) (domain.Reference, domain.Registry) {
				tb.Helper()
				closed := serve(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost || r.Method == http.MethodPut {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					inner.ServeHTTP(w, r)
				}))
				r.Registry = closed
				return r, transfertest.Row(closed)
			}
			porttest.RunLocal(t, h)
		})
	}
}

// spoil changes the last byte of what is given.
func spoil(w http.ResponseWriter, r *http.Request, inner http.Handler) {
	whole := httptest.NewRecorder()
	inner.ServeHTTP(whole, r)
	body := whole.Body.Bytes()
	if len(body) > 0 {
		body[len(body)-1] ^= 1
	}
	for k, v := range whole.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body)
}
