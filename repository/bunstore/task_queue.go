package bunstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var unfinished = bun.List([]string{string(domain.TaskQueued), string(domain.TaskRunning)})

// TakeTask begins the next attempt; see repository.TaskQueue.
func (s *Store) TakeTask(ctx context.Context, id domain.TaskID, after int, now time.Time) (domain.Task, error) {
	if err := domain.RefuseInTx(ctx, "store.take"); err != nil {
		return domain.Task{}, err
	}
	var rows []taskRow
	_, err := s.write.NewUpdate().Model((*taskRow)(nil)).
		Set("attempt = attempt + 1").Set("vain = vain + 1").Set("beat = beat + 1").Set("state = ?", string(domain.TaskRunning)).
		Set("started_at = CASE WHEN attempt = 0 THEN ? ELSE started_at END", stored(now)).Set("updated_at = ?", stored(now)).
		Where("k.id = ?", string(id)).Where("k.attempt = ?", after).Where("k.state IN (?)", unfinished).Returning("*").Exec(ctx, &rows)
	if err != nil {
		return domain.Task{}, translate("tasks.take", err)
	}
	if len(rows) == 0 {
		return domain.Task{}, s.untaken(ctx, id)
	}
	return taskOf(&rows[0]), nil
}

// untaken says why a task cannot be taken.
func (s *Store) untaken(ctx context.Context, id domain.TaskID) error {
	open, err := s.write.NewSelect().Model((*taskRow)(nil)).Where("k.id = ?", string(id)).Where("k.state IN (?)", unfinished).Exists(ctx)
	switch {
	case err != nil:
		return translate("tasks.take", err)
	case open:
		return domain.Errorf(domain.CodeConflict, "task_taken", string(id), "somebody else took the task %s", id)
	}
	return domain.Errorf(domain.CodePrecondition, "task_finished", string(id), "the task %s is over", id)
}

// CommittedItems returns what has ended; see repository.TaskQueue.
func (s *Store) CommittedItems(ctx context.Context, id domain.TaskID) (map[string]domain.ItemState, []string, error) {
	row := new(taskRow)
	if err := s.write.NewSelect().Model(row).Column("only_keys").Where("k.id = ?", string(id)).Scan(ctx); err != nil {
		return nil, nil, translate("tasks.committed", err)
	}
	var only []string
	fromJSON(row.OnlyKeys, &only)
	var items []taskItemRow
	err := s.write.NewSelect().Model(&items).Column("key", "state").Where("m.task_id = ?", string(id)).Scan(ctx)
	if err != nil {
		return nil, nil, translate("tasks.committed", err)
	}
	ended := make(map[string]domain.ItemState, len(items))
	for _, i := range items {
		ended[i.Key] = domain.ItemState(i.State)
	}
	return ended, only, nil
}

// FlushTask writes progress; see repository.TaskQueue.
func (s *Store) FlushTask(ctx context.Context, p repository.TaskProgress) (task domain.Task, err error) {
	if err := domain.RefuseInTx(ctx, "store.flush"); err != nil {
		return domain.Task{}, err
	}
	err = s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		task, err = (&session{store: s, db: tx, inTx: true}).flush(ctx, p)
		return err
	})
	return task, translate("tasks.flush", err)
}

func (s *session) flush(ctx context.Context, p repository.TaskProgress) (domain.Task, error) {
	// The row is locked and proven first: whoever lost the task writes nothing.
	var rows []taskRow
	_, err := s.db.NewUpdate().Model((*taskRow)(nil)).Set("beat = beat + 1").Set("running = ?", cleanJSON(p.Running)).
		Where("k.id = ?", string(p.ID)).Where("k.attempt = ?", p.Attempt).Where("k.state IN (?)", unfinished).Returning("*").Exec(ctx, &rows)
	if err != nil {
		return domain.Task{}, translate("tasks.flush", err)
	}
	if len(rows) == 0 {
		return domain.Task{}, domain.Errorf(domain.CodeConflict, "task_lost", string(p.ID), "the task %s is over, or somebody else took it", p.ID)
	}
	row := &rows[0]
	task := taskOf(row)
	before := task.Account.Over()
	if err := s.flushItems(ctx, &task, p.Items); err != nil {
		return domain.Task{}, err
	}
	if err := s.flushHeld(ctx, p); err != nil {
		return domain.Task{}, err
	}
	task.Account.Seen = max(task.Account.Seen, p.Planned, task.Account.Over())
	if p.Message != "" {
		task.Message = p.Message
	}
	task.UpdatedAt = stored(p.Now)
	if len(p.Items) == 0 && p.End == "" && !p.Release && task.Account == taskOf(row).Account && p.Message == "" {
		return task, nil // a sign of life
	}
	if p.End != "" {
		task.State, task.Problem, task.FinishedAt = p.End, p.Problem, stored(p.Now)
		task.Account.Seen = task.Account.Over() // the account adds up
	}
	task.LastEvent++
	if err := s.flushEvent(ctx, task); err != nil {
		return domain.Task{}, err
	}
	q := s.db.NewUpdate().Model((*taskRow)(nil)).Where("k.id = ?", string(p.ID)).
		Set("account = ?", toJSON(task.Account)).Set("message = ?", clean(task.Message)).Set("last_event = ?", task.LastEvent).
		Set("updated_at = ?", task.UpdatedAt)
	if task.Account.Over() > before {
		q = q.Set("vain = 0")
	}
	if p.Release && p.End == "" {
		q = q.Set("state = ?", string(domain.TaskQueued))
		task.State = domain.TaskQueued
	}
	if p.End != "" {
		q = q.Set("state = ?", string(p.End)).Set("finished_at = ?", task.FinishedAt).Set("problem = ?", cleanJSON(p.Problem)).
			Set("dedup = ?", string(p.ID)) // the same work may be asked for again
	}
	_, err = q.Exec(ctx)
	return task, translate("tasks.flush", err)
}

