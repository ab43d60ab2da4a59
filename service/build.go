package service

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
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
	local   port.OpenLocal
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
