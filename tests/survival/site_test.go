package survival_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// host is the registry of all images.
const host = "cr.example.org"

// library is a registry with that many repositories of one image each, and the
// shelf that nodes find its images on.
func library(repositories int) (*porttest.Registry, *porttest.Shelf) {
	registry, shelf := porttest.NewRegistry(), porttest.NewShelf()
	for i := range repositories {
		name := fmt.Sprintf("app-%03d", i)
		d := registry.Push(porttest.RegistryContent{
			Repository: name, Tags: []string{"1"}, Images: []porttest.RegistryImage{{Architecture: "amd64", Content: name}},
		}).Images[0]
		shelf.Put(porttest.Shelved{
			Canonical: host + "/" + name + ":1", Architecture: d.Architecture,
			Manifest: d.ManifestDigest, Config: d.ConfigDigest, SizeBytes: d.SizeBytes,
		})
	}
	return registry, shelf
}

// site is a database and a service over it that runs no tasks: managers do.
type site struct {
	*service.ImageService
	store    *bunstore.Store
	dsn      string
	registry domain.RegistryID
	root     context.Context // a superadmin's
}

// newSite opens a database, which it migrates unless that is done.
func newSite(t *testing.T, dsn string) *site {
	t.Helper()
	require.NoError(t, migrate(t.Context(), dsn))
	store, err := bunstore.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	svc, err := service.New(config(store, nil, nil))
	require.NoError(t, err)
	s := &site{ImageService: svc, store: store, dsn: dsn, root: domain.WithActor(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})}
	res, err := s.CreateRegistry(s.root, actions.CreateRegistryAction{Name: host})
	require.NoError(t, err)
	s.registry = res.Registry.ID
	return s
}

func migrate(ctx context.Context, dsn string) error {
	store, err := bunstore.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer store.Close()
	return store.Migrate(ctx)
}

func onPostgres(t *testing.T) *site {
	t.Helper()
	return newSite(t, containers.PostgresTemplate(t, "wharf", migrate))
}

func onSQLite(t *testing.T) *site {
	t.Helper()
	return newSite(t, "sqlite:"+filepath.Join(t.TempDir(), "wharf.db"))
}

// onBoth runs a test on Postgres and on SQLite.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("Postgres", func(t *testing.T) {
		t.Parallel()
		test(t, onPostgres(t))
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, onSQLite(t))
	})
}

// stock makes the catalogue know images, and nodes that hold none of them.
func (s *site) stock(t *testing.T, nodes, images int) {
	t.Helper()
	registry, _ := library(images)
	svc, err := service.New(config(s.store, registry, nil))
	require.NoError(t, err)
	_, err = svc.RescanImages(s.root, actions.RescanImagesAction{})
	require.NoError(t, err)
	for i := range nodes {
		_, err := s.RegisterAgent(s.root, actions.RegisterAgentAction{
			AgentID: domain.AgentID(fmt.Sprintf("node-%03d", i)), Kind: domain.AgentOCILayout, Address: "x", ScalingGroup: "g", Architecture: "x86_64",
		})
		require.NoError(t, err)
	}
}

// preload asks for the images from..to-1 on all nodes.
func (s *site) preload(t *testing.T, from, to int) domain.TaskID {
	t.Helper()
	a := actions.PreloadImagesAction{TargetAgents: "*", Background: true}
	for i := from; i < to; i++ {
		a.Images = append(a.Images, actions.ImageRef{Name: fmt.Sprintf("%s/app-%03d:1", host, i)})
	}
	res, err := s.PreloadImages(s.root, a)
	require.NoError(t, err)
	return res.TaskID
}

// task is a task as it is now.
func (s *site) task(t *testing.T, id domain.TaskID) domain.Task {
	t.Helper()
	res, err := s.GetTask(s.root, actions.GetTaskAction{TaskID: id})
	require.NoError(t, err)
	return res.Task
}

// committed are the keys of the items that have ended.
func (s *site) committed(t *testing.T, id domain.TaskID) map[string]domain.ItemState {
	t.Helper()
	ended, _, err := s.store.CommittedItems(t.Context(), id)
	require.NoError(t, err)
	return ended
}

// ended follows a task to its end and returns it with all events.
func (s *site) ended(t *testing.T, id domain.TaskID) (domain.Task, []domain.TaskEvent) {
	t.Helper()
	var events []domain.TaskEvent
	for last := time.Now(); ; {
		a := actions.WatchTaskAction{TaskID: id, WaitMS: 20_000, Limit: domain.MaxPageSize}
		if len(events) > 0 {
			a.AfterEvent = events[len(events)-1].Seq
		}
		res, err := s.WatchTask(s.root, a)
		require.NoError(t, err)
		events = append(events, res.Events...)
		if res.Done {
			return s.task(t, id), events
		}
		if len(res.Events) > 0 {
			last = time.Now()
		} else if time.Since(last) > longest {
			task := s.task(t, id)
			t.Fatalf("nothing happens to the task: %s at attempt %d, %+v", task.State, task.Attempt, task.Account)
		}
	}
}

// addsUp checks what must hold of every finished task: its account is that of
// its items, each of which is there once, and its story has no gap and no step
// back.
func (s *site) addsUp(t *testing.T, task domain.Task, events []domain.TaskEvent) {
	t.Helper()
	var counted domain.TaskAccount
	for _, state := range s.committed(t, task.ID) {
		counted.Seen++
		counted.Count(state)
	}
	require.Equal(t, counted, task.Account)
	require.Equal(t, task.Account.Seen, task.Account.Over())
	last := domain.TaskEvent{}
	for _, e := range events {
		require.Equal(t, last.Seq+1, e.Seq)
		require.GreaterOrEqual(t, e.Current, last.Current, "event %d", e.Seq)
		require.LessOrEqual(t, e.Current, e.Total, "event %d", e.Seq)
		last = e
	}
	require.Equal(t, task.LastEvent, last.Seq)
	require.Equal(t, task.Account.Over(), last.Current)
}

// complete follows a task to its end, at which all of its items are done.
func (s *site) complete(t *testing.T, id domain.TaskID, items int) domain.Task {
	t.Helper()
	task, events := s.ended(t, id)
	s.addsUp(t, task, events)
	require.Equal(t, domain.TaskDone, task.State, "%+v", task.Problem)
	require.Equal(t, items, task.Account.Done+task.Account.Unchanged, "%+v", task.Account)
	return task
}

// named is a DSN of an application that Postgres knows by a name.
func named(t *testing.T, dsn, application string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("application_name", application)
	u.RawQuery = q.Encode()
	return u.String()
}
