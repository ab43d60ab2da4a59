package graphql_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// actors are who calls: the header X-Test-Actor names one, "" is nobody.
var actors = map[string]domain.Actor{
	"root":    {ID: "root", Role: domain.RoleSuperadmin},
	"monitor": {ID: "monitor", Role: domain.RoleMonitor},
	"alice":   {ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"vision"}},
	"bob":     {ID: "bob", Role: domain.RoleUser, Domain: "other"},
}

// site is a service on SQLite with the default policy, behind the handler.
type site struct {
	*service.ImageService
	tb         testing.TB
	store      *bunstore.Store
	statements *statements
	registry   *porttest.Registry
	root       context.Context
	url        string
}

// statements counts those that the store sends.
type statements struct{ atomic.Int64 }

func (*statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }
func (s *statements) AfterQuery(context.Context, *bun.QueryEvent)                      { s.Add(1) }

// template is the bytes of a migrated database.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "graphql")
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

func newSite(tb testing.TB, o graphql.Options) *site {
	tb.Helper()
	data, err := template()
	require.NoError(tb, err)
	path := filepath.Join(tb.TempDir(), "wharf.db")
	require.NoError(tb, os.WriteFile(path, data, 0o600))
	st, err := bunstore.OpenSQLite(tb.Context(), path)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, st.Close()) })
	access, err := rbac.Default(service.Permissions())
	require.NoError(tb, err)
	s := &site{tb: tb, store: st, statements: &statements{}, registry: porttest.NewRegistry(), root: domain.WithActor(tb.Context(), actors["root"])}
	st.AddQueryHook(s.statements)
	s.ImageService, err = service.New(service.Config{
		Store: st, Authorizer: access, Architecture: "x86_64", Limiter: service.NewLimiter(nil, nil),
		Registries: map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: porttest.OpenRegistries(map[string]*porttest.Registry{host: s.registry})},
		Agents:     map[domain.AgentKind]port.OpenAgent{domain.AgentOCILayout: porttest.OpenAgents(nil)},
	})
	require.NoError(tb, err)
	s.url = s.serve(o)
	return s
}

// serve serves the service once more, with other options.
func (s *site) serve(o graphql.Options) string {
	s.tb.Helper()
	h := graphql.New(s.ImageService, o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := actors[r.Header.Get("X-Test-Actor")]; ok {
			r = r.WithContext(domain.WithActor(r.Context(), a))
		}
		h.ServeHTTP(w, r)
	}))
	s.tb.Cleanup(server.Close)
	return server.URL
}

// host is the registry of every image.
const host = "cr.example.org:5000"

// stock registers the registry for the domain default and puts images into it,
// as a scan would.
func (s *site) stock(images ...domain.Image) []domain.Image {
	s.tb.Helper()
	res, err := s.CreateRegistry(s.root, actions.CreateRegistryAction{Name: host})
	require.NoError(s.tb, err)
	_, err = s.AllowRegistry(s.root, actions.AllowRegistryAction{RegistryID: res.Registry.ID, Domain: "default"})
	require.NoError(s.tb, err)
	var list []domain.Image
	for i := range images {
		images[i].RegistryID, images[i].Registry = res.Registry.ID, host
		if images[i].Tag == "" {
			images[i].Tag = "1"
		}
		images[i].Architecture = "x86_64"
		images[i].Derive()
	}
	unit := repository.Unit{Now: time.Now(), Scope: domain.Scope{Reach: domain.ReachAny, Actor: actors["root"]}}
	require.NoError(s.tb, s.store.Admin(unit).InTx(s.tb.Context(), func(ctx context.Context, tx repository.AdminView) error {
		synced, err := tx.Images.Sync(ctx, images)
		for _, one := range synced {
			list = append(list, one.Image)
		}
		return err
	}))
	return list
}

// many is n images that differ in their names.
func many(n int) []domain.Image {
	list := make([]domain.Image, n)
	for i := range list {
		list[i] = domain.Image{Name: fmt.Sprintf("tool-%05d", i), Labels: map[string]string{"a": "1", "b": ""}, SizeBytes: int64(i)}
	}
	return list
}

// node adds an agent that holds the images.
func (s *site) node(id domain.AgentID, images ...domain.Image) {
	s.tb.Helper()
	_, err := s.RegisterAgent(s.root, actions.RegisterAgentAction{AgentID: id, Kind: domain.AgentOCILayout, Address: "/images", ScalingGroup: "default", Architecture: "x86_64"})
	require.NoError(s.tb, err)
	inv := &domain.Inventory{Images: []domain.InventoryImage{}}
	for _, i := range images {
		inv.Images = append(inv.Images, domain.InventoryImage{Canonical: i.Canonical(), Architecture: i.Architecture, Digest: i.ConfigDigest})
	}
	_, err = s.ReportInventory(s.root, actions.ReportInventoryAction{AgentID: id, Inventory: inv})
	require.NoError(s.tb, err)
}

// answer is what a client reads.
type answer struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`

	status int
	raw    string
}

// reasons are those of its errors.
func (a answer) reasons() []any {
	list := []any{}
	for _, e := range a.Errors {
		list = append(list, e.Extensions["reason"])
	}
	return list
}

// ask sends a query as an actor; vars may be nil.
func (s *site) ask(actor, query string, vars map[string]any) answer {
	s.tb.Helper()
	return s.askAt(s.url, actor, query, vars)
}

func (s *site) askAt(url, actor, query string, vars map[string]any) answer {
	s.tb.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	require.NoError(s.tb, err)
	return s.post(url, actor, "application/json", body, nil)
}

func (s *site) post(url, actor, contentType string, body []byte, header http.Header) answer {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(s.tb, err)
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Test-Actor", actor)
	return s.do(r)
}

func (s *site) do(r *http.Request) (a answer) {
	s.tb.Helper()
	res, err := http.DefaultClient.Do(r)
	require.NoError(s.tb, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.tb, err)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(s.tb, d.Decode(&a), "%s", text)
	a.status, a.raw = res.StatusCode, string(text)
	return a
}

// must is ask without errors.
func (s *site) must(actor, query string, vars map[string]any) map[string]any {
	s.tb.Helper()
	a := s.ask(actor, query, vars)
	require.Empty(s.tb, a.Errors, "%s", a.raw)
	return a.Data
}
