package bunstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// tasks is what actors see of tasks; task_queue.go holds what workers do.
type tasks session

func (t *tasks) s() *session { return (*session)(t) }

var taskTable = &table{
	fields: domain.TaskFields,
	columns: map[string]string{
		"kind": "k.kind", "actor": "k.actor", "state": "k.state", "created_at": "k.created_at", "finished_at": "k.finished_at",
	},
	defaultSort: "created_at",
	id:          "k.id",
}

var taskItemTable = &table{
	fields:      domain.TaskItemFields,
	columns:     map[string]string{"key": "m.key", "state": "m.state"},
	defaultSort: "key",
	id:          "m.task_id",
}

// mine is the rule over wharf_tasks AS k.
func (s *session) mine() cond {
	switch s.unit.Scope.Reach {
	case domain.ReachAny:
		return always
	case domain.ReachOwn, domain.ReachVisible:
		if id := s.actor().ID; id != "" {
			return sqlf("k.actor = ?", string(id))
		}
	}
	return sqlf("1 = 0")
}

// dedupOf is the same for the same work.
func dedupOf(t repository.NewTask) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(t.Kind), t.Action, []byte(t.RetryOf)} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func newTaskRow(n repository.NewTask, actor domain.Actor, now time.Time) *taskRow {
	return &taskRow{
		ID: domain.NewID[string](), Kind: n.Kind, Action: string(n.Action), Actor: string(actor.ID), ActorJSON: cleanJSON(actor),
		Class: string(n.Class), State: string(domain.TaskQueued), Account: toJSON(domain.TaskAccount{}), Running: "null", Problem: "null",
		RetryOf: string(n.RetryOf), OnlyKeys: cleanJSON(n.Only), Dedup: dedupOf(n),
		CreatedAt: stored(now), StartedAt: never, FinishedAt: never, UpdatedAt: stored(now),
	}
}

func (t *tasks) Submit(ctx context.Context, n repository.NewTask) (domain.Task, bool, error) {
	s := t.s()
	if err := s.writing("tasks.submit"); err != nil {
		return domain.Task{}, false, err
	}
	row := newTaskRow(n, s.actor(), s.unit.Now)
	res, err := t.db.NewInsert().Model(row).On("CONFLICT (dedup) DO NOTHING").Returning("NULL").Exec(ctx)
	if err != nil {
		return domain.Task{}, false, translate("tasks.submit", err)
	}
	if n, _ := res.RowsAffected(); n == 1 {
		s.touch(row.ID)
		return taskOf(row), false, nil
	}
	have := new(taskRow)
	err = t.db.NewSelect().Model(have).Where("k.dedup = ?", row.Dedup).Where("?", s.mine()).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Task{}, false, domain.Errorf(domain.CodeConflict, "task_running", n.Kind, "the same %s is under way", n.Kind)
	}
	return taskOf(have), true, translate("tasks.submit", err)
}

func (t *tasks) Get(ctx context.Context, id domain.TaskID) (domain.Task, error) {
	if err := t.s().reading(ctx, "tasks.get"); err != nil {
		return domain.Task{}, err
	}
	row := new(taskRow)
	err := t.db.NewSelect().Model(row).Where("k.id = ?", string(id)).Where("?", t.s().mine()).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Task{}, domain.NotFound("task", string(id))
	}
	return taskOf(row), translate("tasks.get", err)
}

func (t *tasks) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Task, domain.PageInfo, error) {
	if err := t.s().reading(ctx, "tasks.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := t.db.NewSelect().Model((*taskRow)(nil)).Where("?", t.s().mine())
	q, p, err := taskTable.page(q, t.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, taskTable, q, p, func(r taskRow, sort string) (string, string) {
		if sort == "finished_at" {
			return domain.CursorTime(r.FinishedAt), r.ID
		}
		return domain.CursorTime(r.CreatedAt), r.ID
	})
	list := make([]domain.Task, len(rows))
	for i := range rows {
		list[i] = taskOf(&rows[i])
	}
	return list, info, err
}

func (t *tasks) Items(ctx context.Context, id domain.TaskID, f domain.Filter, p domain.Page) ([]domain.TaskItem, domain.PageInfo, error) {
	if _, err := t.Get(ctx, id); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := t.db.NewSelect().Model((*taskItemRow)(nil)).Where("m.task_id = ?", string(id))
	q, p, err := taskItemTable.page(q, t.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, taskItemTable, q, p, func(r taskItemRow, _ string) (string, string) { return r.Key, r.TaskID })
	list := make([]domain.TaskItem, len(rows))
	for i := range rows {
		list[i] = itemOf(&rows[i])
	}
	return list, info, err
}

func (t *tasks) Events(ctx context.Context, id domain.TaskID, after int64, limit int) (repository.TaskEvents, error) {
	if err := t.s().reading(ctx, "tasks.events"); err != nil {
		return repository.TaskEvents{}, err
	}
	var rows []struct {
		taskEventRow
		State     string `bun:"state"`
		LastEvent int64  `bun:"last_event"`
	}
	err := t.db.NewSelect().TableExpr("wharf_tasks AS k").ColumnExpr("k.state, k.last_event, v.*").
		Join("LEFT JOIN wharf_task_events AS v ON v.task_id = k.id AND v.seq > ?", after).
		Where("k.id = ?", string(id)).Where("?", t.s().mine()).OrderExpr("v.seq").Limit(int64(limit)).Scan(ctx, &rows)
	if err == nil && len(rows) == 0 {
		return repository.TaskEvents{}, domain.NotFound("task", string(id))
	}
	res := repository.TaskEvents{Events: make([]domain.TaskEvent, 0, len(rows))}
	for _, r := range rows {
		res.State, res.Last = domain.TaskState(r.State), r.LastEvent
		if r.Seq == 0 {
			break // the task's row, without an event
		}
		res.Events = append(res.Events, domain.TaskEvent{
			Seq: r.Seq, At: r.At.UTC(), Type: domain.TaskEventType(r.Type), Current: int(r.Current), Total: int(r.Total), Message: r.Message,
		})
	}
	return res, translate("tasks.events", err)
}

func (t *tasks) Cancel(ctx context.Context, id domain.TaskID) (domain.Task, error) {
	s := t.s()
	if err := s.writing("tasks.cancel"); err != nil {
		return domain.Task{}, err
	}
	if _, err := t.Get(ctx, id); err != nil {
		return domain.Task{}, err
	}
	_, err := t.db.NewUpdate().Model((*taskRow)(nil)).Set("cancel = TRUE").Set("updated_at = ?", stored(s.unit.Now)).
		Where("k.id = ?", string(id)).Where("k.state IN (?)", bun.List([]string{string(domain.TaskQueued), string(domain.TaskRunning)})).Exec(ctx)
	if err != nil {
		return domain.Task{}, translate("tasks.cancel", err)
	}
	row := new(taskRow)
	if err := t.db.NewSelect().Model(row).Where("k.id = ?", string(id)).Scan(ctx); err != nil {
		return domain.Task{}, translate("tasks.cancel", err)
	}
	s.touch(string(id))
	if domain.TaskState(row.State) != domain.TaskQueued {
		return taskOf(row), nil
	}
	// Nobody works on it: there is nobody to tell.
	return s.flush(ctx, repository.TaskProgress{ID: id, Attempt: int(row.Attempt), End: domain.TaskCancelled, Message: "cancelled before it began", Now: s.unit.Now})
}
