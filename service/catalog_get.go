package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// GetImage returns one image with its aliases. Errors: not_found.
func (s *CatalogService) GetImage(ctx context.Context, a actions.GetImageAction) (actions.GetImageResult, error) {
	return scoped(ctx, s.door, a, s.getImage)
}

// ListImages returns a page of images. Errors: invalid for a filter, order or
// cursor; forbidden for a domain without a grant over everything; not_found for
// a group or scaling group that the actor may not use.
func (s *CatalogService) ListImages(ctx context.Context, a actions.ListImagesAction) (actions.ListImagesResult, error) {
	return scoped(ctx, s.door, a, s.listImages)
}

func (s *CatalogService) getImage(ctx context.Context, db repository.Scoped, a actions.GetImageAction) (actions.GetImageResult, error) {
	images := db.Read().Images
	img, err := s.names.forReading(ctx, images, domain.ImageKey{Reference: a.Reference, Architecture: a.Architecture}, a.Statuses...)
	if err != nil {
		return actions.GetImageResult{}, err
	}
	detail, err := images.Detail(ctx, img)
	return actions.GetImageResult{Image: detail}, err
}

func (s *CatalogService) listImages(ctx context.Context, db repository.Scoped, a actions.ListImagesAction) (res actions.ListImagesResult, err error) {
	res.Images, res.PageInfo, err = db.Read().Images.List(ctx, a.ImageQuery, a.Page)
	return res, err
}
