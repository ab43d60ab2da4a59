package service

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// Why the work of an attempt ends early.
var (
	errTaskCancelled = errors.New("the task was cancelled")
	errTaskLost      = errors.New("another worker took the task")
)

// attempt is one try at a task: what earlier ones committed, and what this one
// has not flushed yet. A nil attempt is an action that runs inline.
type attempt struct {
	queue  repository.TaskQueue
	now    func() time.Time
	id     domain.TaskID
	number int
	ended  map[string]domain.ItemState
	only   map[string]bool // nil: all
	stop   context.CancelCauseFunc

	mu      sync.Mutex
	items   []domain.TaskItem
	held    []repository.HeldImage
	planned int
	running []*domain.TaskStep
	torn    bool // the database was away: the next attempt does what is left
}

type attemptKey struct{}

func attemptFrom(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// pending reports whether an item is still to be worked on.
func (a *attempt) pending(key string) bool {
	if a == nil {
		return true
	}
	_, over := a.ended[key]
	return !over && (a.only == nil || a.only[key])
}

// plan announces n more items to come.
func (a *attempt) plan(n int) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.planned == 0 {
		a.planned = len(a.ended)
	}
	a.planned += n
}

// begin tells that an item is under way, until over is called. What moved tells
// of it is seen with the next flush.
func (a *attempt) begin(key string) (moved domain.Progress, over func()) {
	if a == nil {
		return nil, func() {}
	}
	step := &domain.TaskStep{Key: key}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = append(a.running, step)
	moved = func(s domain.ProgressStep) {
		a.mu.Lock()
		defer a.mu.Unlock()
		step.Current, step.Total, step.Message = s.Current, s.Total, s.Message
	}
	return moved, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.running = slices.DeleteFunc(a.running, func(s *domain.TaskStep) bool { return s == step })
	}
}

// under are the items under way that are told of; a.mu is held.
func (a *attempt) under() []domain.TaskStep {
	list := make([]domain.TaskStep, min(len(a.running), domain.MaxRunning))
	for i := range list {
		list[i] = *a.running[i]
	}
	return list
}

// commit keeps the end of an item for the next flush. What was not begun
// because the worker stops, not the task, is left for the next attempt.
func (a *attempt) commit(ctx context.Context, item domain.TaskItem, held ...repository.HeldImage) {
	if a == nil {
		return
	}
	if item.Problem != nil && item.Problem.Code == domain.CodeCanceled && ctx.Err() != nil {
		if !errors.Is(context.Cause(ctx), errTaskCancelled) {
			return
		}
		item.State = domain.ItemCancelled
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if item.Problem != nil && item.Problem.Reason == "database_unavailable" {
		a.torn = true
		return
	}
	a.items, a.held = append(a.items, item), append(a.held, held...)
}

// missing is how many of the items that this attempt planned did not end.
func (a *attempt) missing(account domain.TaskAccount) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.planned - account.Over()
}

// flush writes what there is; without anything it is a sign of life. It stops
// the work when the task was cancelled, or is somebody else's by now.
func (a *attempt) flush(ctx context.Context) (domain.Task, error) {
	a.mu.Lock()
	items, held, planned, running := a.items, a.held, a.planned, a.under()
	a.items, a.held = nil, nil
	a.mu.Unlock()
	task, err := a.queue.FlushTask(ctx, repository.TaskProgress{
		ID: a.id, Attempt: a.number, Planned: planned, Items: items, Held: held, Running: running, Now: a.now(),
	})
	switch {
	case domain.ReasonOf(err) == "task_lost":
		a.stop(errTaskLost)
	case err != nil: // the database is away for a moment: nothing is lost yet
		a.mu.Lock()
		a.items, a.held = append(items, a.items...), append(held, a.held...)
		a.mu.Unlock()
	case task.Cancel:
		a.stop(errTaskCancelled)
	}
	return task, err
}
