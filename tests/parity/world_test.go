package parity_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// world is the site, for one test to change.
type world struct {
	*site
	*app.App
	t    *testing.T
	http http.Handler
}

// newWorld is a site of its own; options change its configuration.
func newWorld(t *testing.T, options ...func(*app.Config)) *world {
	t.Helper()
	s := theSite(t)
	cfg := s.outside().config(s.copied(t))
	for _, o := range options {
		o(&cfg)
	}
	a, err := app.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return &world{site: s, App: a, t: t}
}

// front is the transports of HTTP, which take long to build, before a service
// that can change.
type front struct {
	service *service.ImageService
	handler http.Handler
	err     error
}

// fronts are those that no test uses now.
var fronts = sync.OnceValue(func() *sync.Pool { return &sync.Pool{New: func() any { return newFront() }} })

// newFront is REST and GraphQL, for callers whose token is themselves.
func newFront() *front {
	f := &front{service: &service.ImageService{}}
	api, err := rest.New(f.service, rest.Options{})
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("/graphql", graphql.New(f.service, graphql.Options{}))
	f.err = err
	f.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if actor := actorOf(r); actor.ID != "" {
			ctx = domain.WithEnvelope(ctx, domain.Envelope{Actor: actor, RequestID: domain.NewID[string]()})
		}
		mux.ServeHTTP(rw, r.WithContext(ctx))
	})
	return f
}

// handler is the transports of HTTP before the world's service.
func (w *world) handler() http.Handler {
	w.t.Helper()
	if w.http == nil {
		f := fronts().Get().(*front)
		require.NoError(w.t, f.err)
		*f.service = *w.ImageService
		w.t.Cleanup(func() { fronts().Put(f) })
		w.http = f.handler
	}
	return w.http
}

// tokenOf is an actor as a token, and actorOf the actor again.
func tokenOf(a domain.Actor) string {
	text, _ := json.Marshal(a)
	return base64.RawURLEncoding.EncodeToString(text)
}

func actorOf(r *http.Request) (a domain.Actor) {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err == nil {
		_ = json.Unmarshal(text, &a)
	}
	return a
}

// entryOf is an action of the catalogue.
func entryOf(t *testing.T, name string) service.Entry {
	t.Helper()
	for _, e := range service.Catalogue() {
		if e.Spec.Name == name {
			return e
		}
	}
	require.Fail(t, "no action", name)
	return service.Entry{}
}

func pathOf(action string) string {
	return "/v1/" + strings.ReplaceAll(strings.ReplaceAll(action, ".", "/"), "_", "-")
}
