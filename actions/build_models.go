package actions

import "github.com/wharf-project/wharf/domain"

// CreateModelAction adds a model to a build task: a name for what images are
// built from.
type CreateModelAction struct {
	TaskID int64              `json:"task_id" doc:"id of the build task"`
	Name   string             `json:"name" doc:"unique among the models of the task"`
	Source domain.BuildSource `json:"source" doc:"what images are built from: {type: directory or tarball, path} or {type: template, template}"`
}

// ModelResult is a model as stored.
type ModelResult struct {
	Model domain.Buildable `json:"model"`
}

// CreateModelResult is the new model.
type CreateModelResult ModelResult

// Spec of model.create.
func (CreateModelAction) Spec() Spec {
	return Spec{Name: "model.create", Summary: "Add a model to a build task", Effect: Write}
}

// Validate checks task, name and source.
func (a CreateModelAction) Validate() error {
	return firstError(needNumber("task_id", a.TaskID), domain.CheckBuildName("name", a.Name), a.Source.Check())
}

// GetModelAction asks for one model.
type GetModelAction struct {
	ID int64 `json:"id" doc:"id of the model"`
}

// GetModelResult is the model.
type GetModelResult ModelResult

// Spec of model.get.
func (GetModelAction) Spec() Spec {
	return Spec{Name: "model.get", Summary: "Show a model", Effect: Read}
}

// Validate needs an id.
func (a GetModelAction) Validate() error { return needNumber("id", a.ID) }

// ListModelsAction lists models, page by page.
type ListModelsAction struct {
	TaskID int64         `json:"task_id,omitempty" doc:"only those of this build task; none: of all"`
	Where  domain.Filter `json:"where,omitzero" doc:"a filter over id, name, task, author, created_at"`
	domain.Page
}

// ListModelsResult is one page.
type ListModelsResult struct {
	Models []domain.Buildable `json:"models"`
	domain.PageInfo
}

// Spec of model.list.
func (ListModelsAction) Spec() Spec {
	return Spec{Name: "model.list", Summary: "List models", Effect: Read}
}

// Validate checks task, filter, order and cursor.
func (a ListModelsAction) Validate() error {
	return firstError(needNumberOrNone("task_id", a.TaskID), needList(a.Where, a.Page, domain.BuildableFields, "id"))
}

// DeleteModelAction removes a model that has no images.
type DeleteModelAction struct {
	ID     int64 `json:"id" doc:"id of the model"`
	DryRun bool  `json:"dry_run,omitempty" doc:"only tell what would be removed"`
}

// DeleteModelResult is the row that was, or would be, removed.
type DeleteModelResult struct {
	Model  domain.Buildable `json:"model"`
	DryRun bool             `json:"dry_run,omitempty"`
}

// Spec of model.delete.
func (DeleteModelAction) Spec() Spec {
	return Spec{Name: "model.delete", Summary: "Remove a model without images", Effect: Write}
}

// Validate needs an id.
func (a DeleteModelAction) Validate() error { return needNumber("id", a.ID) }
