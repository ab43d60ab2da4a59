package service

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// hasty bounds each call of a queue: who waits for it gives no sign of life.
type hasty struct {
	queue  repository.TaskQueue
	within time.Duration
}

func (h hasty) TakeTask(ctx context.Context, id domain.TaskID, after int, now time.Time) (domain.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.TakeTask(ctx, id, after, now)
}

func (h hasty) CommittedItems(ctx context.Context, id domain.TaskID) (map[string]domain.ItemState, []string, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.CommittedItems(ctx, id)
}

func (h hasty) FlushTask(ctx context.Context, p repository.TaskProgress) (domain.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.FlushTask(ctx, p)
}

func (h hasty) UnfinishedTasks(ctx context.Context) ([]repository.TaskBeat, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.UnfinishedTasks(ctx)
}

func (h hasty) LastEvents(ctx context.Context, ids []domain.TaskID) (map[domain.TaskID]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.LastEvents(ctx, ids)
}

func (h hasty) DueIntents(ctx context.Context, now time.Time, limit int) ([]domain.Intent, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.DueIntents(ctx, now, limit)
}

func (h hasty) SpawnTask(ctx context.Context, s repository.Spawn) (domain.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.SpawnTask(ctx, s)
}

func (h hasty) Prune(ctx context.Context, p repository.Prune) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	return h.queue.Prune(ctx, p)
}
