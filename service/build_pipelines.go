package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// CreatePipeline adds a pipeline. Errors: invalid, not_found for the build task,
// conflict for a taken name.
func (s *BuildService) CreatePipeline(ctx context.Context, a actions.CreatePipelineAction) (actions.CreatePipelineResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.CreatePipelineAction) (res actions.CreatePipelineResult, err error) {
		res.Pipeline, err = createBuildable(ctx, db, domain.Buildable{Kind: domain.BuildablePipeline, TaskID: a.TaskID, Name: a.Name, Source: a.Source})
		return res, err
	})
}

// GetPipeline returns a pipeline. Errors: not_found.
func (s *BuildService) GetPipeline(ctx context.Context, a actions.GetPipelineAction) (actions.GetPipelineResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetPipelineAction) (res actions.GetPipelineResult, err error) {
		res.Pipeline, err = db.Read().Builds.Buildable(ctx, domain.BuildablePipeline, a.ID)
		return res, err
	})
}

// ListPipelines returns a page of pipelines. Errors: not_found for the build task.
func (s *BuildService) ListPipelines(ctx context.Context, a actions.ListPipelinesAction) (actions.ListPipelinesResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListPipelinesAction) (res actions.ListPipelinesResult, err error) {
		res.Pipelines, res.PageInfo, err = listBuildables(ctx, db, domain.BuildablePipeline, a.TaskID, a.Where, a.Page)
		return res, err
	})
}

// DeletePipeline removes a pipeline. Errors: not_found, precondition while it has
// images.
func (s *BuildService) DeletePipeline(ctx context.Context, a actions.DeletePipelineAction) (actions.DeletePipelineResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.DeletePipelineAction) (res actions.DeletePipelineResult, err error) {
		res.DryRun = a.DryRun
		res.Pipeline, err = deleteBuildable(ctx, db, domain.BuildablePipeline, a.ID, a.DryRun)
		return res, err
	})
}
