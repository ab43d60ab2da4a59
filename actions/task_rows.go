package actions

import "github.com/wharf-project/wharf/domain"

// GetTaskAction returns one task of the caller, or any for a grant over
// everything, with a page of the items that have ended.
type GetTaskAction struct {
	TaskID domain.TaskID `json:"task_id" kind:"task" doc:"id of the task"`
	Where  domain.Filter `json:"where,omitzero" doc:"a filter over key, state of the items"`
	domain.Page
}

// GetTaskResult is the task and one page of its items.
type GetTaskResult struct {
	Task  domain.Task       `json:"task"`
	Items []domain.TaskItem `json:"items"`
	domain.PageInfo
}

// Spec of task.get.
func (GetTaskAction) Spec() Spec {
	return Spec{Name: "task.get", Summary: "Show a task and how its items ended", Effect: Read}
}

// Validate needs an id.
func (a GetTaskAction) Validate() error {
	return firstError(needID("task_id", a.TaskID), needList(a.Where, a.Page, domain.TaskItemFields, "key"))
}

// ListTasksAction lists tasks, page by page.
type ListTasksAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over kind, actor, state, created_at, finished_at"`
	domain.Page
}

// ListTasksResult is one page.
type ListTasksResult struct {
	Tasks []domain.Task `json:"tasks"`
	domain.PageInfo
}

// Spec of task.list.
func (ListTasksAction) Spec() Spec {
	return Spec{Name: "task.list", Summary: "List tasks", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListTasksAction) Validate() error {
	return needList(a.Where, a.Page, domain.TaskFields, "created_at")
}

// CancelTaskAction asks a task to stop. What it has done stays done and is in
// its account; a finished task is left alone.
type CancelTaskAction struct {
	TaskID domain.TaskID `json:"task_id" kind:"task" doc:"id of the task"`
}

// CancelTaskResult is the task as it is now; it stops within a second.
type CancelTaskResult struct {
	Task domain.Task `json:"task"`
}

// Spec of task.cancel.
func (CancelTaskAction) Spec() Spec {
	return Spec{Name: "task.cancel", Summary: "Ask a task to stop", Effect: Write}
}

// Validate needs an id.
func (a CancelTaskAction) Validate() error { return needID("task_id", a.TaskID) }

// RetryTaskAction makes a new task of the failed and cancelled items of a
// finished one.
type RetryTaskAction struct {
	TaskID domain.TaskID `json:"task_id" kind:"task" doc:"id of the finished task"`
}

// RetryTaskResult is the new task.
type RetryTaskResult struct {
	Task domain.Task `json:"task"`
}

// Spec of task.retry.
func (RetryTaskAction) Spec() Spec {
	return Spec{Name: "task.retry", Summary: "Try the failed items of a task again", Effect: Write}
}

// Validate needs an id.
func (a RetryTaskAction) Validate() error { return needID("task_id", a.TaskID) }

// WatchTaskAction waits for what happens to a task after a numbered event.
type WatchTaskAction struct {
	TaskID     domain.TaskID `json:"task_id" kind:"task" doc:"id of the task"`
	AfterEvent int64         `json:"after_event,omitempty" doc:"number of the last event seen; none: from the first"`
	Limit      int           `json:"limit,omitempty" doc:"events at most, 1-1000; none: 100"`
	WaitMS     int           `json:"wait_ms,omitempty" doc:"longest wait for an event in milliseconds, 25000 at most; none: no wait"`
}

// WatchTaskResult holds events in order, and the task's state when they were
// read. Done says that no more will come.
type WatchTaskResult struct {
	Events []domain.TaskEvent `json:"events"`
	State  domain.TaskState   `json:"state"`
	Done   bool               `json:"done"`
}

// Spec of task.watch.
func (WatchTaskAction) Spec() Spec {
	return Spec{Name: "task.watch", Permission: "task.get", Summary: "Follow a task: wait for its next events", Effect: Read}
}

// Validate needs an id and bounds.
func (a WatchTaskAction) Validate() error {
	if a.AfterEvent < 0 || a.Limit < 0 || a.Limit > domain.MaxPageSize || a.WaitMS < 0 || a.WaitMS > 25_000 {
		return domain.Invalid("watch_invalid", "task_id", "after_event is not negative, limit at most %d, wait_ms at most 25000", domain.MaxPageSize)
	}
	return needID("task_id", a.TaskID)
}
