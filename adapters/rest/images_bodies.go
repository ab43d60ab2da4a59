package rest

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// The names of types that clients tell parts of bodies apart by.
const (
	typeDockerImage     = "ebonite.build.docker.DockerImage"
	typeDefaultRegistry = "ebonite.build.docker.DefaultDockerRegistry"
	typeModel           = "ebonite.build.provider.ml_model.ModelBuildable"
	typePipeline        = "ebonite.build.provider.pipeline.PipelineBuildable"
)

// creationDate is a time of UTC; a time zone without a name comes after the
// blank.
const creationDate = "2006-01-02 15:04:05.000000 "

// imageBody is an image as clients read it; what is not there is left out. It has
// the documented fields and no others, for clients that refuse what they do not
// know: of which pipeline an image is, and where it was pushed to, build.get
// tells. The latter is another name than the one here, in another registry.
type imageBody struct {
	Name         string      `json:"name" doc:"[repository/]name:tag"`
	ID           int64       `json:"id"`
	ModelID      int64       `json:"model_id,omitempty" doc:"none: it is of a pipeline"`
	Author       string      `json:"author,omitempty"`
	CreationDate string      `json:"creation_date" doc:"UTC: YYYY-MM-DD HH:MM:SS.ffffff and a blank"`
	Params       imageParams `json:"params"`
}

type imageParams struct {
	Type       string        `json:"type"`
	Name       string        `json:"name"`
	Tag        string        `json:"tag"`
	Repository string        `json:"repository,omitempty"`
	Registry   imageRegistry `json:"registry"`
}

type imageRegistry struct {
	Type string `json:"type"`
}

func imageBodyOf(b domain.BuiltImage) imageBody {
	return imageBody{
		Name: domain.JoinPath(b.Repository, b.Name) + ":" + b.Tag, ID: b.ID, ModelID: b.ModelID,
		Author: string(b.Author), CreationDate: b.CreatedAt.UTC().Format(creationDate),
		Params: imageParams{
			Type: typeDockerImage, Name: b.Name, Tag: b.Tag, Repository: b.Repository, Registry: imageRegistry{Type: typeDefaultRegistry},
		},
	}
}

// imageFailure is every error of the resource.
type imageFailure struct {
	ErrorMsg string `json:"errormsg" doc:"what is wrong and what to do, for people"`
}

// taskBody is the answer to who does not wait.
type taskBody struct {
	TaskID domain.TaskID `json:"task_id" doc:"for task.get and task.watch"`
}

// renameBody is what PATCH takes.
type renameBody struct {
	Name string `json:"name"`
}

// buildBody is what POST takes: the ids beside the name, or in a buildable.
type buildBody struct {
	Name        string         `json:"name"`
	ModelID     int64          `json:"model_id,omitempty" doc:"this or pipeline_id"`
	PipelineID  int64          `json:"pipeline_id,omitempty" doc:"this or model_id"`
	Buildable   *buildableBody `json:"buildable,omitempty" doc:"the id in the form of servers of ebonite, instead of beside the name"`
	BuilderArgs builderArgs    `json:"builder_args,omitzero"`
}

type buildableBody struct {
	Type       string `json:"type" enum:"ebonite.build.provider.ml_model.ModelBuildable,ebonite.build.provider.pipeline.PipelineBuildable"`
	ServerType string `json:"server_type"` // sources say themselves what serves them
	ModelID    int64  `json:"model_id,omitempty"`
	PipelineID int64  `json:"pipeline_id,omitempty"`
	Debug      bool   `json:"debug,omitempty"`
}

type builderArgs struct {
	ForceOverwrite bool `json:"force_overwrite,omitempty" doc:"build an image of this name anew"`
}

// action is the action that the body asks for. Errors: invalid.
func (b buildBody) action() (actions.BuildImageAction, error) {
	a := actions.BuildImageAction{Name: b.Name, ModelID: b.ModelID, PipelineID: b.PipelineID, Overwrite: b.BuilderArgs.ForceOverwrite}
	if b.Buildable == nil {
		return a, nil
	}
	if a.ModelID != 0 || a.PipelineID != 0 {
		return a, domain.Invalid("build_source", "buildable", "the id is in the buildable, or beside it, and not both")
	}
	if b.Buildable.ServerType == "" {
		return a, domain.Invalid("field_required", "buildable.server_type", "buildable.server_type is required")
	}
	a.ModelID, a.PipelineID = b.Buildable.ModelID, b.Buildable.PipelineID
	switch b.Buildable.Type {
	case typeModel:
		if a.PipelineID != 0 {
			return a, domain.Invalid("build_source", "buildable.pipeline_id", "a buildable of this type has a model_id")
		}
	case typePipeline:
		if a.ModelID != 0 {
			return a, domain.Invalid("build_source", "buildable.model_id", "a buildable of this type has a pipeline_id")
		}
	default:
		return a, domain.Invalid("type_unknown", "buildable.type", "buildable.type is %s or %s", typeModel, typePipeline)
	}
	return a, nil
}

// decodeImage reads a body as strictly as those of actions are read.
func decodeImage(doc []byte, into any) error {
	return decode(doc, shapes{}.of(reflect.TypeOf(into).Elem()), into)
}

// imageStatuses is the table of codes of this resource: a client that knows it
// takes 400 for a name that is taken and for an image that is in use.
var imageStatuses = map[domain.Code]int{
	domain.CodeInvalid:         http.StatusUnprocessableEntity,
	domain.CodeUnauthenticated: http.StatusUnauthorized,
	domain.CodeForbidden:       http.StatusForbidden,
	domain.CodeNotFound:        http.StatusNotFound,
	domain.CodeConflict:        http.StatusBadRequest,
	domain.CodePrecondition:    http.StatusBadRequest,
	domain.CodeRateLimited:     http.StatusTooManyRequests,
	domain.CodeUnavailable:     http.StatusServiceUnavailable,
	domain.CodeCanceled:        statusClientClosed,
	domain.CodeTimeout:         http.StatusGatewayTimeout,
	domain.CodeInternal:        http.StatusInternalServerError,
}

func imageStatusOf(err error) int {
	if status, ok := refusals[domain.ReasonOf(err)]; ok {
		return status
	}
	if status, ok := imageStatuses[domain.CodeOf(err)]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// failImages answers with an error as this resource writes it.
func failImages(w http.ResponseWriter, err error) {
	status, h := imageStatusOf(err), w.Header()
	if wait := domain.RetryAfterOf(err); wait > 0 {
		h.Set("Retry-After", seconds(wait))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	_ = answerImages(w, status, imageFailure{domain.MessageOf(err)})
}

func answerImages(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return domain.Internal("rest", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
	return nil
}
