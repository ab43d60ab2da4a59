package repository

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// TaskRepository is the tasks that a scope can see: all for reach any, else the
// actor's own. Others do not exist for it (not_found).
type TaskRepository interface {
	// Submit stores a new task of the scope's actor, queued. While an unfinished
	// task of the same kind and action is there, that one is returned instead,
	// with joined set, unless the scope may not know of it: conflict
	// (task_running).
	Submit(ctx context.Context, t NewTask) (task domain.Task, joined bool, err error)
	Get(ctx context.Context, id domain.TaskID) (domain.Task, error)
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Task, domain.PageInfo, error)
	// Items returns a page of the items that have ended, by key.
	Items(ctx context.Context, id domain.TaskID, f domain.Filter, p domain.Page) ([]domain.TaskItem, domain.PageInfo, error)
	// Events returns the events after a number, oldest first, at most limit, and
	// where the task is. One statement: whoever watches asks often.
	Events(ctx context.Context, id domain.TaskID, after int64, limit int) (TaskEvents, error)
	// Cancel asks a task to stop: a queued one is cancelled at once, a running
	// one learns of it at its next write. A finished one is left alone.
	Cancel(ctx context.Context, id domain.TaskID) (domain.Task, error)
}

// TaskEvents are events of a task as it was when they were read.
type TaskEvents struct {
	Events []domain.TaskEvent // not nil
	State  domain.TaskState
	Last   int64 // number of the task's last event
}

// NewTask is what makes a task.
type NewTask struct {
	Kind    string
	Action  []byte // JSON
	Class   domain.TaskClass
	RetryOf domain.TaskID
	// Only are the keys of the items to work on; nil: all that the action means.
	Only []string
}

// TaskQueue is how workers reach tasks: not bound to a scope, since a worker
// acts for whoever submitted.
type TaskQueue interface {
	// TakeTask begins the next attempt of an unfinished task after the given one;
	// whoever worked for that one has lost it. precondition (task_finished) when
	// it is over, conflict (task_taken) when its attempt is another one by now: a
	// ticket that was delivered twice takes once.
	TakeTask(ctx context.Context, id domain.TaskID, after int, now time.Time) (domain.Task, error)
	// CommittedItems returns the keys of the items that have ended, and Only.
	CommittedItems(ctx context.Context, id domain.TaskID) (ended map[string]domain.ItemState, only []string, err error)
	// FlushTask writes progress of one attempt in one transaction: the task row
	// first, which proves that the attempt is still the task's (else conflict,
	// task_lost), then items, then one event. It returns the task as it is now;
	// its Cancel says whether to stop. Items that have ended already are left
	// alone.
	FlushTask(ctx context.Context, p TaskProgress) (domain.Task, error)
	// UnfinishedTasks returns all tasks that are queued or running, interactive ones
	// first, then by age.
	UnfinishedTasks(ctx context.Context) ([]TaskBeat, error)
	// LastEvents returns the number of the last event of each task, 0 for none so
	// far; tasks that do not exist are not in it.
	LastEvents(ctx context.Context, ids []domain.TaskID) (map[domain.TaskID]int64, error)
	// DueIntents returns intents whose wait is over, of agents that are online,
	// by agent; expired ones are not due. At most limit.
	DueIntents(ctx context.Context, now time.Time, limit int) ([]domain.Intent, error)
	// SpawnTask makes a task of intents: it counts a try and sets the next wait on
	// each, and stores the task of their actor. Intents that somebody else spawned
	// or changed meanwhile are conflict (intent_changed), and nothing is done.
	SpawnTask(ctx context.Context, s Spawn) (domain.Task, error)
	// Prune removes what is older than the given times and returns how much.
	Prune(ctx context.Context, p Prune) (int, error)
}

// Spawn is what becomes of intents whose agent is back.
type Spawn struct {
	Task      NewTask
	Actor     domain.Actor
	Intents   []domain.Intent // as DueIntents gave them
	NotBefore time.Time       // of the next try, should this one find the agent away
	Now       time.Time
}

// Prune says what is old: everything before a time goes. Zero keeps all.
type Prune struct {
	Tasks           time.Time // finished before, with items and events
	Audit           time.Time // entries of before
	IdempotencyKeys time.Time // claimed before
	Intents         time.Time // expired before
}

// TaskProgress is what one attempt has to say since it last did.
type TaskProgress struct {
	ID      domain.TaskID
	Attempt int
	Planned int // items known so far
	Items   []domain.TaskItem
	// Running is written with every call, also where it is no event: none, nothing
	// is under way.
	Running []domain.TaskStep
	// Held is what agents hold since these items ended: the catalogue learns of
	// both or of neither. Agents that were removed are left out.
	Held    []HeldImage
	Message string
	// End is the state to finish with; "" while there is more to come.
	End domain.TaskState
	// Release gives the task back, unfinished, for whoever takes it next.
	Release bool
	Problem *domain.Problem
	Now     time.Time
}

// TaskBeat is a sign of life: a running task whose Beat stands still has lost
// its worker.
type TaskBeat struct {
	ID      domain.TaskID
	Class   domain.TaskClass
	State   domain.TaskState
	Attempt int
	Beat    int64
}

// HeldImage is an image that an agent was seen to hold.
type HeldImage struct {
	AgentID domain.AgentID
	Image   domain.InventoryImage
}
