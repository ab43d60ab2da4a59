package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// CreateModel adds a model. Errors: invalid, not_found for the build task,
// conflict for a taken name.
func (s *BuildService) CreateModel(ctx context.Context, a actions.CreateModelAction) (actions.CreateModelResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.CreateModelAction) (res actions.CreateModelResult, err error) {
		res.Model, err = createBuildable(ctx, db, domain.Buildable{Kind: domain.BuildableModel, TaskID: a.TaskID, Name: a.Name, Source: a.Source})
		return res, err
	})
}

// GetModel returns a model. Errors: not_found.
func (s *BuildService) GetModel(ctx context.Context, a actions.GetModelAction) (actions.GetModelResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetModelAction) (res actions.GetModelResult, err error) {
		res.Model, err = db.Read().Builds.Buildable(ctx, domain.BuildableModel, a.ID)
		return res, err
	})
}

// ListModels returns a page of models. Errors: not_found for the build task.
func (s *BuildService) ListModels(ctx context.Context, a actions.ListModelsAction) (actions.ListModelsResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListModelsAction) (res actions.ListModelsResult, err error) {
		res.Models, res.PageInfo, err = listBuildables(ctx, db, domain.BuildableModel, a.TaskID, a.Where, a.Page)
		return res, err
	})
}

// DeleteModel removes a model. Errors: not_found, precondition while it has
// images.
func (s *BuildService) DeleteModel(ctx context.Context, a actions.DeleteModelAction) (actions.DeleteModelResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.DeleteModelAction) (res actions.DeleteModelResult, err error) {
		res.DryRun = a.DryRun
		res.Model, err = deleteBuildable(ctx, db, domain.BuildableModel, a.ID, a.DryRun)
		return res, err
	})
}
