package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// BuildImage builds an image. Errors: invalid, not_found for the model, pipeline
// or agent, conflict for a name that is taken (image_exists) or being built
// (image_building), precondition for what cannot be built here (build_unsupported,
// build_agent_unset, store_unavailable) or is in another place (image_elsewhere),
// and what the agent or store says; then no new row is left, and an old one is as it was. One that was
// built and could not be pushed stays, and the error is that of the push.
func (s *BuildService) BuildImage(ctx context.Context, a actions.BuildImageAction) (actions.BuildImageResult, error) {
	return scoped(ctx, s.door, a, s.buildImage)
}

// GetBuiltImage returns a built image. Errors: not_found.
func (s *BuildService) GetBuiltImage(ctx context.Context, a actions.GetBuiltImageAction) (actions.GetBuiltImageResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetBuiltImageAction) (res actions.GetBuiltImageResult, err error) {
		res.Image, err = db.Read().Builds.Image(ctx, a.ID)
		return res, err
	})
}

// ListBuiltImages returns a page of built images. Errors: not_found for the build
// task.
func (s *BuildService) ListBuiltImages(ctx context.Context, a actions.ListBuiltImagesAction) (actions.ListBuiltImagesResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListBuiltImagesAction) (res actions.ListBuiltImagesResult, err error) {
		f, err := ofTask(ctx, db, a.TaskID, a.Where)
		if err != nil {
			return res, err
		}
		res.Images, res.PageInfo, err = db.Read().Builds.Images(ctx, f, a.Page)
		return res, err
	})
}

// RenameBuiltImage gives a built image another name. Errors: not_found, conflict
// for a taken name and for an image that is being built.
func (s *BuildService) RenameBuiltImage(ctx context.Context, a actions.RenameBuiltImageAction) (actions.RenameBuiltImageResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.RenameBuiltImageAction) (res actions.RenameBuiltImageResult, err error) {
		res.Image, err = written(ctx, db, func(ctx context.Context, b repository.BuildRepository) (domain.BuiltImage, error) {
			row, err := b.Image(ctx, a.ID)
			if err != nil || row.Name == a.Name {
				return row, err
			}
			if row.State == domain.BuildRunning { // its builder found it by its name
				return row, errBuilding(row.Name)
			}
			row.Name = a.Name
			return b.SaveImage(ctx, row)
		})
		return res, err
	})
}

// DeleteBuiltImage removes a built image. Errors: not_found; precondition, reason
// image_has_instances, while containers run it; conflict, reason
// revision_changed, when somebody changed it meanwhile; unavailable when its agent is
// away, precondition, reason store_unavailable, where its store is not at hand, and
// what agent or store say otherwise. The row is there then, and an error
// after containers were stopped says which ([actions.StoppedError]).
func (s *BuildService) DeleteBuiltImage(ctx context.Context, a actions.DeleteBuiltImageAction) (actions.DeleteBuiltImageResult, error) {
	return scoped(ctx, s.door, a, s.deleteBuiltImage)
}

func errBuilding(name string) error {
	return domain.Errorf(domain.CodeConflict, "image_building", name, "the image is being built: %s", name)
}
