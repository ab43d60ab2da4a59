package actions

import (
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// BuildImageAction builds an image from a model or a pipeline, on an agent or in
// a store at hand, which then holds it: its row remembers which. Its row comes first; when the build fails, a new row goes away again, and one that
// was there is as it was. While it is built, nobody else builds it.
type BuildImageAction struct {
	Name       string         `json:"name" doc:"unique among the images of the model or pipeline"`
	ModelID    int64          `json:"model_id,omitempty" doc:"id of the model; this or pipeline_id"`
	PipelineID int64          `json:"pipeline_id,omitempty" doc:"id of the pipeline; this or model_id"`
	Tag        string         `json:"tag,omitempty" doc:"none: latest"`
	Repository string         `json:"repository,omitempty" doc:"path in a registry that it belongs below"`
	AgentID    domain.AgentID `json:"agent_id,omitempty" kind:"agent" doc:"where to build; none: the configured agent, or the only one that can build"`
	Store      string         `json:"store,omitempty" doc:"where to build, in the place of an agent: docker, docker:HOST, or oci:DIR without a daemon; DIR is relative to the folder of the process"`
	Overwrite  bool           `json:"overwrite,omitempty" doc:"build an image of this name anew; the old one stays until the new one is there"`
	SkipBuild  bool           `json:"skip_build,omitempty" doc:"make the row only"`
	Push       bool           `json:"push,omitempty" doc:"push it to a registry afterwards; needs a grant over everything"`
	Remote     string         `json:"remote,omitempty" doc:"reference to push it to, with the registry's host"`
	Background bool           `json:"background,omitempty" doc:"return a task id at once; not with a store"`
}

// Kind says what the image is built from.
func (a BuildImageAction) Kind() domain.BuildableKind {
	if a.PipelineID != 0 {
		return domain.BuildablePipeline
	}
	return domain.BuildableModel
}

// ReachesAll says that a push needs a grant over everything: it goes to the
// installation's registries with the installation's credentials, wherever its
// reference says.
func (a BuildImageAction) ReachesAll() bool { return a.Push }

// BuildImageResult is the image as it is now, or the task that builds it.
type BuildImageResult struct {
	TaskID domain.TaskID      `json:"task_id,omitempty"`
	Image  *domain.BuiltImage `json:"image,omitempty"`
}

// Spec of build.image.
func (BuildImageAction) Spec() Spec {
	return Spec{Name: "build.image", Summary: "Build an image from a model or a pipeline", Effect: Agent, Class: domain.TaskBulk}
}

// Validate needs a name, exactly one source and at most one place.
func (a BuildImageAction) Validate() error {
	if err := domain.CheckBuildName("name", a.Name); err != nil {
		return err
	}
	if (a.ModelID == 0) == (a.PipelineID == 0) {
		return domain.Invalid("build_source", "model_id", "an image is built from a model or from a pipeline: exactly one of model_id and pipeline_id")
	}
	if err := firstError(needNumberOrNone("model_id", a.ModelID), needNumberOrNone("pipeline_id", a.PipelineID)); err != nil {
		return err
	}
	if a.Tag != "" {
		if err := domain.ValidateTag(a.Tag); err != nil {
			return err
		}
	}
	if a.Repository != "" {
		if err := domain.ValidateRepositoryPath(a.Repository); err != nil {
			return err
		}
	}
	if a.AgentID != "" || a.Store != "" { // without both, the service chooses an agent
		if err := needStore(a.Store, a.AgentID, a.Background); err != nil {
			return err
		}
	}
	if a.Push == (a.Remote == "") {
		return domain.Invalid("build_push", "remote", "push and remote come together")
	}
	if a.Push && a.SkipBuild {
		return domain.Invalid("build_push", "skip_build", "what is not built cannot be pushed")
	}
	return nil
}

// BuiltImageResult is a built image as stored.
type BuiltImageResult struct {
	Image domain.BuiltImage `json:"image"`
}

// GetBuiltImageAction asks for one built image.
type GetBuiltImageAction struct {
	ID int64 `json:"id" doc:"id of the built image"`
}

// GetBuiltImageResult is the image.
type GetBuiltImageResult BuiltImageResult

// Spec of build.get.
func (GetBuiltImageAction) Spec() Spec {
	return Spec{Name: "build.get", Summary: "Show a built image", Effect: Read}
}

// Validate needs an id.
func (a GetBuiltImageAction) Validate() error { return needNumber("id", a.ID) }

// ListBuiltImagesAction lists built images, page by page.
type ListBuiltImagesAction struct {
	TaskID int64         `json:"task_id,omitempty" doc:"only those of this build task; none: of all"`
	Where  domain.Filter `json:"where,omitzero" doc:"a filter over id, name, task, kind, source, tag, state, agent, author, created_at"`
	domain.Page
}

// ListBuiltImagesResult is one page.
type ListBuiltImagesResult struct {
	Images []domain.BuiltImage `json:"images"`
	domain.PageInfo
}

// Spec of build.list.
func (ListBuiltImagesAction) Spec() Spec {
	return Spec{Name: "build.list", Summary: "List built images", Effect: Read}
}

// Validate checks task, filter, order and cursor.
func (a ListBuiltImagesAction) Validate() error {
	return firstError(needNumberOrNone("task_id", a.TaskID), needList(a.Where, a.Page, domain.BuiltImageFields, "id"))
}

// RenameBuiltImageAction gives a built image another name. Nothing is built
// anew, and what it is called where it is and in registries stays.
type RenameBuiltImageAction struct {
	ID   int64  `json:"id" doc:"id of the built image"`
	Name string `json:"name" doc:"unique among the images of the model or pipeline"`
}

// RenameBuiltImageResult is the image as stored.
type RenameBuiltImageResult BuiltImageResult

// Spec of build.rename.
func (RenameBuiltImageAction) Spec() Spec {
	return Spec{Name: "build.rename", Summary: "Give a built image another name", Effect: Write}
}

// Validate needs an id and a name.
func (a RenameBuiltImageAction) Validate() error {
	return firstError(needNumber("id", a.ID), domain.CheckBuildName("name", a.Name))
}

// DeleteBuiltImageAction removes a built image: its containers on request, its
// name on the agent or in the store that holds it, and then its row. Every step can be repeated.
// What was pushed to a registry stays there.
type DeleteBuiltImageAction struct {
	ID       int64 `json:"id" doc:"id of the built image"`
	Cascade  bool  `json:"cascade,omitempty" doc:"stop and remove its containers first"`
	MetaOnly bool  `json:"meta_only,omitempty" doc:"remove the row only, whatever runs"`
	DryRun   bool  `json:"dry_run,omitempty" doc:"only tell what would be stopped and removed"`
}

// DeleteBuiltImageResult tells what was, or in a dry run would be, removed.
type DeleteBuiltImageResult struct {
	Image domain.BuiltImage `json:"image"`
	// Stopped are the containers that were stopped, and removed with the others.
	Stopped []domain.Container `json:"stopped"`
	Removed []domain.Container `json:"removed"`
	// Blocked is what keeps it, in a dry run.
	Blocked *domain.Problem `json:"blocked,omitempty"`
	DryRun  bool            `json:"dry_run,omitempty"`
}

// Spec of build.delete.
func (DeleteBuiltImageAction) Spec() Spec {
	return Spec{Name: "build.delete", Summary: "Remove a built image", Effect: Agent}
}

// Validate needs an id.
func (a DeleteBuiltImageAction) Validate() error { return needNumber("id", a.ID) }

// StoppedError is in the chain of an error of build.delete that came after
// containers were stopped or removed. The row is still there.
type StoppedError struct {
	Stopped []domain.Container
	Removed []domain.Container
	Err     error
}

// Error tells what was done before it failed.
func (e *StoppedError) Error() string {
	names := make([]string, len(e.Stopped))
	for i, c := range e.Stopped {
		names[i] = c.Name
		if c.Name == "" {
			names[i] = c.ID
		}
	}
	return "stopped before: " + strings.Join(names, ", ")
}

// Unwrap gives the failure.
func (e *StoppedError) Unwrap() error { return e.Err }
