package actions

import "github.com/wharf-project/wharf/domain"

// CreateBuildTaskAction makes a task of a project: what models, pipelines and
// the images built from them belong to.
type CreateBuildTaskAction struct {
	Name string `json:"name" doc:"unique among the tasks that you made"`
}

// BuildTaskResult is a build task as stored.
type BuildTaskResult struct {
	Task domain.BuildTask `json:"task"`
}

// CreateBuildTaskResult is the new task.
type CreateBuildTaskResult BuildTaskResult

// Spec of build_task.create.
func (CreateBuildTaskAction) Spec() Spec {
	return Spec{Name: "build_task.create", Summary: "Make a task that models, pipelines and their images belong to", Effect: Write}
}

// Validate checks the name.
func (a CreateBuildTaskAction) Validate() error { return domain.CheckBuildName("name", a.Name) }

// GetBuildTaskAction asks for one build task.
type GetBuildTaskAction struct {
	ID int64 `json:"id" doc:"id of the build task"`
}

// GetBuildTaskResult is the task.
type GetBuildTaskResult BuildTaskResult

// Spec of build_task.get.
func (GetBuildTaskAction) Spec() Spec {
	return Spec{Name: "build_task.get", Summary: "Show a build task", Effect: Read}
}

// Validate needs an id.
func (a GetBuildTaskAction) Validate() error { return needNumber("id", a.ID) }

// ListBuildTasksAction lists build tasks, page by page.
type ListBuildTasksAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over id, name, author, created_at"`
	domain.Page
}

// ListBuildTasksResult is one page.
type ListBuildTasksResult struct {
	Tasks []domain.BuildTask `json:"tasks"`
	domain.PageInfo
}

// Spec of build_task.list.
func (ListBuildTasksAction) Spec() Spec {
	return Spec{Name: "build_task.list", Summary: "List build tasks", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListBuildTasksAction) Validate() error {
	return needList(a.Where, a.Page, domain.BuildTaskFields, "id")
}

// DeleteBuildTaskAction removes a build task that has no models and pipelines.
type DeleteBuildTaskAction struct {
	ID     int64 `json:"id" doc:"id of the build task"`
	DryRun bool  `json:"dry_run,omitempty" doc:"only tell what would be removed"`
}

// DeleteBuildTaskResult is the row that was, or would be, removed.
type DeleteBuildTaskResult struct {
	Task   domain.BuildTask `json:"task"`
	DryRun bool             `json:"dry_run,omitempty"`
}

// Spec of build_task.delete.
func (DeleteBuildTaskAction) Spec() Spec {
	return Spec{Name: "build_task.delete", Summary: "Remove a build task without models and pipelines", Effect: Write}
}

// Validate needs an id.
func (a DeleteBuildTaskAction) Validate() error { return needNumber("id", a.ID) }
