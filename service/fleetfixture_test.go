package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// fleetHost is the registry that most tests use.
const fleetHost = "cr.example.org"

// fleet is a service over a real store, with registries and nodes in memory.
type fleet struct {
	*service.ImageService
	tb         testing.TB
	store      *bunstore.Store
	registries map[string]*porttest.Registry
	agents     map[domain.AgentID]*porttest.Agent
	engines    map[domain.AgentID]*savingNode
	shelf      *porttest.Shelf // what nodes pull: everything that f.scan saw
	logs       *fleetLog
	root       context.Context // a superadmin's
}

// fleetTemplate is the bytes of a migrated database.
var fleetTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "fleet")
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

// fleetStore opens a copy of a database.
func fleetStore(tb testing.TB, data []byte) *bunstore.Store {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "wharf.db")
	require.NoError(tb, os.WriteFile(path, data, 0o600))
	st, err := bunstore.OpenSQLite(tb.Context(), path)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, st.Close()) })
	return st
}

// newFleet makes a service; options change its configuration.
func newFleet(tb testing.TB, options ...func(*service.Config)) *fleet {
	tb.Helper()
	data, err := fleetTemplate()
	require.NoError(tb, err)
	return newFleetOn(tb, fleetStore(tb, data), options...)
}

// newFleetOn is newFleet over a store.
func newFleetOn(tb testing.TB, st *bunstore.Store, options ...func(*service.Config)) *fleet {
	tb.Helper()
	f := &fleet{
		tb: tb, store: st, registries: map[string]*porttest.Registry{}, agents: map[domain.AgentID]*porttest.Agent{},
		engines: map[domain.AgentID]*savingNode{}, shelf: porttest.NewShelf(), logs: &fleetLog{},
	}
	f.root = domain.WithActor(tb.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})
	f.ImageService = f.again(options...)
	return f
}

// again is another service over the same store, registries and nodes.
func (f *fleet) again(options ...func(*service.Config)) *service.ImageService {
	f.tb.Helper()
	cfg := service.Config{
		Store: f.store, Authorizer: porttest.AllowAll{}, Architecture: "x86_64",
		Registries: map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: porttest.OpenRegistries(f.registries)},
		Agents:     map[domain.AgentKind]port.OpenAgent{domain.AgentOCILayout: f.open},
		Limiter:    service.NewLimiter(nil, nil),
		Logger:     slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, o := range options {
		o(&cfg)
	}
	svc, err := service.New(cfg)
	require.NoError(f.tb, err)
	return svc
}

// as is the context of another actor.
func (f *fleet) as(a domain.Actor) context.Context { return domain.WithActor(f.tb.Context(), a) }

// register adds a registry row, and the registry behind it.
func (f *fleet) register(host, project string) domain.Registry {
	f.tb.Helper()
	if f.registries[host] == nil {
		f.registries[host] = porttest.NewRegistry()
	}
	res, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: host, Project: project})
	require.NoError(f.tb, err)
	return res.Registry
}

// fleetContent is one tag for the OCI architectures, an index for several.
func fleetContent(name, words string, archs ...string) porttest.RegistryContent {
	repo, tag, _ := strings.Cut(name, ":")
	c := porttest.RegistryContent{Repository: repo, Tags: []string{tag}, Index: len(archs) > 1}
	for _, a := range archs {
		c.Images = append(c.Images, porttest.RegistryImage{Architecture: a, Content: name + words})
	}
	return c
}

// push puts repository:tag into the registry of fleetHost.
func (f *fleet) push(name string, archs ...string) domain.Description {
	if len(archs) == 0 {
		archs = []string{"amd64"}
	}
	return f.registries[fleetHost].Push(fleetContent(name, "", archs...))
}

// image pushes and scans repository:tag on fleetHost, registering the host when
// it is new, and returns the rows by architecture.
func (f *fleet) image(name string, archs ...string) []domain.Image {
	f.tb.Helper()
	if f.registries[fleetHost] == nil {
		f.register(fleetHost, "")
	}
	f.push(name, archs...)
	return f.scan(fleetHost + "/" + name)
}

