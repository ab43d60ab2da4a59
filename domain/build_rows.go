package domain

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// BuildTask is a task of a project: models, pipelines and the images built from
// them belong to one. It is no [Task], which is work that Wharf does. Names are
// unique per author and domain.
type BuildTask struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Author    UserID    `json:"author"`
	Domain    string    `json:"domain,omitempty"` // of the author
	CreatedAt time.Time `json:"created_at"`
}

// BuildableKind says what a thing is that images are built from.
type BuildableKind string

// The kinds of things that images are built from.
const (
	BuildableModel    BuildableKind = "model"
	BuildablePipeline BuildableKind = "pipeline"
)

// Buildable is a model or a pipeline. Models and pipelines share their ids, and
// have unique names within their kind and task.
type Buildable struct {
	ID        int64         `json:"id"`
	Kind      BuildableKind `json:"kind"`
	TaskID    int64         `json:"task_id"` // of the BuildTask
	Name      string        `json:"name"`
	Source    BuildSource   `json:"source"`
	Author    UserID        `json:"author"`
	Domain    string        `json:"domain,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
}

// BuildState is where a built image stands.
type BuildState string

// The states of a built image.
const (
	BuildRegistered BuildState = "registered" // only a row: nothing was built yet
	BuildRunning    BuildState = "building"
	BuildDone       BuildState = "built"
)

// BuiltImage is an image that was built from a model or a pipeline. Its name is
// unique among those of the same model or pipeline.
type BuiltImage struct {
	ID         int64         `json:"id"`
	TaskID     int64         `json:"task_id"` // of the BuildTask
	SourceKind BuildableKind `json:"source_kind"`
	ModelID    int64         `json:"model_id,omitempty"` // exactly one of the two is set
	PipelineID int64         `json:"pipeline_id,omitempty"`
	Name       string        `json:"name"`
	Tag        string        `json:"tag"`
	// Repository and RegistryHost are where it belongs in a registry; both may be
	// empty.
	Repository   string     `json:"repository,omitempty"`
	RegistryHost string     `json:"registry_host,omitempty"`
	Author       UserID     `json:"author"`
	Domain       string     `json:"domain,omitempty"`
	State        BuildState `json:"state"`
	Digest       Digest     `json:"digest,omitempty"`   // of the configuration; "" until built
	AgentID      AgentID    `json:"agent_id,omitempty"` // that holds it, under the name Local
	// Store is the address of the store that holds it, in the place of an agent, as
	// the process that built it has it; folders are absolute.
	Store string `json:"store,omitempty"`
	Local string `json:"local"` // no other image has it; it stays when others change
	// Pushed and ManifestDigest are the reference that it was pushed to, and what
	// that named then; ImageID is the catalogue's row of it, where the caller can
	// see one.
	Pushed         string    `json:"pushed,omitempty"`
	ManifestDigest Digest    `json:"manifest_digest,omitempty"`
	ImageID        ImageID   `json:"image_id,omitempty"`
	Builder        string    `json:"-"` // whose build it is: a task, or one call
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"` // of a building one: since when
	Revision       int64     `json:"revision"`
}

// SourceID is the id of the model or pipeline that it was built from.
func (b BuiltImage) SourceID() int64 { return b.ModelID + b.PipelineID }

// FullName is [registry host/][repository/]name:tag.
func (b BuiltImage) FullName() string {
	return JoinPath(b.RegistryHost, JoinPath(b.Repository, b.Name)) + ":" + b.Tag
}

// LabelBuild is on every image that was built here: its name where it was built.
const LabelBuild = "io.wharf.build"

// NewLocalBuild returns a new name for an image on an agent or in a store. The host in it is
// nobody's, so that no pull can ever mean it.
func NewLocalBuild() string { return "builds.wharf.invalid/" + NewID[string]() + ":latest" }

// CheckBuildName checks the name of a build task, model, pipeline or built
// image: 1-255 printable characters, blanks only inside. Errors: invalid, reason
// name_invalid, on kind.
func CheckBuildName(kind, s string) error { return checkTitle(kind, s) }

func checkTitle(kind, s string) error {
	bad := s == "" || len(s) > 255 || !utf8.ValidString(s) || strings.TrimSpace(s) != s
	for _, r := range s {
		bad = bad || !unicode.IsPrint(r) || r == utf8.RuneError
	}
	if bad {
		return Invalid("name_invalid", kind, "a %s has 1-255 printable characters, and blanks only inside: %s", kind, Quote(s))
	}
	return nil
}

// BuildTaskFields is the table of fields for lists of build tasks.
var BuildTaskFields = Fields{
	"id":         {Kind: KindInt, Sortable: true},
	"name":       {Kind: KindText, Sortable: true},
	"author":     {Kind: KindText},
	"created_at": {Kind: KindTime, Sortable: true},
}

// BuildableFields is the table of fields for lists of models and of pipelines.
var BuildableFields = Fields{
	"id":         {Kind: KindInt, Sortable: true},
	"name":       {Kind: KindText, Sortable: true},
	"task":       {Kind: KindInt},
	"author":     {Kind: KindText},
	"created_at": {Kind: KindTime, Sortable: true},
}

// BuiltImageFields is the table of fields for lists of built images.
var BuiltImageFields = Fields{
	"id":         {Kind: KindInt, Sortable: true},
	"name":       {Kind: KindText, Sortable: true},
	"task":       {Kind: KindInt},
	"kind":       {Kind: KindEnum, Values: []string{string(BuildableModel), string(BuildablePipeline)}},
	"source":     {Kind: KindInt},
	"tag":        {Kind: KindText},
	"state":      {Kind: KindEnum, Values: []string{string(BuildRegistered), string(BuildRunning), string(BuildDone)}},
	"agent":      {Kind: KindText},
	"author":     {Kind: KindText},
	"created_at": {Kind: KindTime, Sortable: true},
}
