package service

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// ModifyImage changes an image. Errors: not_found, invalid, conflict for parts
// of an identity that contradict each other, for an identity that another image
// has, and for a registry that is not registered.
func (s *CatalogService) ModifyImage(ctx context.Context, a actions.ModifyImageAction) (actions.ModifyImageResult, error) {
	return scoped(ctx, s.door, a, s.modifyImage)
}

// ModifyImageByID is ModifyImage by id.
func (s *CatalogService) ModifyImageByID(ctx context.Context, a actions.ModifyImageByIDAction) (actions.ModifyImageResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ModifyImageByIDAction) (actions.ModifyImageResult, error) {
		return s.modifyImage(ctx, db, actions.ModifyImageAction{Target: string(a.ImageID), Modifier: a.Modifier, Revision: a.Revision})
	})
}

// RecordImageUse notes that an image was used. Errors: not_found.
func (s *CatalogService) RecordImageUse(ctx context.Context, a actions.RecordImageUseAction) (actions.RecordImageUseResult, error) {
	return scoped(ctx, s.door, a, s.recordImageUse)
}

func (s *CatalogService) modifyImage(ctx context.Context, db repository.Scoped, a actions.ModifyImageAction) (res actions.ModifyImageResult, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		img, err := s.names.forWriting(ctx, tx.Images, domain.ImageKey{Reference: a.Target, Architecture: a.Architecture})
		if err != nil {
			return err
		}
		if err := atRevision(a.Revision, img.Revision, img.Canonical()); err != nil {
			return err
		}
		if err := s.rename(ctx, tx, &img, a.Modifier); err != nil {
			return err
		}
		if err := modify(&img, a.Modifier); err != nil {
			return err
		}
		res.Image, err = tx.Images.Save(ctx, img)
		return err
	})
	return res, err
}

// atRevision refuses a change of something that is not what the caller saw.
func atRevision(want, have int64, on string) error {
	if want != 0 && want != have {
		return domain.Errorf(domain.CodeConflict, "revision_changed", on, "%s was changed by somebody else; read it again", on)
	}
	return nil
}

// rename rewrites the identity as a whole: every part that the change names
// must agree with every other, and the registry must be a registered one.
func (s *CatalogService) rename(ctx context.Context, tx repository.View, img *domain.Image, m actions.ImageModifier) error {
	ref, err := domain.Identity{Name: m.Name, Registry: m.Registry, Image: m.Image, Tag: m.Tag}.Apply(s.names.parser, img.Reference())
	if err != nil {
		return err
	}
	if arch, ok := m.Architecture.Get(); ok {
		if img.Architecture, err = domain.NormalizeArchitecture(arch); err != nil {
			return err
		}
	}
	if ref == img.Reference() {
		return nil
	}
	reg, err := tx.Registries.Find(ctx, ref.Registry, ref.Path)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return domain.Errorf(domain.CodeConflict, "registry_unknown", ref.Registry, "no registry is registered for %s", ref.Repository())
	}
	if err != nil {
		return err
	}
	name, err := ref.Within(reg.Project)
	if err != nil {
		return err
	}
	img.RegistryID, img.Registry, img.Project, img.Name, img.Tag = reg.ID, ref.Registry, reg.Project, name, ref.Tag
	return nil
}

func modify(img *domain.Image, m actions.ImageModifier) (err error) {
	if !m.Labels.IsZero() {
		m.Labels.Apply(&img.OperatorLabels)
		img.Derive()
	}
	m.IsLocal.Apply(&img.IsLocal)
	m.SizeBytes.Apply(&img.SizeBytes)
	m.Digest.Apply(&img.ConfigDigest)
	m.Accelerators.Apply(&img.Accelerators)
	if t, ok := m.Type.Get(); ok {
		if img.Type, err = domain.ParseImageType(string(t)); err != nil {
			return err
		}
	}
	if l, ok := m.ResourceLimits.Get(); ok {
		img.CustomLimits, err = domain.NormalizeLimits(l)
	} else if m.ResourceLimits.IsNull() {
		img.CustomLimits = nil
	}
	return err
}

func (s *CatalogService) recordImageUse(ctx context.Context, db repository.Scoped, a actions.RecordImageUseAction) (res actions.RecordImageUseResult, err error) {
	at := a.At.UTC().Truncate(time.Microsecond)
	if a.At.IsZero() {
		at = s.now().UTC().Truncate(time.Microsecond)
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		img, err := s.names.lookup(ctx, tx.Images, domain.ImageKey{Reference: a.Reference, Architecture: a.Architecture}, domain.Resolution{})
		if err != nil {
			return err
		}
		res.ImageID, res.LastUsedAt = img.ID, img.LastUsedAt
		if !at.After(img.LastUsedAt) {
			return nil
		}
		res.LastUsedAt = at
		return tx.Images.Used(ctx, img.ID, at)
	})
	return res, err
}
