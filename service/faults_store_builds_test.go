package service_test

import (
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

type fleetFlakyBuilds struct {
	f *fleetFlaky
	repository.BuildRepository
}

func (r fleetFlakyBuilds) CreateTask(ctx context.Context, name string) (domain.BuildTask, error) {
	return fleetCall(r.f, "builds.create_task", func() (domain.BuildTask, error) { return r.BuildRepository.CreateTask(ctx, name) })
}

func (r fleetFlakyBuilds) Task(ctx context.Context, id int64) (domain.BuildTask, error) {
	return fleetCall(r.f, "builds.task", func() (domain.BuildTask, error) { return r.BuildRepository.Task(ctx, id) })
}

func (r fleetFlakyBuilds) DeleteTask(ctx context.Context, id int64) (domain.BuildTask, error) {
	return fleetCall(r.f, "builds.delete_task", func() (domain.BuildTask, error) { return r.BuildRepository.DeleteTask(ctx, id) })
}

func (r fleetFlakyBuilds) CreateBuildable(ctx context.Context, b domain.Buildable) (domain.Buildable, error) {
	return fleetCall(r.f, "builds.create", func() (domain.Buildable, error) { return r.BuildRepository.CreateBuildable(ctx, b) })
}

func (r fleetFlakyBuilds) Buildable(ctx context.Context, kind domain.BuildableKind, id int64) (domain.Buildable, error) {
	return fleetCall(r.f, "builds.get", func() (domain.Buildable, error) { return r.BuildRepository.Buildable(ctx, kind, id) })
}

func (r fleetFlakyBuilds) DeleteBuildable(ctx context.Context, kind domain.BuildableKind, id int64) (domain.Buildable, error) {
	return fleetCall(r.f, "builds.delete", func() (domain.Buildable, error) { return r.BuildRepository.DeleteBuildable(ctx, kind, id) })
}

func (r fleetFlakyBuilds) CreateImage(ctx context.Context, b domain.BuiltImage) (domain.BuiltImage, error) {
	return fleetCall(r.f, "builds.create_image", func() (domain.BuiltImage, error) { return r.BuildRepository.CreateImage(ctx, b) })
}

func (r fleetFlakyBuilds) Image(ctx context.Context, id int64) (domain.BuiltImage, error) {
	return fleetCall(r.f, "builds.image", func() (domain.BuiltImage, error) { return r.BuildRepository.Image(ctx, id) })
}

func (r fleetFlakyBuilds) ImageNamed(ctx context.Context, source int64, name string) (domain.BuiltImage, error) {
	return fleetCall(r.f, "builds.image_named", func() (domain.BuiltImage, error) { return r.BuildRepository.ImageNamed(ctx, source, name) })
}

func (r fleetFlakyBuilds) SaveImage(ctx context.Context, b domain.BuiltImage) (domain.BuiltImage, error) {
	return fleetCall(r.f, "builds.save_image", func() (domain.BuiltImage, error) { return r.BuildRepository.SaveImage(ctx, b) })
}

func (r fleetFlakyBuilds) DeleteImage(ctx context.Context, id, revision int64) error {
	if err := r.f.tick("builds.delete_image"); err != nil {
		return err
	}
	return r.BuildRepository.DeleteImage(ctx, id, revision)
}

func (r fleetFlakyBuilds) Hosts(ctx context.Context, q repository.HostQuery) ([]domain.Agent, error) {
	return fleetCall(r.f, "builds.hosts", func() ([]domain.Agent, error) { return r.BuildRepository.Hosts(ctx, q) })
}

func (r fleetFlakyBuilds) Host(ctx context.Context, id domain.AgentID) (domain.Agent, error) {
	return fleetCall(r.f, "builds.host", func() (domain.Agent, error) { return r.BuildRepository.Host(ctx, id) })
}