// scan reads one tag into the catalogue and puts what it saw on the shelf.
func (f *fleet) scan(ref string) []domain.Image {
	f.tb.Helper()
	res, err := f.ScanImage(f.root, actions.ScanImageAction{Reference: ref})
	require.NoError(f.tb, err)
	var list []domain.Image
	for _, i := range res.Images {
		list = append(list, i.Image)
		f.shelf.Put(porttest.ShelvedOf(i.Image))
	}
	return list
}

// rescan reconciles every registry and checks that each account adds up.
func (f *fleet) rescan() []actions.RegistryScan {
	f.tb.Helper()
	res, err := f.RescanImages(f.root, actions.RescanImagesAction{})
	require.NoError(f.tb, err)
	fleetAddsUp(f.tb, res.Registries...)
	return res.Registries
}

func fleetAddsUp(tb testing.TB, scans ...actions.RegistryScan) {
	tb.Helper()
	for _, s := range scans {
		require.Equal(tb, s.Seen, s.Added+s.Updated+s.Unchanged+s.Skipped+s.Failed, "%+v", s)
	}
}

// fleetAccount is the numbers of a scan, for comparisons.
func fleetAccount(s actions.RegistryScan) string {
	return fmt.Sprintf("complete=%t seen=%d added=%d updated=%d unchanged=%d skipped=%d failed=%d gone=%d",
		s.Complete, s.Seen, s.Added, s.Updated, s.Unchanged, s.Skipped, s.Failed, s.Gone)
}

// stored is an image as it is now, whatever its status.
func (f *fleet) stored(id domain.ImageID) domain.ImageDetail {
	f.tb.Helper()
	res, err := f.GetImage(f.root, actions.GetImageAction{Reference: string(id), Statuses: domain.ImageStatuses()})
	require.NoError(f.tb, err)
	return res.Image
}

func (f *fleet) requireStatus(id domain.ImageID, want domain.ImageStatus) {
	f.tb.Helper()
	require.Equal(f.tb, want, f.stored(id).Status)
}

// inStatus brings an alive image into a status by the way that leads there.
func (f *fleet) inStatus(img domain.Image, status domain.ImageStatus) domain.Image {
	f.tb.Helper()
	switch status {
	case domain.ImageForgotten:
		_, err := f.ForgetImageByID(f.root, actions.ForgetImageByIDAction{ImageID: img.ID})
		require.NoError(f.tb, err)
	case domain.ImageMissing:
		f.registries[img.Registry].Remove(img.Repository(), img.Tag)
		f.rescan()
	case domain.ImageAlive:
	}
	f.requireStatus(img.ID, status)
	return f.stored(img.ID).Image
}

func (f *fleet) admin() repository.Admin { return f.store.Admin(repository.Unit{}) }

// audit is the trail of one action, oldest first.
func (f *fleet) audit(action string) []domain.AuditEntry {
	f.tb.Helper()
	res, err := f.SearchAudit(f.root, actions.SearchAuditAction{Where: domain.Where("action", domain.Eq, action), Page: domain.Page{Limit: domain.MaxPageSize}})
	require.NoError(f.tb, err)
	return res.Entries
}

// fleetError checks code and reason, and that an end user can read it.
func fleetError(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	require.Error(tb, err)
	require.Equal(tb, string(code)+"/"+reason, string(domain.CodeOf(err))+"/"+domain.ReasonOf(err), "%v", err)
	require.NotEmpty(tb, domain.MessageOf(err))
}

// fleetLog keeps what was logged.
type fleetLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *fleetLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *fleetLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// fleetJSON is a value as transports send it.
func fleetJSON(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	require.NoError(tb, err)
	return string(b)
}

// fleetSorted is f of every element, sorted.
func fleetSorted[T any](list []T, f func(T) string) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, f(v))
	}
	slices.Sort(out)
	return out
}
