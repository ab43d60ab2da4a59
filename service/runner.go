package service

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// Work tunes background work. Zero is the default in brackets.
type Work struct {
	// Flush is how often progress is written, and a cancellation noticed (250 ms).
	Flush time.Duration
	// Redelivery is how long a task may give no sign of life before it is
	// offered again (30 s). Every process watches by its own clock.
	Redelivery time.Duration
	// Attempts is how often in a row a task is taken up without one of its items
	// coming to an end, before it is given up (10).
	Attempts int
	// Return is the wait before an agent that was away is tried again, unless it
	// says itself that it is back (1 min); it doubles, up to 32 times.
	Return time.Duration
	// Retention says when what is over is removed.
	Retention Retention
}

func (w Work) withDefaults() Work {
	orElse(&w.Flush, 250*time.Millisecond)
	orElse(&w.Redelivery, 30*time.Second)
	orElse(&w.Return, time.Minute)
	w.Retention = w.Retention.withDefaults()
	if w.Attempts <= 0 {
		w.Attempts = 10
	}
	return w
}

// Runner does the background work of a service: tasks, and the pruning of old
// ones. Any number of processes may run one on the same database.
type Runner struct {
	svc   *ImageService
	queue repository.TaskQueue
	tasks port.Tasks
	log   *slog.Logger
	now   func() time.Time
	work  Work
}

// NewRunner returns the runner of a service.
func NewRunner(svc *ImageService) *Runner {
	t := svc.TaskService
	return &Runner{svc: svc, queue: hasty{t.door.store, max(t.work.Redelivery/2, settleTimeout)}, tasks: t.delivery, log: t.log, now: t.now, work: t.work}
}

// Run works until ctx is done, and returns when what it began has stopped:
// what it did is written, what is left is for another process, or for the next
// run. The error is that of ctx, or of the delivery.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		r.sweep(ctx)
	}()
	err := r.tasks.Work(ctx, r.do)
	cancel()
	<-swept
	return err
}

// do makes one attempt at a task.
func (r *Runner) do(ctx context.Context, t port.Ticket) {
	task, err := r.queue.TakeTask(ctx, t.Task, t.Attempt, r.now())
	if err != nil {
		if reason := domain.ReasonOf(err); reason != "task_finished" && reason != "task_taken" && ctx.Err() == nil {
			r.log.WarnContext(ctx, "a task cannot be taken", "task", t.Task, "err", err)
		}
		return
	}
	ended, only, err := r.queue.CommittedItems(ctx, task.ID)
	if err != nil {
		return // it gives no sign of life, and is offered again
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := &attempt{queue: r.queue, now: r.now, id: task.ID, number: task.Attempt, ended: ended, stop: stop}
	if only != nil {
		a.only = map[string]bool{}
		for _, key := range only {
			a.only[key] = true
		}
	}
	if task.Cancel {
		stop(errTaskCancelled)
	}
	err = r.attempt(work, a, task)
	r.finish(ctx, work, a, task, err)
}

// attempt runs the task's action through the door as whoever submitted it,
// flushing beside it.
func (r *Runner) attempt(ctx context.Context, a *attempt, task domain.Task) error {
	if task.Vain > r.work.Attempts {
		return domain.Errorf(domain.CodeInternal, "too_many_attempts", string(task.ID), "the task was taken up %d times in a row and got nowhere", r.work.Attempts)
	}
	entry, ok := entryNamed(task.Kind)
	if !ok {
		return domain.Errorf(domain.CodeInternal, "task_unknown", task.Kind, "nothing here knows tasks of kind %s", task.Kind)
	}
	action := entry.New()
	if err := json.Unmarshal(task.Action, action); err != nil {
		return domain.Internal("task", err)
	}
	flushing, stopFlushing := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(r.work.Flush)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = a.flush(flushing) // it keeps what it could not write
			case <-flushing.Done():
				return
			}
		}
	}()
	ctx = domain.WithEnvelope(context.WithValue(ctx, attemptKey{}, a), domain.Envelope{Actor: task.Actor, RequestID: string(task.ID)})
	_, err := entry.Invoke(ctx, r.svc, action)
	stopFlushing()
	<-done
	return err
}

// finish writes the end of a task, unless the attempt only stops: because the
// process does, or because the task is somebody else's by now.
func (r *Runner) finish(ctx, work context.Context, a *attempt, task domain.Task, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	cause := context.Cause(work)
	cancelled := errors.Is(cause, errTaskCancelled)
	now, ferr := a.flush(ctx)
	if ferr != nil || errors.Is(cause, errTaskLost) {
		return
	}
	if cause != nil && !cancelled { // this process ends: another one goes on at once
		_, _ = r.queue.FlushTask(ctx, repository.TaskProgress{ID: task.ID, Attempt: a.number, Release: true, Now: r.now(), Message: "handed over"})
		return
	}
	if !cancelled && (a.torn || domain.ReasonOf(err) == "database_unavailable") && task.Vain <= r.work.Attempts {
		return // it was not the task that failed; it is offered again
	}
	if missing := a.missing(now.Account); err == nil && !cancelled && missing > 0 {
		err = domain.Errorf(domain.CodeInternal, "account_mismatch", string(task.ID), "%d items of the task have no outcome", missing)
	}
	end := repository.TaskProgress{ID: task.ID, Attempt: a.number, End: now.Account.End(cancelled), Now: r.now(), Message: "finished"}
	if cancelled {
		end.Message = "cancelled"
		if now.Account.Over() == 0 {
			end.End = domain.TaskCancelled
		}
	} else if err != nil {
		end.End, end.Problem, end.Message = domain.TaskFailed, domain.ProblemOf(err), domain.MessageOf(err)
	}
	if _, err := r.queue.FlushTask(ctx, end); err != nil {
		r.log.WarnContext(ctx, "the end of a task cannot be written", "task", task.ID, "err", err)
	}
}

func entryNamed(name string) (Entry, bool) {
	for _, e := range Catalogue() {
		if e.Spec.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}
