package survival_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
)

// statements counts those that a store sends.
type statements struct{ atomic.Int64 }

func (*statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }
func (s *statements) AfterQuery(context.Context, *bun.QueryEvent)                      { s.Add(1) }

// watched is a site whose watchers have a store of their own, which counts.
func watched(t *testing.T, s *site) (*service.ImageService, *statements) {
	t.Helper()
	store, err := bunstore.Open(t.Context(), s.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	count := &statements{}
	store.AddQueryHook(count)
	svc, err := service.New(config(store, nil, nil))
	require.NoError(t, err)
	return svc, count
}

// story takes a task and writes its events, one item each, and its end.
func (s *site) story(ctx context.Context, id domain.TaskID, events int) error {
	now := time.Now()
	task, err := s.store.TakeTask(ctx, id, 0, now)
	for i := 1; i < events && err == nil; i++ {
		_, err = s.store.FlushTask(ctx, repository.TaskProgress{
			ID: id, Attempt: task.Attempt, Planned: events - 1, Now: now, Message: "step",
			Items: []domain.TaskItem{{Key: fmt.Sprint(i), State: domain.ItemDone}},
		})
	}
	if err == nil {
		_, err = s.store.FlushTask(ctx, repository.TaskProgress{ID: id, Attempt: task.Attempt, End: domain.TaskDone, Now: now})
	}
	return err
}

func TestEveryWatcherSeesEveryEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		events, watchers, stalled := sized(10_000, 100_000), 100, 10
		if strings.HasPrefix(s.dsn, "postgres:") { // which is not alone with this test
			events, watchers, stalled = events/10, watchers/4, stalled/2
		}
		svc, count := watched(t, s)
		res, err := s.RescanImages(s.root, actions.RescanImagesAction{Background: true})
		require.NoError(t, err)
		random := choices(t)
		release, written := make(chan struct{}), make(chan error, 1)
		began := time.Now()
		go func() { written <- s.story(t.Context(), res.TaskID, events) }()

		var quick, slow sync.WaitGroup
		for i := range watchers {
			w := &watcher{svc: svc, root: s.root, id: res.TaskID, random: rand.New(rand.NewPCG(random.Uint64(), 0)), last: int64(events)}
			if i < stalled {
				slow.Go(func() { w.run(t, release) })
			} else {
				quick.Go(func() { w.run(t, nil) })
			}
		}
		require.NoError(t, <-written)
		wrote := time.Since(began)
		quick.Wait() // while the stalled ones stand still
		took := time.Since(began)
		close(release)
		slow.Wait()
		t.Logf("%d events written in %s, read by %d watchers in %s: %.1f statements per watcher and second",
			events, wrote.Round(time.Millisecond), watchers, took.Round(time.Millisecond), float64(count.Load())/float64(watchers)/took.Seconds())
	})
}

// watcher follows a task as clients do that lose their connection now and then.
type watcher struct {
	svc    *service.ImageService
	root   context.Context
	id     domain.TaskID
	random *rand.Rand
	last   int64 // number of the last event there will be
}

// run follows the task to its end from some number on. With stall it stops
// after its first events until that is closed.
func (w *watcher) run(t *testing.T, stall <-chan struct{}) {
	after := w.random.Int64N(w.last / 2)
	for {
		res, err := w.svc.WatchTask(w.root, actions.WatchTaskAction{
			TaskID: w.id, AfterEvent: after, Limit: 1 + w.random.IntN(domain.MaxPageSize), WaitMS: w.random.IntN(5000),
		})
		if err != nil {
			t.Errorf("watching after %d: %v", after, err)
			return
		}
		for _, e := range res.Events {
			if e.Seq != after+1 || e.Current > e.Total {
				t.Errorf("event %+v follows number %d", e, after)
				return
			}
			after = e.Seq
		}
		if res.Done {
			if after != w.last {
				t.Errorf("done after event %d of %d", after, w.last)
			}
			return
		}
		if stall != nil && len(res.Events) > 0 {
			<-stall
			stall = nil
		}
		if w.random.IntN(20) == 0 { // it was cut off, and lost what it had not written down
			after -= w.random.Int64N(min(after, 100) + 1)
		}
	}
}

func TestIdleWatchersCostLittle(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		svc, count := watched(t, s)
		res, err := s.RescanImages(s.root, actions.RescanImagesAction{Background: true})
		require.NoError(t, err)
		const watchers, wait = 100, 2 * time.Second
		var all sync.WaitGroup
		began := time.Now()
		for range watchers {
			all.Go(func() {
				got, err := svc.WatchTask(s.root, actions.WatchTaskAction{TaskID: res.TaskID, WaitMS: int(wait.Milliseconds())})
				if err != nil || got.Done || len(got.Events) > 0 {
					t.Errorf("nothing happens: %+v, %v", got, err)
				}
			})
		}
		all.Wait()
		per := float64(count.Load()) / watchers / wait.Seconds()
		t.Logf("%d watchers waited %s for %s: %.1f statements per watcher and second", watchers, time.Since(began).Round(time.Millisecond), wait, per)
		require.Less(t, per, 20.0)
	})
}
