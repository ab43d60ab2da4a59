package domain

// BuildSourceType says what an image is built from.
type BuildSourceType string

// A folder or a tar archive with a Dockerfile below the configured folder of
// sources, or a template that is kept in the catalogue.
const (
	BuildFromDirectory BuildSourceType = "directory"
	BuildFromTarball   BuildSourceType = "tarball"
	BuildFromTemplate  BuildSourceType = "template"
)

// BuildSource is what an image is built from: a path, or a template.
type BuildSource struct {
	Type BuildSourceType `json:"type" doc:"directory, tarball or template"`
	// Path is of directory and tarball, relative to the configured folder of
	// sources.
	Path     string         `json:"path,omitempty" doc:"of a directory or tarball, in the server's folder of sources"`
	Template *BuildTemplate `json:"template,omitempty" doc:"{base_image, requirements, files, command}"`
}

// BuildTemplate is a base image and what comes on top of it. Builders that run
// nothing (daemonless ones) take no requirements.
type BuildTemplate struct {
	BaseImage    string            `json:"base_image"`             // a reference; "scratch" for none
	Requirements []string          `json:"requirements,omitempty"` // of pip, such as numpy==2.1
	Files        map[string]string `json:"files,omitempty"`        // contents by path, relative to the working directory /app
	Command      []string          `json:"command,omitempty"`      // nil keeps the base image's
}

// BuildRequest asks a node for an image.
type BuildRequest struct {
	Name string // of the image on the node: registry/path:tag, or path:tag
	// Source has its Path resolved: absolute, and inside the folder of sources.
	Source BuildSource
	// Base tells how to reach the registry of the base image, with credentials;
	// nil: what the node holds, and public registries that it may reach.
	Base         *Registry
	Labels       map[string]string
	Architecture string // "" is the node's own
}

// BuildOutcome tells what a build made.
type BuildOutcome struct {
	Digest    Digest // of the configuration
	SizeBytes int64
}
