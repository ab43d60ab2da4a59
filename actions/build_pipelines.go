package actions

import "github.com/wharf-project/wharf/domain"

// CreatePipelineAction adds a pipeline to a build task: a name for what images are
// built from.
type CreatePipelineAction struct {
	TaskID int64              `json:"task_id" doc:"id of the build task"`
	Name   string             `json:"name" doc:"unique among the pipelines of the task"`
	Source domain.BuildSource `json:"source" doc:"what images are built from: {type: directory or tarball, path} or {type: template, template}"`
}

// PipelineResult is a pipeline as stored.
type PipelineResult struct {
	Pipeline domain.Buildable `json:"pipeline"`
}

// CreatePipelineResult is the new pipeline.
type CreatePipelineResult PipelineResult

// Spec of pipeline.create.
func (CreatePipelineAction) Spec() Spec {
	return Spec{Name: "pipeline.create", Summary: "Add a pipeline to a build task", Effect: Write}
}

// Validate checks task, name and source.
func (a CreatePipelineAction) Validate() error {
	return firstError(needNumber("task_id", a.TaskID), domain.CheckBuildName("name", a.Name), a.Source.Check())
}

// GetPipelineAction asks for one pipeline.
type GetPipelineAction struct {
	ID int64 `json:"id" doc:"id of the pipeline"`
}

// GetPipelineResult is the pipeline.
type GetPipelineResult PipelineResult

// Spec of pipeline.get.
func (GetPipelineAction) Spec() Spec {
	return Spec{Name: "pipeline.get", Summary: "Show a pipeline", Effect: Read}
}

// Validate needs an id.
func (a GetPipelineAction) Validate() error { return needNumber("id", a.ID) }

// ListPipelinesAction lists pipelines, page by page.
type ListPipelinesAction struct {
	TaskID int64         `json:"task_id,omitempty" doc:"only those of this build task; none: of all"`
	Where  domain.Filter `json:"where,omitzero" doc:"a filter over id, name, task, author, created_at"`
	domain.Page
}

// ListPipelinesResult is one page.
type ListPipelinesResult struct {
	Pipelines []domain.Buildable `json:"pipelines"`
	domain.PageInfo
}

// Spec of pipeline.list.
func (ListPipelinesAction) Spec() Spec {
	return Spec{Name: "pipeline.list", Summary: "List pipelines", Effect: Read}
}

// Validate checks task, filter, order and cursor.
func (a ListPipelinesAction) Validate() error {
	return firstError(needNumberOrNone("task_id", a.TaskID), needList(a.Where, a.Page, domain.BuildableFields, "id"))
}

// DeletePipelineAction removes a pipeline that has no images.
type DeletePipelineAction struct {
	ID     int64 `json:"id" doc:"id of the pipeline"`
	DryRun bool  `json:"dry_run,omitempty" doc:"only tell what would be removed"`
}

// DeletePipelineResult is the row that was, or would be, removed.
type DeletePipelineResult struct {
	Pipeline domain.Buildable `json:"pipeline"`
	DryRun   bool             `json:"dry_run,omitempty"`
}

// Spec of pipeline.delete.
func (DeletePipelineAction) Spec() Spec {
	return Spec{Name: "pipeline.delete", Summary: "Remove a pipeline without images", Effect: Write}
}

// Validate needs an id.
func (a DeletePipelineAction) Validate() error { return needNumber("id", a.ID) }
