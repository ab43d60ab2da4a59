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

// ForgetImages is ForgetImage for many ids, each in a transaction of its own:
// one that fails leaves the others done.
func (s *CatalogService) ForgetImages(ctx context.Context, a actions.ForgetImagesAction) (actions.ForgetImagesResult, error) {
	return scoped(ctx, s.door, a, s.forgetImages)
}

// RestoreImage takes ForgetImage back. Errors: not_found, forbidden,
// precondition for an image that its registry no longer has.
func (s *CatalogService) RestoreImage(ctx context.Context, a actions.RestoreImageAction) (actions.RestoreImageResult, error) {
	return scoped(ctx, s.door, a, s.restoreImage)
}

func (s *CatalogService) forgetImage(ctx context.Context, db repository.Scoped, a actions.ForgetImageAction) (res actions.ForgetImageResult, err error) {
	key := domain.ImageKey{Reference: a.Reference, Architecture: a.Architecture}
	forget := func(img *domain.Image) (bool, error) { return img.Forget(), nil }
	res.Image, res.Changed, err = s.change(ctx, db, key, a.DryRun, forget)
	res.DryRun = a.DryRun
	return res, err
}

func (s *CatalogService) forgetImages(ctx context.Context, db repository.Scoped, a actions.ForgetImagesAction) (actions.ForgetImagesResult, error) {
	res := actions.ForgetImagesResult{Outcomes: make([]actions.ImageOutcome, len(a.ImageIDs)), DryRun: a.DryRun}
	for i, id := range a.ImageIDs {
		one, err := s.forgetImage(ctx, db, actions.ForgetImageAction{Reference: string(id), DryRun: a.DryRun})
		res.Outcomes[i] = actions.ImageOutcome{ImageID: id, Changed: one.Changed, Problem: domain.ProblemOf(err)}
		if err == nil {
			res.Outcomes[i].Image = &one.Image
		}
	}
	return res, nil
}

func (s *CatalogService) restoreImage(ctx context.Context, db repository.Scoped, a actions.RestoreImageAction) (res actions.RestoreImageResult, err error) {
	key := domain.ImageKey{Reference: a.Reference, Architecture: a.Architecture}
	res.Image, res.Changed, err = s.change(ctx, db, key, false, (*domain.Image).Restore)
	return res, err
}

// change applies a rule to one image and stores it when the rule changed it.
// The image is read in the transaction that writes it.
func (s *CatalogService) change(ctx context.Context, db repository.Scoped, key domain.ImageKey, dry bool,
	rule func(*domain.Image) (bool, error),
) (img domain.Image, changed bool, err error) {
	if dry {
		if img, err = s.names.forWriting(ctx, db.Read().Images, key); err == nil {
			changed, err = rule(&img)
		}
		return img, changed, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		if img, err = s.names.forWriting(ctx, tx.Images, key); err != nil {
			return err
		}
		if changed, err = rule(&img); err != nil || !changed {
			return err
		}
		img, err = tx.Images.Save(ctx, img)
		return err
	})
	return img, changed, err
}
