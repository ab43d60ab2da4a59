package oci_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/adapters/registry/oci/ocitest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ port.Registry      = (*oci.Client)(nil)
	_ port.TagDeleter    = (*oci.Client)(nil)
	_ port.DigestDeleter = (*oci.Client)(nil)
)

// memory is go-containerregistry's registry, which deletes exactly the key that
// it is told to: a digest without its tags.
func memory() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)))
}

// harness runs the suite on the registry in memory behind a wrapper.
func harness(o oci.Options, wrap func(http.Handler) http.Handler) porttest.RegistryHarness {
	return porttest.RegistryHarness{
		New: func(tb testing.TB) porttest.RegistryUnderTest {
			tb.Helper()
			s := serve(tb, wrap(memory()))
			return porttest.RegistryUnderTest{
				Host: s.host(),
				Open: func(tb testing.TB, project string) port.Registry {
					tb.Helper()
					return open(tb, domain.Registry{URL: s.URL, Project: project}, o)
				},
				Push: func(tb testing.TB, c porttest.RegistryContent) domain.Description {
					tb.Helper()
					return ocitest.Push(tb, s.host(), c)
				},
				Requests: s.lines,
			}
		},
		PageSize: o.PageSize, TagDelete: true, DigestDelete: true,
	}
}

func same(h http.Handler) http.Handler { return h }

func TestRegistryInMemory(t *testing.T) {
	porttest.RunRegistry(t, harness(oci.Options{}, same))
}

// TestRegistryWithLinks pages as distribution does.
func TestRegistryWithLinks(t *testing.T) {
	porttest.RunRegistry(t, harness(oci.Options{PageSize: 3}, func(h http.Handler) http.Handler { return paged(h, true) }))
}

// TestRegistryWithoutLinks pages, and leaves it to the client to go on.
func TestRegistryWithoutLinks(t *testing.T) {
	porttest.RunRegistry(t, harness(oci.Options{PageSize: 3}, func(h http.Handler) http.Handler { return paged(h, false) }))
}

func TestRegistryWithTokens(t *testing.T) {
	h := harness(oci.Options{}, same)
	h.New = func(tb testing.TB) porttest.RegistryUnderTest {
		tb.Helper()
		inner := memory()
		plain, guarded := serve(tb, inner), newTokens(tb, inner)
		return porttest.RegistryUnderTest{
			Host: guarded.host(),
			Open: func(tb testing.TB, project string) port.Registry {
				tb.Helper()
				return open(tb, domain.Registry{URL: guarded.URL, Project: project, Username: user, Password: password}, oci.Options{})
			},
			Push: func(tb testing.TB, c porttest.RegistryContent) domain.Description {
				tb.Helper()
				return ocitest.Push(tb, plain.host(), c)
			},
		}
	}
	porttest.RunRegistry(t, h)
}

// TestRegistryThatDeletesNothing answers as docker-registry 2.8 does.
func TestRegistryThatDeletesNothing(t *testing.T) {
	for name, refuse := range map[string]func(http.ResponseWriter){
		"405 UNSUPPORTED": func(w http.ResponseWriter) { fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED") },
		"400 UNSUPPORTED": func(w http.ResponseWriter) { fail(w, http.StatusBadRequest, "UNSUPPORTED") },
	} {
		t.Run(name, func(t *testing.T) {
			h := harness(oci.Options{}, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodDelete {
						refuse(w)
						return
					}
					h.ServeHTTP(w, r)
				})
			})
			h.TagDelete, h.DigestDelete = false, false
			porttest.RunRegistry(t, h)
		})
	}
}

// paged puts the paging of the specification in front of a registry.
func paged(h http.Handler, links bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		n, err := strconv.Atoi(q.Get("n"))
		key := map[bool]string{true: "repositories", false: "tags"}[strings.HasSuffix(r.URL.Path, "/_catalog")]
		if err != nil || key == "tags" && !strings.HasSuffix(r.URL.Path, "/tags/list") {
			h.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		all := r.Clone(r.Context())
		all.URL.RawQuery = ""
		h.ServeHTTP(whole, all)
		var doc map[string]any
		if whole.Code != http.StatusOK || json.Unmarshal(whole.Body.Bytes(), &doc) != nil {
			h.ServeHTTP(w, r)
			return
		}
		names := []string{}
		listed, _ := doc[key].([]any)
		for _, name := range listed {
			if name.(string) > q.Get("last") {
				names = append(names, name.(string))
			}
		}
		slices.Sort(names)
		if len(names) > n {
			names = names[:n]
			if links {
				w.Header().Set("Link", `<`+r.URL.Path+`?last=`+names[n-1]+`&n=`+q.Get("n")+`>; rel="next"`)
			}
		}
		doc[key] = names
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(doc)
	})
}
