package survival_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/tests/containers"
)

// via is a DSN whose server is reached at other addresses, the first that answers.
func via(t *testing.T, dsn, addresses string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Host = addresses
	q := u.Query()
	q.Set("connect_timeout", "1")
	u.RawQuery = q.Encode()
	return u.String()
}

func TestATaskGoesOnWhenThePathToPostgresSwallowsEverythingForAWhile(t *testing.T) {
	t.Parallel()
	server, dsn := containers.PostgresServer(t)
	link := containers.Through(t, server)
	s := newSite(t, dsn)
	const nodes, images = 40, 20
	s.stock(t, nodes, images)
	id := s.preload(t, 0, images)
	j := newJournal()
	m := j.start(t, job{Database: via(t, dsn, link.Address), Images: images, Pull: 40 * time.Millisecond, AtOnce: 8, Work: lively()})
	j.began(t, m, 100)
	link.Swallow(t)
	j.began(t, m, j.of(m)+100)
	<-time.After(time.Second)
	link.Mend(t)
	s.complete(t, id, nodes*images)
}

// A firewall that forgets a connection tells neither side. New ones work.
func TestATaskGoesOnWhenConnectionsToPostgresAreSwallowedForEver(t *testing.T) {
	t.Parallel()
	server, dsn := containers.PostgresServer(t)
	link := containers.Through(t, server)
	s := newSite(t, dsn)
	const nodes, images = 40, 50
	s.stock(t, nodes, images)
	j := newJournal()
	m := j.start(t, job{Database: via(t, dsn, link.Address+","+server.Address), Images: images, Pull: 20 * time.Millisecond, AtOnce: nodes, Work: lively()})
	// All nodes are through at once, and their connections wait for the next.
	s.complete(t, s.preload(t, 0, 1), nodes)
	id := s.preload(t, 1, images)
	j.began(t, m, nodes+100)
	link.Swallow(t)
	began := time.Now()
	require.Eventually(t, func() bool { return s.task(t, id).State.Finished() }, longest, 50*time.Millisecond,
		"the manager waits for an answer that never comes")
	t.Logf("finished %s after the connections were lost", time.Since(began).Round(time.Millisecond))
	s.complete(t, id, nodes*(images-1))
	s.complete(t, s.preload(t, 0, 1), nodes) // the manager is as good as new
}

// Every call has an end, whatever becomes of the database.
func TestCallsEndByTheirDeadlinesWhenPostgresIsSwallowed(t *testing.T) {
	t.Parallel()
	server, dsn := containers.PostgresServer(t)
	link := containers.Through(t, server)
	s := newSite(t, dsn)
	s.stock(t, 1, 1)
	store, err := bunstore.Open(t.Context(), via(t, dsn, link.Address))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	registry, _ := library(1)
	cfg := config(store, registry, nil)
	cfg.Timeouts = service.Timeouts{Read: time.Second, Write: time.Second}
	svc, err := service.New(cfg)
	require.NoError(t, err)
	image := actions.ImageRef{Name: host + "/app-000:1"}
	calls := map[string]func(ctx context.Context) error{
		"a read": func(ctx context.Context) error {
			_, err := svc.ListImages(ctx, actions.ListImagesAction{})
			return err
		},
		"a change": func(ctx context.Context) error {
			_, err := svc.ForgetImage(ctx, actions.ForgetImageAction{Reference: image.Name})
			return err
		},
		"a call to nodes": func(ctx context.Context) error {
			_, err := svc.PreloadImages(ctx, actions.PreloadImagesAction{Images: []actions.ImageRef{image}, TargetAgents: "*"})
			return err
		},
		"a new task": func(ctx context.Context) error {
			_, err := svc.PreloadImages(ctx, actions.PreloadImagesAction{Images: []actions.ImageRef{image}, TargetAgents: "*", Background: true})
			return err
		},
		"a scan": func(ctx context.Context) error {
			_, err := svc.RescanImages(ctx, actions.RescanImagesAction{})
			return err
		},
		"a watch": func(ctx context.Context) error {
			_, err := svc.WatchTask(ctx, actions.WatchTaskAction{TaskID: domain.NewID[domain.TaskID](), WaitMS: 500})
			return err
		},
	}
	var warm sync.WaitGroup
	for range 16 { // connections that wait in the pool
		warm.Go(func() { _, _ = svc.ListImages(s.root, actions.ListImagesAction{}) })
	}
	warm.Wait()
	link.Swallow(t)
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			began := time.Now()
			go func() { ended <- call(s.root) }()
			select {
			case err := <-ended:
				t.Logf("ended after %s: %v", time.Since(began).Round(time.Millisecond), err)
				require.Contains(t, []domain.Code{domain.CodeTimeout, domain.CodeUnavailable}, domain.CodeOf(err), "%v", err)
			case <-time.After(45 * time.Second):
				t.Fatal("it waits for an answer that never comes")
			}
		})
	}
}
