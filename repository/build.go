package repository

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// BuildRepository is the build tasks, models, pipelines and built images that a
// scope can see: all for reach any, for visible also those of the actor's domain,
// else those that the actor made. Others do not exist for it (not_found), but
// their names are taken.
type BuildRepository interface {
	BuildTaskRepository
	BuildableRepository
	BuiltImageRepository
	// Hosts returns agents that the scope may build on, by id: all for reach any,
	// else those in scaling groups that the actor's domain and projects may use.
	Hosts(ctx context.Context, q HostQuery) ([]domain.Agent, error)
	// Host returns an agent whatever the scope: the one that the installation
	// builds on, or that holds an image in reach.
	Host(ctx context.Context, id domain.AgentID) (domain.Agent, error)
}

// BuildTaskRepository is the build tasks.
type BuildTaskRepository interface {
	// CreateTask adds a task of the actor and gives it an id; a name that the
	// actor uses already in its domain is conflict (build_task_exists).
	CreateTask(ctx context.Context, name string) (domain.BuildTask, error)
	Task(ctx context.Context, id int64) (domain.BuildTask, error)
	Tasks(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.BuildTask, domain.PageInfo, error)
	// DeleteTask removes a task that has no models and pipelines, whoever made
	// them; else precondition (build_task_in_use).
	DeleteTask(ctx context.Context, id int64) (domain.BuildTask, error)
}

// BuildableRepository is the models and pipelines.
type BuildableRepository interface {
	// CreateBuildable adds a model or pipeline of the actor to a task that it can
	// see; a taken name is conflict (model_exists, pipeline_exists).
	CreateBuildable(ctx context.Context, b domain.Buildable) (domain.Buildable, error)
	Buildable(ctx context.Context, kind domain.BuildableKind, id int64) (domain.Buildable, error)
	Buildables(ctx context.Context, kind domain.BuildableKind, f domain.Filter, p domain.Page) ([]domain.Buildable, domain.PageInfo, error)
	// DeleteBuildable removes one that has no images, whoever built them; else
	// precondition (model_in_use, pipeline_in_use).
	DeleteBuildable(ctx context.Context, kind domain.BuildableKind, id int64) (domain.Buildable, error)
}

// BuiltImageRepository is the built images. They come with the id of their row
// in the catalogue where the scope can see one: the pushed reference, while it
// names the pushed manifest.
type BuiltImageRepository interface {
	// CreateImage adds an image of the actor, built from a model or pipeline that
	// it can see; a taken name is conflict (image_exists).
	CreateImage(ctx context.Context, b domain.BuiltImage) (domain.BuiltImage, error)
	Image(ctx context.Context, id int64) (domain.BuiltImage, error)
	// ImageNamed finds an image by its model or pipeline and its name.
	ImageNamed(ctx context.Context, source int64, name string) (domain.BuiltImage, error)
	Images(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.BuiltImage, domain.PageInfo, error)
	// SaveImage replaces a row of the given revision, but not what it was built
	// from and by whom; conflict (revision_changed, image_exists).
	SaveImage(ctx context.Context, b domain.BuiltImage) (domain.BuiltImage, error)
	// DeleteImage removes a row of the given revision, 0 for any; conflict
	// (revision_changed).
	DeleteImage(ctx context.Context, id, revision int64) error
}

// HostQuery picks agents to build on. Zero fields pick all.
type HostQuery struct {
	ID     domain.AgentID
	Kind   domain.AgentKind
	Status domain.AgentStatus
	Limit  int // 0: no limit
}
