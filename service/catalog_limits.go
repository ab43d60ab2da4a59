package service

import (
	"context"
	"maps"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// SetImageResourceLimit sets the custom limit of one slot. Errors: not_found,
// invalid.
func (s *CatalogService) SetImageResourceLimit(ctx context.Context, a actions.SetImageResourceLimitAction) (actions.SetImageResourceLimitResult, error) {
	return scoped(ctx, s.door, a, s.setLimit)
}

// SetImageResourceLimitByID is SetImageResourceLimit by id.
func (s *CatalogService) SetImageResourceLimitByID(ctx context.Context, a actions.SetImageResourceLimitByIDAction) (actions.SetImageResourceLimitResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.SetImageResourceLimitByIDAction) (actions.SetImageResourceLimitResult, error) {
		return s.setLimit(ctx, db, actions.SetImageResourceLimitAction{Reference: string(a.ImageID), Slot: a.Slot, Min: a.Min, Max: a.Max})
	})
}

// ClearImageCustomResourceLimit removes all custom limits. Errors: not_found.
func (s *CatalogService) ClearImageCustomResourceLimit(ctx context.Context, a actions.ClearImageCustomResourceLimitAction) (actions.ClearImageCustomResourceLimitResult, error) {
	return scoped(ctx, s.door, a, s.clearLimit)
}

// ClearImageCustomResourceLimitByID is ClearImageCustomResourceLimit by id.
func (s *CatalogService) ClearImageCustomResourceLimitByID(ctx context.Context, a actions.ClearImageCustomResourceLimitByIDAction) (actions.ClearImageCustomResourceLimitResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ClearImageCustomResourceLimitByIDAction) (actions.ClearImageCustomResourceLimitResult, error) {
		return s.clearLimit(ctx, db, actions.ClearImageCustomResourceLimitAction{ImageCanonical: string(a.ImageID)})
	})
}

func (s *CatalogService) setLimit(ctx context.Context, db repository.Scoped, a actions.SetImageResourceLimitAction) (res actions.SetImageResourceLimitResult, err error) {
	one, err := domain.NormalizeLimits(domain.Limits{a.Slot: {Min: a.Min, Max: a.Max}})
	if err != nil {
		return res, err
	}
	key := domain.ImageKey{Reference: a.Reference, Architecture: a.Architecture}
	img, _, err := s.change(ctx, db, key, false, func(img *domain.Image) (bool, error) {
		limits := maps.Clone(img.CustomLimits)
		if limits == nil {
			limits = domain.Limits{}
		}
		maps.Copy(limits, one)
		changed := !maps.Equal(limits, img.CustomLimits)
		img.CustomLimits = limits
		return changed, nil
	})
	return actions.SetImageResourceLimitResult{Image: img, ResourceLimits: img.ResourceLimits()}, err
}

func (s *CatalogService) clearLimit(ctx context.Context, db repository.Scoped, a actions.ClearImageCustomResourceLimitAction) (res actions.ClearImageCustomResourceLimitResult, err error) {
	key := domain.ImageKey{Reference: a.ImageCanonical, Architecture: a.Architecture}
	img, _, err := s.change(ctx, db, key, false, func(img *domain.Image) (bool, error) {
		changed := len(img.CustomLimits) > 0
		img.CustomLimits = nil
		return changed, nil
	})
	return actions.ClearImageCustomResourceLimitResult{Image: img, ResourceLimits: img.ResourceLimits()}, err
}
