package graphql

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// watchWait is how long one look at a task waits for events, in milliseconds.
const watchWait = 25_000

// TaskEvents gives a task's events from the one after the given number on. It
// asks again and again, so that a grant that is taken away ends it.
func (s subscription) TaskEvents(ctx context.Context, taskID string, after *int64) (<-chan *domain.TaskEvent, error) {
	a := actions.WatchTaskAction{TaskID: domain.TaskID(taskID), Limit: domain.MaxPageSize}
	if after != nil {
		a.AfterEvent = *after
	}
	res, err := s.svc.WatchTask(ctx, a)
	if err != nil {
		return nil, err
	}
	events := make(chan *domain.TaskEvent)
	go func() {
		defer close(events)
		for {
			for i := range res.Events {
				select {
				case events <- &res.Events[i]:
					a.AfterEvent = res.Events[i].Seq
				case <-ctx.Done():
					return
				}
			}
			if res.Done {
				return
			}
			a.WaitMS = watchWait
			if res, err = s.watch(ctx, a); err != nil {
				if ctx.Err() == nil {
					fail(ctx, err)
				}
				return
			}
		}
	}()
	return events, nil
}

// watch waits while the caller has asked too much.
func (s subscription) watch(ctx context.Context, a actions.WatchTaskAction) (actions.WatchTaskResult, error) {
	for {
		res, err := s.svc.WatchTask(ctx, a)
		if !errors.Is(err, domain.ErrRateLimited) {
			return res, err
		}
		wait := time.NewTimer(max(domain.RetryAfterOf(err), time.Second))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return res, ctx.Err()
		}
	}
}

// fault is why a stream ended before its time.
type fault struct {
	mu  sync.Mutex
	err error
}

type faultKey struct{}

func withFault(ctx context.Context) (context.Context, *fault) {
	f := &fault{}
	return context.WithValue(ctx, faultKey{}, f), f
}

func fail(ctx context.Context, err error) {
	if f, ok := ctx.Value(faultKey{}).(*fault); ok {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.err = err
	}
}

func (f *fault) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
