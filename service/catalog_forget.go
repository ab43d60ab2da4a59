package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// ForgetImage marks an image as no longer wanted. Errors: not_found, forbidden,
// invalid where the reference has several architectures.
func (s *CatalogService) ForgetImage(ctx context.Context, a actions.ForgetImageAction) (actions.ForgetImageResult, error) {
	return scoped(ctx, s.door, a, s.forgetImage)
}

// ForgetImageByID is ForgetImage by id.
func (s *CatalogService) ForgetImageByID(ctx context.Context, a actions.ForgetImageByIDAction) (actions.ForgetImageResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ForgetImageByIDAction) (actions.ForgetImageResult, error) {
		return s.forgetImage(ctx, db, actions.ForgetImageAction{Reference: string(a.ImageID), DryRun: a.DryRun})
	})
}

func (s *CatalogService) forgetImage(ctx context.Context, db repository.Scoped, a actions.ForgetImageAction) (res actions.ForgetImageResult, err error) {
	key := domain.ImageKey{Reference: a.Reference, Architecture: a.Architecture}
	if a.DryRun {
		img, err := s.names.forWriting(ctx, db.Read().Images, key)
		changed := img.Forget()
		return actions.ForgetImageResult{Image: img, Changed: changed, DryRun: true}, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		img, err := s.names.forWriting(ctx, tx.Images, key)
		if err != nil {
			return err
		}
		if res.Changed = img.Forget(); res.Changed {
			img, err = tx.Images.Save(ctx, img)
		}
		res.Image = img
		return err
	})
	return res, err
}
