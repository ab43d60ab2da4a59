package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// template is the bytes of a migrated database.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	st, err := bunstore.OpenSQLite(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := st.Migrate(context.Background()); err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// world is the transport over a service on a real store. Requests are made by
// root, a superadmin, unless X-Test-User names somebody else ("-": nobody).
type world struct {
	http.Handler
	t        *testing.T
	svc      *service.ImageService
	store    *bunstore.Store
	registry *porttest.Registry
	root     context.Context
}

// at is what a test hangs into a world.
type at struct {
	rest rest.Options
	door service.Middleware // sees every call, and may stop it
	cfg  func(*service.Config)
}

func newWorld(t *testing.T, a at) *world {
	t.Helper()
	data, err := template()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "wharf.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	w := &world{t: t, registry: porttest.NewRegistry(), root: domain.WithActor(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})}
	w.store, err = bunstore.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	authorizer, err := rbac.New(rbac.Config{Permissions: service.Permissions()})
	require.NoError(t, err)
	cfg := service.Config{
		Store: w.store, Authorizer: authorizer, Architecture: "x86_64", Limiter: service.NewLimiter(nil, nil),
		Registries: map[domain.RegistryType]port.OpenRegistry{
			domain.RegistryOCI: porttest.OpenRegistries(map[string]*porttest.Registry{"cr.example.org": w.registry}),
		},
		Agents: map[domain.AgentKind]port.OpenAgent{
			domain.AgentOCILayout: porttest.OpenAgents(map[domain.AgentID]*porttest.Agent{"n1": porttest.NewAgent(porttest.NewShelf())}),
		},
	}
	if a.door != nil {
		cfg.Middleware = []service.Middleware{a.door}
	}
	if a.cfg != nil {
		a.cfg(&cfg)
	}
	w.svc, err = service.New(cfg)
	require.NoError(t, err)
	h, err := rest.New(w.svc, a.rest)
	require.NoError(t, err)
	w.Handler = authenticated(h)
	return w
}

// authenticated stands for the middleware that knows who calls.
func authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor := domain.Actor{ID: "root", Role: domain.RoleSuperadmin}
		if user := r.Header.Get("X-Test-User"); user != "" {
			actor = domain.Actor{ID: domain.UserID(user), Role: domain.RoleUser, Domain: "default"}
		}
		w.Header().Set("X-Request-Id", "req-1")
		if actor.ID != "-" {
			r = r.WithContext(domain.WithEnvelope(r.Context(), domain.Envelope{Actor: actor, RequestID: "req-1"}))
		}
		next.ServeHTTP(w, r)
	})
}

// image scans one image into the catalogue.
func (w *world) image(name string) domain.Image {
	w.t.Helper()
	repo, tag, _ := strings.Cut(name, ":")
	w.registry.Push(porttest.RegistryContent{Repository: repo, Tags: []string{tag}, Images: []porttest.RegistryImage{{Architecture: "amd64"}}})
	rows, err := w.svc.ListRegistries(w.root, actions.ListRegistriesAction{})
	require.NoError(w.t, err)
	if len(rows.Registries) == 0 {
		_, err := w.svc.CreateRegistry(w.root, actions.CreateRegistryAction{Name: "cr.example.org"})
		require.NoError(w.t, err)
	}
	res, err := w.svc.ScanImage(w.root, actions.ScanImageAction{Reference: "cr.example.org/" + name})
	require.NoError(w.t, err)
	require.Len(w.t, res.Images, 1)
	return res.Images[0].Image
}

// task submits a rescan, takes it up and returns it; nobody works it off.
func (w *world) task() domain.Task {
	w.t.Helper()
	res, err := w.svc.RescanImages(w.root, actions.RescanImagesAction{Background: true})
	require.NoError(w.t, err)
	task, err := w.store.TakeTask(w.t.Context(), res.TaskID, 0, time.Now())
	require.NoError(w.t, err)
	return task
}

// progress writes one event of a task.
func (w *world) progress(task domain.Task, p repository.TaskProgress) {
	w.t.Helper()
	p.ID, p.Attempt, p.Now = task.ID, task.Attempt, time.Now()
	_, err := w.store.FlushTask(w.t.Context(), p)
	require.NoError(w.t, err)
}

// answer is a response that was read.
type answer struct {
	t *testing.T
	*http.Response
	body []byte
}

// do sends a request; headers are "Name: value", a body makes it JSON.
func (w *world) do(method, target, body string, headers ...string) *answer {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return w.serve(r)
}

func (w *world) serve(r *http.Request) *answer {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	res := rec.Result()
	a := &answer{t: w.t, Response: res, body: rec.Body.Bytes()}
	if len(a.body) > 0 {
		require.Equal(w.t, "nosniff", res.Header.Get("X-Content-Type-Options"))
	}
	return a
}

// ok is the result of a call that went well.
func (a *answer) ok(status int) map[string]any {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.body)
	require.Equal(a.t, "application/json", a.Header.Get("Content-Type"))
	return a.object()
}

func (a *answer) object() map[string]any {
	a.t.Helper()
	m := map[string]any{}
	require.NoError(a.t, json.NewDecoder(bytes.NewReader(a.body)).Decode(&m), "%s", a.body)
	return m
}

// problem checks the form of a problem and its status, reason and thing.
func (a *answer) problem(status int, reason, on string) map[string]any {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.body)
	require.Equal(a.t, "application/problem+json", a.Header.Get("Content-Type"))
	p := a.object()
	require.Equal(a.t, reason, p["reason"], "%s", a.body)
	if on != "" {
		require.Equal(a.t, on, p["on"], "%s", a.body)
	}
	require.EqualValues(a.t, status, p["status"])
	require.NotEmpty(a.t, p["title"])
	require.NotEmpty(a.t, p["detail"])
	require.Equal(a.t, "req-1", p["request_id"])
	return p
}

// body is an object as JSON.
func body(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
