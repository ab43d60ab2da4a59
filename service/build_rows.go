package service

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// BuildService is the room of build tasks, models, pipelines and what is built
// from them.
type BuildService struct {
	door    *door
	names   names
	clients *clients
	fleet   Fleet
	tasks   *TaskService
	now     func() time.Time
	build   Build
}

// Build says how images are built. The zero value builds templates only, on the
// one agent that can build.
type Build struct {
	// Sources is the folder that paths of sources are relative to; "": directories
	// and tarballs are refused with precondition, reason sources_unset.
	Sources string
	// Agent is where to build unless an action names one; "": the only online
	// agent that can build.
	Agent domain.AgentID
	// Timeout bounds one build (1 h). An image that is still being built when it
	// is over was left by a process that ended, and anybody may build it anew.
	Timeout time.Duration
}

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

// written runs one write of the build repository in its transaction.
func written[T any](ctx context.Context, db repository.Scoped, do func(context.Context, repository.BuildRepository) (T, error)) (res T, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) (err error) {
		res, err = do(ctx, tx.Builds)
		return err
	})
	return res, err
}

// errDry takes a transaction back.
var errDry = errors.New("a dry run")

// tried is written, and in a dry run takes it back.
func tried[T any](ctx context.Context, db repository.Scoped, dry bool, do func(context.Context, repository.BuildRepository) (T, error)) (T, error) {
	if !dry {
		return written(ctx, db, do)
	}
	var res T
	_, err := written(ctx, db, func(ctx context.Context, b repository.BuildRepository) (_ T, err error) {
		if res, err = do(ctx, b); err == nil {
			err = errDry
		}
		return res, err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return res, err
}

func createBuildable(ctx context.Context, db repository.Scoped, made domain.Buildable) (domain.Buildable, error) {
	return written(ctx, db, func(ctx context.Context, b repository.BuildRepository) (domain.Buildable, error) {
		return b.CreateBuildable(ctx, made)
	})
}

func deleteBuildable(ctx context.Context, db repository.Scoped, kind domain.BuildableKind, id int64, dry bool) (domain.Buildable, error) {
	return tried(ctx, db, dry, func(ctx context.Context, b repository.BuildRepository) (domain.Buildable, error) {
		return b.DeleteBuildable(ctx, kind, id)
	})
}

func listBuildables(ctx context.Context, db repository.Scoped, kind domain.BuildableKind, task int64, f domain.Filter, p domain.Page) ([]domain.Buildable, domain.PageInfo, error) {
	f, err := ofTask(ctx, db, task, f)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	return db.Read().Builds.Buildables(ctx, kind, f, p)
}

// ofTask narrows a filter to one build task, which has to be there; 0: all.
func ofTask(ctx context.Context, db repository.Scoped, task int64, f domain.Filter) (domain.Filter, error) {
	if task == 0 {
		return f, nil
	}
	if _, err := db.Read().Builds.Task(ctx, task); err != nil {
		return f, err
	}
	only := domain.Where("task", domain.Eq, strconv.FormatInt(task, 10))
	if f.IsZero() {
		return only, nil
	}
	return domain.AllOf(only, f), nil
}
