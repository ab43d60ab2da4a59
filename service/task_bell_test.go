package service_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
)

// overheard is a store that says when somebody looks for events.
type overheard struct {
	repository.Store
	looks atomic.Int64
	hook  func(look int64) error // nil: nothing
}

func (o *overheard) LastEvents(ctx context.Context, ids []domain.TaskID) (map[domain.TaskID]int64, error) {
	if n := o.looks.Add(1); o.hook != nil {
		if err := o.hook(n); err != nil {
			return nil, err
		}
	}
	return o.Store.LastEvents(ctx, ids)
}

func overhear(o *overheard) func(*service.Config) {
	return func(cfg *service.Config) {
		o.Store = cfg.Store
		cfg.Store = o
	}
}

// rescanning is a task that nobody works on.
func (f *fleet) rescanning(svc *service.ImageService) domain.TaskID {
	f.tb.Helper()
	f.register(fleetHost, "")
	res, err := svc.RescanImages(f.root, actions.RescanImagesAction{Background: true})
	require.NoError(f.tb, err)
	return res.TaskID
}

func TestManyWhoWatchCostOneLookAndAllHearOfTheEnd(t *testing.T) {
	t.Parallel()
	const watchers = 100
	f, o := newFleet(t, quick), &overheard{}
	var heard sync.WaitGroup
	svc := f.again(quick, overhear(o))
	id := f.rescanning(svc)
	task, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: id})
	require.NoError(t, err)
	o.hook = func(look int64) error {
		if look == 3 {
			_, err := f.CancelTask(f.root, actions.CancelTaskAction{TaskID: id})
			return err
		}
		return nil
	}
	for range watchers {
		heard.Go(func() {
			res, err := svc.WatchTask(f.root, actions.WatchTaskAction{TaskID: id, AfterEvent: task.Task.LastEvent, WaitMS: 20_000})
			if err != nil || !res.Done || len(res.Events) != 1 || res.Events[0].Type != domain.EventCancelled {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
	heard.Wait()
	require.Less(t, o.looks.Load(), int64(watchers/2), "one look is for all")
}

func TestWhoWatchesHearsOfAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	f, o := newFleet(t, quick), &overheard{}
	svc := f.again(quick, overhear(o))
	id := f.rescanning(svc)
	task, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: id})
	require.NoError(t, err)
	o.hook = func(look int64) error {
		if look > 1 {
			return nil
		}
		// The look fails, and what it kept from the watcher is read without it.
		if _, err := f.CancelTask(f.root, actions.CancelTaskAction{TaskID: id}); err != nil {
			return err
		}
		return domain.Errorf(domain.CodeUnavailable, "database_unavailable", "", "the database is away")
	}
	res, err := svc.WatchTask(f.root, actions.WatchTaskAction{TaskID: id, AfterEvent: task.Task.LastEvent, WaitMS: 20_000})
	require.NoError(t, err)
	require.True(t, res.Done)
	require.EqualValues(t, 1, o.looks.Load())
}

func TestNobodyLooksWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	f, o := newFleet(t, quick), &overheard{}
	svc := f.again(quick, overhear(o))
	id := f.rescanning(svc)
	task, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: id})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(f.root)
	o.hook = func(int64) error { cancel(); return nil }
	_, err = svc.WatchTask(ctx, actions.WatchTaskAction{TaskID: id, AfterEvent: task.Task.LastEvent, WaitMS: 20_000})
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 1, o.looks.Load(), "it ends with who waited")

	o.hook = nil
	start := time.Now()
	res, err := svc.WatchTask(f.root, actions.WatchTaskAction{TaskID: id, AfterEvent: task.Task.LastEvent, WaitMS: 10})
	require.NoError(t, err)
	require.Empty(t, res.Events)
	require.Less(t, time.Since(start), 5*time.Second, "it waits as long as it was told to, not longer")
}
