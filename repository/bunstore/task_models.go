package bunstore

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type taskRow struct {
	bun.BaseModel `bun:"table:wharf_tasks,alias:k"`

	ID         string    `bun:"id,pk"`
	Kind       string    `bun:"kind"`
	Action     string    `bun:"action"`
	Actor      string    `bun:"actor"`
	ActorJSON  string    `bun:"actor_json"`
	Class      string    `bun:"class"`
	State      string    `bun:"state"`
	Attempt    int64     `bun:"attempt"`
	Vain       int64     `bun:"vain"`
	Cancel     bool      `bun:"cancel"`
	Account    string    `bun:"account"`
	Running    string    `bun:"running"`
	Message    string    `bun:"message"`
	Problem    string    `bun:"problem"`
	RetryOf    string    `bun:"retry_of"`
	OnlyKeys   string    `bun:"only_keys"`
	Dedup      string    `bun:"dedup"`
	LastEvent  int64     `bun:"last_event"`
	Beat       int64     `bun:"beat"`
	CreatedAt  time.Time `bun:"created_at"`
	StartedAt  time.Time `bun:"started_at"`
	FinishedAt time.Time `bun:"finished_at"`
	UpdatedAt  time.Time `bun:"updated_at"`
}

type taskItemRow struct {
	bun.BaseModel `bun:"table:wharf_task_items,alias:m"`

	TaskID  string `bun:"task_id,pk"`
	Key     string `bun:"key,pk"`
	State   string `bun:"state"`
	Bytes   int64  `bun:"bytes"`
	Message string `bun:"message"`
	Problem string `bun:"problem"`
	Detail  string `bun:"detail"`
}

type taskEventRow struct {
	bun.BaseModel `bun:"table:wharf_task_events,alias:v"`

	TaskID  string    `bun:"task_id,pk"`
	Seq     int64     `bun:"seq,pk"`
	At      time.Time `bun:"at"`
	Type    string    `bun:"type"`
	Current int64     `bun:"current"`
	Total   int64     `bun:"total"`
	Message string    `bun:"message"`
}

func taskOf(r *taskRow) domain.Task {
	t := domain.Task{
		ID: domain.TaskID(r.ID), Kind: r.Kind, Action: json.RawMessage(r.Action), Class: domain.TaskClass(r.Class),
		State: domain.TaskState(r.State), Attempt: int(r.Attempt), Vain: int(r.Vain), Cancel: r.Cancel, Message: r.Message,
		RetryOf: domain.TaskID(r.RetryOf), LastEvent: r.LastEvent,
		CreatedAt: r.CreatedAt.UTC(), StartedAt: loaded(r.StartedAt), FinishedAt: loaded(r.FinishedAt), UpdatedAt: r.UpdatedAt.UTC(),
	}
	fromJSON(r.ActorJSON, &t.Actor)
	fromJSON(r.Account, &t.Account)
	fromJSON(r.Problem, &t.Problem)
	fromJSON(r.Running, &t.Running)
	return t
}

func itemOf(r *taskItemRow) domain.TaskItem {
	i := domain.TaskItem{Key: r.Key, State: domain.ItemState(r.State), Bytes: r.Bytes, Message: r.Message}
	fromJSON(r.Problem, &i.Problem)
	if r.Detail != "null" {
		i.Detail = json.RawMessage(r.Detail)
	}
	return i
}

func itemRowOf(id domain.TaskID, i domain.TaskItem) *taskItemRow {
	return &taskItemRow{
		TaskID: string(id), Key: indexed(i.Key), State: string(i.State), Bytes: i.Bytes, Message: clean(i.Message),
		Problem: cleanJSON(i.Problem), Detail: params(i.Detail),
	}
}

// cleanJSON writes a value that may hold foreign text.
func cleanJSON(v any) string { return params(json.RawMessage(toJSON(v))) }
