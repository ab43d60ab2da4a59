package service

import (
	"context"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// GetImageDigest reads what a tag points to. Errors: not_found, and what the
// registry says.
func (s *TransferService) GetImageDigest(ctx context.Context, a actions.GetImageDigestAction) (actions.GetImageDigestResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetImageDigestAction) (res actions.GetImageDigestResult, err error) {
		r, err := s.openNamed(ctx, db, a.Image)
		if err != nil {
			return res, err
		}
		d, _, err := r.described(ctx, r.ref)
		return actions.GetImageDigestResult{Image: r.ref.Canonical(), Digest: d.Digest}, err
	})
}

// GetTagInfo reads a tag. Errors: not_found, also for an architecture that the
// tag does not have; precondition for what is no image; and what the registry
// says.
func (s *TransferService) GetTagInfo(ctx context.Context, a actions.GetTagInfoAction) (actions.GetTagInfoResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetTagInfoAction) (res actions.GetTagInfoResult, err error) {
		r, err := s.openNamed(ctx, db, a.Image)
		if err != nil {
			return res, err
		}
		return s.tagInfo(ctx, r, r.ref, a.Architecture)
	})
}

// GetImageSize reads the size of an image. Errors: as of GetTagInfo.
func (s *TransferService) GetImageSize(ctx context.Context, a actions.GetImageSizeAction) (actions.GetImageSizeResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.GetImageSizeAction) (res actions.GetImageSizeResult, err error) {
		r, err := s.openNamed(ctx, db, a.Image)
		if err != nil {
			return res, err
		}
		info, err := s.tagInfo(ctx, r, r.ref, a.Architecture)
		return actions.GetImageSizeResult{Image: info.Image, SizeBytes: info.SizeBytes}, err
	})
}

func (s *TransferService) openNamed(ctx context.Context, db repository.Scoped, name string) (*remote, error) {
	ref, _, err := s.named(ctx, db, name)
	if err != nil {
		return nil, err
	}
	return s.remote(ctx, db, ref)
}

func (s *TransferService) tagInfo(ctx context.Context, r *remote, ref domain.Reference, architecture string) (res actions.GetTagInfoResult, err error) {
	d, _, err := r.described(ctx, ref)
	if err != nil {
		return res, err
	}
	if len(d.Images) == 0 {
		return res, domain.Errorf(domain.CodePrecondition, "no_image", ref.Canonical(), "what is behind %s is no image that a node can run", ref)
	}
	res = actions.GetTagInfoResult{Name: ref.Tag, Image: ref.Canonical(), Digest: d.Digest, Platforms: make([]actions.PlatformSize, len(d.Images))}
	for i, img := range d.Images {
		res.Platforms[i] = actions.PlatformSize{Architecture: img.Architecture, Digest: img.ManifestDigest, SizeBytes: img.LayersBytes}
	}
	want := s.names.architecture
	if architecture != "" {
		if want, err = domain.NormalizeArchitecture(architecture); err != nil {
			return actions.GetTagInfoResult{}, err
		}
	}
	i := slices.IndexFunc(res.Platforms, func(p actions.PlatformSize) bool { return p.Architecture == want })
	if i < 0 && architecture != "" {
		return actions.GetTagInfoResult{}, domain.NotFound("image", domain.ImageKey{Reference: ref.Canonical(), Architecture: want}.String())
	}
	chosen := res.Platforms[max(i, 0)]
	res.Architecture, res.SizeBytes = chosen.Architecture, chosen.SizeBytes
	return res, nil
}
