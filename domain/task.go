package domain

import (
	"encoding/json"
	"time"
)

// TaskClass says how a long action is worked off; "" is not a long action.
type TaskClass string

// The classes of long actions.
const (
	TaskInteractive TaskClass = "interactive" // somebody waits: starts before bulk
	TaskBulk        TaskClass = "bulk"
)

// TaskState is where a task stands. A task that is finished never changes.
type TaskState string

// The states of a task.
const (
	TaskQueued    TaskState = "queued"
	TaskRunning   TaskState = "running"
	TaskDone      TaskState = "done"      // every item is done, unchanged, skipped or deferred
	TaskPartial   TaskState = "partial"   // some items failed, others did not
	TaskFailed    TaskState = "failed"    // all items failed, or the action itself did
	TaskCancelled TaskState = "cancelled" // on request; what was done is in the account
)

// Finished reports whether nothing more happens to the task.
func (s TaskState) Finished() bool { return s != TaskQueued && s != TaskRunning }

// ItemState is how one item of a task ended.
type ItemState string

// The ends of an item.
const (
	ItemDone      ItemState = "done"
	ItemUnchanged ItemState = "unchanged" // it was so already
	ItemSkipped   ItemState = "skipped"
	ItemFailed    ItemState = "failed"
	ItemCancelled ItemState = "cancelled" // not begun when the task was cancelled
	ItemDeferred  ItemState = "deferred"  // an intent serves it when its agent returns
)

// TaskAccount counts the items of a task by their end. Seen is the sum of the
// others once the task is finished; before that, it counts the planned ones.
type TaskAccount struct {
	Seen      int `json:"seen"`
	Done      int `json:"done"`
	Unchanged int `json:"unchanged"`
	Skipped   int `json:"skipped"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Deferred  int `json:"deferred"`
}

// Count adds one item.
func (a *TaskAccount) Count(s ItemState) {
	switch s {
	case ItemDone:
		a.Done++
	case ItemUnchanged:
		a.Unchanged++
	case ItemSkipped:
		a.Skipped++
	case ItemFailed:
		a.Failed++
	case ItemCancelled:
		a.Cancelled++
	case ItemDeferred:
		a.Deferred++
	}
}

// Over is the number of items that have ended.
func (a TaskAccount) Over() int {
	return a.Done + a.Unchanged + a.Skipped + a.Failed + a.Cancelled + a.Deferred
}

// End is the state that a finished account means; cancelled says that the task
// was asked to stop.
func (a TaskAccount) End(cancelled bool) TaskState {
	switch {
	case cancelled && a.Cancelled > 0:
		return TaskCancelled
	case a.Failed == 0:
		return TaskDone
	case a.Failed == a.Over():
		return TaskFailed
	}
	return TaskPartial
}

// Task is a long action that outlives its call: what to do, for whom, and how
// far it is.
type Task struct {
	ID     TaskID          `json:"id"`
	Kind   string          `json:"kind"` // the action's name
	Action json.RawMessage `json:"action"`
	Actor  Actor           `json:"actor"` // who asked; authorization is asked again at every attempt
	Class  TaskClass       `json:"class"`
	State  TaskState       `json:"state"`
	// Attempt counts how often the task was taken up. Whoever works for an
	// older attempt has lost it.
	Attempt int `json:"attempt"`
	// Vain is how many attempts in a row, this one among them, have ended no item.
	Vain    int         `json:"vain_attempts,omitempty"`
	Cancel  bool        `json:"cancel_requested"`
	Account TaskAccount `json:"account"`
	// Running are items that a worker is at, the oldest first, at most MaxRunning,
	// as of its last write.
	Running []TaskStep `json:"running,omitempty"`
	Message string     `json:"message,omitempty"`
	// Problem is what ended the task as a whole; failures of items are theirs.
	Problem *Problem `json:"problem,omitempty"`
	// RetryOf is the task whose failed items this one tries again.
	RetryOf    TaskID    `json:"retry_of,omitempty"`
	LastEvent  int64     `json:"last_event"` // number of the newest event
	CreatedAt  time.Time `json:"created_at"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Current and Total are the progress: items that ended, of those planned.
// Current never passes Total and never goes down.
func (t Task) Current() int { return t.Account.Over() }

// Total is the number of planned items; it grows while they are found.
func (t Task) Total() int { return max(t.Account.Seen, t.Account.Over()) }

// MaxRunning is how many of the items that are under way a task tells of.
const MaxRunning = 16

// TaskStep is how far an item is: Current of Total (0: unknown), in bytes where
// bytes are moved.
type TaskStep struct {
	Key     string `json:"key"` // of the item
	Current int64  `json:"current"`
	Total   int64  `json:"total"`
	Message string `json:"message,omitempty"`
}

// TaskItem is one item of a task that has ended.
type TaskItem struct {
	Key     string          `json:"key"` // unique in its task: agent and image, repository
	State   ItemState       `json:"state"`
	Bytes   int64           `json:"bytes,omitempty"`
	Message string          `json:"message,omitempty"`
	Problem *Problem        `json:"problem,omitempty"`
	Detail  json.RawMessage `json:"detail,omitempty"` // what the action's kind says of it
}

// TaskEventType is what an event says.
type TaskEventType string

// The types of events, named as the event stream names them.
const (
	EventUpdated   TaskEventType = "task_updated"
	EventDone      TaskEventType = "task_done"
	EventFailed    TaskEventType = "task_failed"
	EventCancelled TaskEventType = "task_cancelled"
)

// TaskEvent is one step of a task's story. Seq starts at 1 and has no gaps.
type TaskEvent struct {
	Seq     int64         `json:"seq"`
	At      time.Time     `json:"at"`
	Type    TaskEventType `json:"type"`
	Current int           `json:"current_progress"`
	Total   int           `json:"total_progress"`
	Message string        `json:"message,omitempty"`
}

// TaskFields is the table of fields for lists of tasks.
var TaskFields = Fields{
	"kind":        {Kind: KindText},
	"actor":       {Kind: KindText},
	"state":       {Kind: KindEnum, Values: []string{string(TaskQueued), string(TaskRunning), string(TaskDone), string(TaskPartial), string(TaskFailed), string(TaskCancelled)}},
	"created_at":  {Kind: KindTime, Sortable: true},
	"finished_at": {Kind: KindTime, Sortable: true},
}

// TaskItemFields is the table of fields for lists of a task's items.
var TaskItemFields = Fields{
	"key":   {Kind: KindText, Sortable: true},
	"state": {Kind: KindEnum, Values: []string{string(ItemDone), string(ItemUnchanged), string(ItemSkipped), string(ItemFailed), string(ItemCancelled), string(ItemDeferred)}},
}
