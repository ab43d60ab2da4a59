package service

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// TaskService is the room of long actions that outlive their call.
type TaskService struct {
	door     *door
	delivery port.Tasks
	log      *slog.Logger
	now      func() time.Time
	work     Work
	bell     *bell
}

// GetTask returns a task and a page of its items. Errors: not_found, also for
// the task of another actor.
func (s *TaskService) GetTask(ctx context.Context, a actions.GetTaskAction) (actions.GetTaskResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetTaskAction) (res actions.GetTaskResult, err error) {
		if res.Task, err = db.Read().Tasks.Get(ctx, a.TaskID); err != nil {
			return res, err
		}
		res.Items, res.PageInfo, err = db.Read().Tasks.Items(ctx, a.TaskID, a.Where, a.Page)
		return res, err
	})
}

// ListTasks returns a page of tasks: the caller's, or all.
func (s *TaskService) ListTasks(ctx context.Context, a actions.ListTasksAction) (actions.ListTasksResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListTasksAction) (res actions.ListTasksResult, err error) {
		res.Tasks, res.PageInfo, err = db.Read().Tasks.List(ctx, a.Where, a.Page)
		return res, err
	})
}

// CancelTask asks a task to stop. Errors: not_found.
func (s *TaskService) CancelTask(ctx context.Context, a actions.CancelTaskAction) (actions.CancelTaskResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.CancelTaskAction) (res actions.CancelTaskResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.View) (err error) {
			res.Task, err = tx.Tasks.Cancel(ctx, a.TaskID)
			return err
		})
		return res, err
	})
}

// RetryTask makes a new task of the failed and cancelled items of a finished
// one. Errors: not_found, precondition for a task that is under way or that has
// no such items.
func (s *TaskService) RetryTask(ctx context.Context, a actions.RetryTaskAction) (actions.RetryTaskResult, error) {
	return scoped(ctx, s.door, a, s.retryTask)
}

// WatchTask waits for what happens to a task. Errors: not_found.
func (s *TaskService) WatchTask(ctx context.Context, a actions.WatchTaskAction) (actions.WatchTaskResult, error) {
	return scoped(ctx, s.door, a, s.watchTask)
}

func (s *TaskService) retryTask(ctx context.Context, db repository.Scoped, a actions.RetryTaskAction) (res actions.RetryTaskResult, err error) {
	old, err := db.Read().Tasks.Get(ctx, a.TaskID)
	if err != nil {
		return res, err
	}
	if !old.State.Finished() {
		return res, domain.Errorf(domain.CodePrecondition, "task_running", string(old.ID), "the task %s is under way", old.ID)
	}
	failed := domain.Where("state", domain.In, string(domain.ItemFailed), string(domain.ItemCancelled))
	var keys []string
	for p := (domain.Page{Limit: domain.MaxPageSize}); ; {
		items, info, err := db.Read().Tasks.Items(ctx, old.ID, failed, p)
		if err != nil {
			return res, err
		}
		for _, i := range items {
			keys = append(keys, i.Key)
		}
		if p.After = info.Next; p.After == "" {
			break
		}
	}
	if len(keys) == 0 && old.Problem == nil {
		return res, domain.Errorf(domain.CodePrecondition, "task_complete", string(old.ID), "nothing of the task %s failed", old.ID)
	}
	res.Task, err = s.submit(ctx, db, repository.NewTask{Kind: old.Kind, Action: old.Action, Class: old.Class, RetryOf: old.ID, Only: keys})
	return res, err
}

func (s *TaskService) watchTask(ctx context.Context, db repository.Scoped, a actions.WatchTaskAction) (actions.WatchTaskResult, error) {
	if a.Limit == 0 {
		a.Limit = 100
	}
	until := time.Now().Add(time.Duration(a.WaitMS) * time.Millisecond)
	for {
		now, err := s.bell.read(ctx, func() (repository.TaskEvents, error) {
			return db.Read().Tasks.Events(ctx, a.TaskID, a.AfterEvent, a.Limit)
		})
		if err != nil {
			return actions.WatchTaskResult{}, err
		}
		last := a.AfterEvent
		if n := len(now.Events); n > 0 {
			last = now.Events[n-1].Seq
		}
		res := actions.WatchTaskResult{Events: now.Events, State: now.State, Done: now.State.Finished() && last >= now.Last}
		if len(now.Events) > 0 || res.Done || time.Until(until) <= 0 {
			return res, nil
		}
		if err := s.bell.wait(ctx, a.TaskID, now.Last, time.Until(until)); err != nil {
			return actions.WatchTaskResult{}, err
		}
	}
}

// submit stores a task and offers it. A lost offer costs time only: a sweep
// makes it again.
func (s *TaskService) submit(ctx context.Context, db repository.Scoped, n repository.NewTask) (task domain.Task, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) (err error) {
		task, _, err = tx.Tasks.Submit(ctx, n)
		return err
	})
	if err == nil {
		s.offer(ctx, task)
	}
	return task, err
}

// offer hands a new task to the workers; one that was joined has its worker, or
// is offered by the sweep.
func (s *TaskService) offer(ctx context.Context, task domain.Task) {
	if task.State == domain.TaskQueued {
		_ = s.delivery.Offer(ctx, port.Ticket{Task: task.ID, Class: task.Class, Attempt: task.Attempt})
	}
}

// inBackground turns a long action of anybody into a task.
func (s *TaskService) inBackground(ctx context.Context, db repository.Scoped, a actions.Action) (domain.TaskID, error) {
	n, err := taskOf(a)
	if err != nil {
		return "", err
	}
	task, err := s.submit(ctx, db, n)
	return task.ID, err
}

func taskOf(a actions.Action) (repository.NewTask, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return repository.NewTask{}, domain.Internal("task", err)
	}
	return repository.NewTask{Kind: a.Spec().Name, Action: body, Class: a.Spec().Class}, nil
}

// background turns a long action into a task.
func (s *TaskService) background(ctx context.Context, db repository.Admin, a actions.Action) (domain.TaskID, error) {
	n, err := taskOf(a)
	if err != nil {
		return "", err
	}
	var task domain.Task
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
		task, _, err = tx.Tasks.Submit(ctx, n)
		return err
	})
	if err == nil {
		s.offer(ctx, task)
	}
	return task.ID, err
}