// flushItems adds items and counts those that were not there.
func (s *session) flushItems(ctx context.Context, task *domain.Task, items []domain.TaskItem) error {
	for part := range slices.Chunk(items, syncBatch) {
		rows := make([]*taskItemRow, len(part))
		states := make(map[string]domain.ItemState, len(part))
		for i, item := range part {
			rows[i] = itemRowOf(task.ID, item)
			states[rows[i].Key] = item.State
		}
		var added []string
		_, err := s.db.NewInsert().Model(&rows).On("CONFLICT (task_id, key) DO NOTHING").Returning("key").Exec(ctx, &added)
		if err != nil {
			return translate("tasks.items", err)
		}
		for _, key := range added {
			task.Account.Count(states[key])
		}
	}
	return nil
}

func (s *session) flushEvent(ctx context.Context, task domain.Task) error {
	kind := domain.EventUpdated
	switch task.State {
	case domain.TaskDone, domain.TaskPartial:
		kind = domain.EventDone
	case domain.TaskFailed:
		kind = domain.EventFailed
	case domain.TaskCancelled:
		kind = domain.EventCancelled
	}
	row := &taskEventRow{
		TaskID: string(task.ID), Seq: task.LastEvent, At: task.UpdatedAt, Type: string(kind),
		Current: int64(task.Current()), Total: int64(task.Total()), Message: clean(task.Message),
	}
	_, err := s.db.NewInsert().Model(row).Returning("NULL").Exec(ctx)
	return translate("tasks.event", err)
}

// UnfinishedTasks returns what is left to do; see repository.TaskQueue.
func (s *Store) UnfinishedTasks(ctx context.Context) ([]repository.TaskBeat, error) {
	var rows []taskRow
	err := s.read.NewSelect().Model(&rows).Column("id", "class", "state", "attempt", "beat").Where("k.state IN (?)", unfinished).
		OrderExpr("CASE k.class WHEN ? THEN 0 ELSE 1 END, k.created_at, k.id", string(domain.TaskInteractive)).Scan(ctx)
	list := make([]repository.TaskBeat, len(rows))
	for i, r := range rows {
		list[i] = repository.TaskBeat{
			ID: domain.TaskID(r.ID), Class: domain.TaskClass(r.Class), State: domain.TaskState(r.State), Attempt: int(r.Attempt), Beat: r.Beat,
		}
	}
	return list, translate("tasks.unfinished", err)
}

// LastEvents returns where tasks are; see repository.TaskQueue.
func (s *Store) LastEvents(ctx context.Context, ids []domain.TaskID) (map[domain.TaskID]int64, error) {
	var rows []taskRow
	err := s.read.NewSelect().Model(&rows).Column("id", "last_event").Where("k.id IN (?)", bun.List(texts(ids))).Scan(ctx)
	last := make(map[domain.TaskID]int64, len(rows))
	for _, r := range rows {
		last[domain.TaskID(r.ID)] = r.LastEvent
	}
	return last, translate("tasks.last_events", err)
}

// flushHeld writes what agents hold, and leaves out those that are no more.
func (s *session) flushHeld(ctx context.Context, p repository.TaskProgress) error {
	byAgent := map[domain.AgentID][]domain.InventoryImage{}
	for _, h := range p.Held {
		byAgent[h.AgentID] = append(byAgent[h.AgentID], h.Image)
	}
	if len(byAgent) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(byAgent))
	var known []string
	q := s.db.NewSelect().Model((*agentRow)(nil)).Column("id").Where("a.id IN (?)", bun.List(texts(ids))).OrderExpr("a.id")
	if s.store.pg {
		q = q.For("KEY SHARE")
	}
	if err := q.Scan(ctx, &known); err != nil {
		return translate("tasks.held", err)
	}
	t := *s
	t.unit.Now = stored(p.Now)
	for _, id := range known {
		if err := (*agents)(&t).Hold(ctx, domain.AgentID(id), byAgent[domain.AgentID(id)]); err != nil {
			return err
		}
	}
	return nil
}
