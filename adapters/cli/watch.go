package cli

import (
	"context"
	"errors"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

const (
	watchWait   = 20 * time.Second // of one question for events
	watchGlance = time.Second      // the same where bars show what is between events
	watchTries  = 5                // more, of a question that gets no answer
	watchPause  = time.Second / 2  // before the first of these, which doubles
	watchShown  = 20               // failed items of the end
)

// follows reports whether task watch is to see a task to its end: unless flags
// ask for one batch of events.
func (c *command) follows() bool {
	for _, name := range []string{"after-event", "limit", "wait-ms"} {
		if len(c.flags[name].given) > 0 {
			return false
		}
	}
	return len(c.actionJSON.given) == 0
}

// watcher follows one task.
type watcher struct {
	p     *program
	svc   Service
	id    domain.TaskID
	shown shown       // nil: nobody looks
	task  domain.Task // as it was last seen, for who looks
}

// watch follows a task to its end and tells it. Leaving early leaves the task
// alone.
func (c *command) watch(ctx context.Context, svc Service, id domain.TaskID) error {
	w := &watcher{p: c.p, svc: svc, id: id}
	if err := w.follow(ctx); err != nil {
		return w.left(ctx, err)
	}
	end, err := w.get(ctx, domain.Where("state", domain.Eq, string(domain.ItemFailed)), watchShown)
	if err != nil {
		return w.left(ctx, err)
	}
	if err := w.print(end); err != nil {
		return err
	}
	if end.Task.Account.Failed+end.Task.Account.Cancelled > 0 || end.Task.Problem != nil {
		c.p.hint("what did not succeed is tried again by: wharf task retry %s\n", clean(string(id)))
	}
	return taskEnd(end.Task)
}

// follow asks for events until there will be no more.
func (w *watcher) follow(ctx context.Context) error {
	wait := watchWait
	if w.shown = w.p.shown(); w.shown != nil {
		defer w.shown.end()
		if w.p.Terminal.Err {
			wait = watchGlance
		}
	}
	events := &actions.WatchTaskAction{TaskID: w.id, Limit: domain.MaxPageSize, WaitMS: int(wait / time.Millisecond)}
	for first := true; ; first = false {
		if err := w.show(ctx, first); err != nil {
			return err
		}
		answer, err := w.ask(ctx, "task.watch", events)
		if err != nil {
			return err
		}
		r := answer.(actions.WatchTaskResult)
		if err := w.printEvents(r.Events); err != nil {
			return err
		}
		if r.Done {
			return nil
		}
		if n := len(r.Events); n > 0 {
			events.AfterEvent = r.Events[n-1].Seq
		} else if err := pause(ctx, watchPause); err != nil { // whoever does not wait for events is not to be flooded
			return err
		}
	}
}

// show reports how far the task is, where somebody looks.
func (w *watcher) show(ctx context.Context, first bool) error {
	if w.shown == nil {
		return nil
	}
	now, err := w.get(ctx, domain.Filter{}, 1)
	if err != nil {
		return err
	}
	w.task = now.Task
	if first && w.task.State == domain.TaskQueued {
		w.p.hint("the task is queued; wharf serve works it off\n")
	}
	message := accountText(w.task.Account)
	if w.task.Cancel {
		message += "; it is to stop"
	}
	w.tell(message)
	w.shown.items(w.task.Running)
	return nil
}

func (w *watcher) tell(message string) {
	if w.shown != nil {
		w.shown.step(domain.ProgressStep{Current: int64(w.task.Current()), Total: int64(w.task.Total()), Message: message})
	}
}

// left is the error of a watch that ended before its task; what was called off
// is only the watching.
func (w *watcher) left(ctx context.Context, err error) error {
	code := domain.CodeCanceled
	switch {
	case ctx.Err() == nil:
		return err // the service's own
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		code = domain.CodeTimeout
	}
	return domain.Errorf(code, "watch_stopped", string(w.id), "stopped watching, which does not stop the task; wharf task cancel %s does", w.id)
}

// printEvents prints what happened, for programs, a line each and at once.
func (w *watcher) printEvents(events []domain.TaskEvent) error {
	if !w.p.global.json || w.p.settings.Quiet {
		return nil
	}
	for _, e := range events {
		if err := w.p.jsonLine(e); err != nil {
			return err
		}
	}
	return w.p.out.flush()
}

// print prints the end of the task.
func (w *watcher) print(end actions.GetTaskResult) error {
	if w.p.global.json {
		if err := w.p.jsonLine(end); err != nil {
			return err
		}
		return w.p.out.flush()
	}
	w.p.out.ended(end)
	return w.p.out.flush()
}

// jsonLine prints one document of several, on a line of its own.
func (p *program) jsonLine(v any) error {
	b, err := marshal(v, false)
	if err != nil {
		return domain.Internal("cli", err)
	}
	p.out.text(string(b))
	return nil
}

const watchHelp = `Follow a task until it is over: how far it is on standard error, on a terminal also the
items under way; how it ended and what failed on standard output. Ctrl-C stops the watching and not the task. The exit code tells
the end: 0 done, 12 some items failed, 13 the task failed, 14 it was cancelled.

With --json each event is a line, and so is the end: the task with the first items that
failed. --quiet leaves the end only. With --after-event, --limit, --wait-ms or --action-json
the answer is one batch of events, for programs that follow in their own way.
`
