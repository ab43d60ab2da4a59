package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// CreateBuildTask makes a build task. Errors: invalid, conflict for a name that
// the caller uses already.
func (s *BuildService) CreateBuildTask(ctx context.Context, a actions.CreateBuildTaskAction) (actions.CreateBuildTaskResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.CreateBuildTaskAction) (res actions.CreateBuildTaskResult, err error) {
		res.Task, err = written(ctx, db, func(ctx context.Context, b repository.BuildRepository) (domain.BuildTask, error) {
			return b.CreateTask(ctx, a.Name)
		})
		return res, err
	})
}

// GetBuildTask returns a build task. Errors: not_found.
func (s *BuildService) GetBuildTask(ctx context.Context, a actions.GetBuildTaskAction) (actions.GetBuildTaskResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetBuildTaskAction) (res actions.GetBuildTaskResult, err error) {
		res.Task, err = db.Read().Builds.Task(ctx, a.ID)
		return res, err
	})
}

// ListBuildTasks returns a page of build tasks.
func (s *BuildService) ListBuildTasks(ctx context.Context, a actions.ListBuildTasksAction) (actions.ListBuildTasksResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListBuildTasksAction) (res actions.ListBuildTasksResult, err error) {
		res.Tasks, res.PageInfo, err = db.Read().Builds.Tasks(ctx, a.Where, a.Page)
		return res, err
	})
}

// DeleteBuildTask removes a build task. Errors: not_found, precondition while it
// has models or pipelines.
func (s *BuildService) DeleteBuildTask(ctx context.Context, a actions.DeleteBuildTaskAction) (actions.DeleteBuildTaskResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.DeleteBuildTaskAction) (res actions.DeleteBuildTaskResult, err error) {
		res.DryRun = a.DryRun
		res.Task, err = tried(ctx, db, a.DryRun, func(ctx context.Context, b repository.BuildRepository) (domain.BuildTask, error) {
			return b.DeleteTask(ctx, a.ID)
		})
		return res, err
	})
}
