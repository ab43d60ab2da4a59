package cli

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// get asks for the task and some of its items.
func (w *watcher) get(ctx context.Context, where domain.Filter, limit int) (actions.GetTaskResult, error) {
	answer, err := w.ask(ctx, "task.get", &actions.GetTaskAction{TaskID: w.id, Where: where, Page: domain.Page{Limit: limit}})
	if err != nil {
		return actions.GetTaskResult{}, err
	}
	return answer.(actions.GetTaskResult), nil
}

// ask runs an action, again and again for a while if that may help: the task
// outlives a database that is away for a moment, and so does watching it.
func (w *watcher) ask(ctx context.Context, name string, a actions.Action) (any, error) {
	for try := range watchTries {
		answer, err := w.p.call(ctx, w.svc, name, a)
		if err == nil || ctx.Err() != nil || !passes(err) {
			return answer, err
		}
		w.tell("no answer; trying again")
		if err := pause(ctx, max(watchPause<<try, min(domain.RetryAfterOf(err), watchWait))); err != nil {
			return nil, err
		}
	}
	return w.p.call(ctx, w.svc, name, a)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passes reports whether an error may be over soon.
func passes(err error) bool {
	switch domain.CodeOf(err) {
	case domain.CodeUnavailable, domain.CodeTimeout, domain.CodeRateLimited:
		return true
	}
	return false
}
