package service

import (
	"context"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// UntagImageFromRegistry removes an image's tag from its registry. Errors:
// not_found, forbidden; precondition for a missing image, for a tag that other
// architectures share or that moved (unless forced), and for a registry that
// can delete neither the tag nor its digest alone; and what the registry says.
func (s *CatalogService) UntagImageFromRegistry(ctx context.Context, a actions.UntagImageFromRegistryAction) (actions.UntagImageFromRegistryResult, error) {
	return scoped(ctx, s.door, a, s.untagImage)
}

func (s *CatalogService) untagImage(ctx context.Context, db repository.Scoped, a actions.UntagImageFromRegistryAction) (actions.UntagImageFromRegistryResult, error) {
	img, err := db.Read().Images.Get(ctx, a.ImageID)
	if err != nil {
		return actions.UntagImageFromRegistryResult{}, err
	}
	if img.Status == domain.ImageMissing {
		return actions.UntagImageFromRegistryResult{}, domain.Errorf(domain.CodePrecondition, "image_missing", img.Canonical(), "%s is gone from its registry already", img.Canonical())
	}
	plan, err := s.untag(ctx, db, img, a.Force, a.DryRun)
	if err == nil && !a.DryRun {
		img, err = db.Read().Images.Get(ctx, img.ID)
	}
	return actions.UntagImageFromRegistryResult{Image: img, UntagPlan: plan, DryRun: a.DryRun}, err
}

// untag removes the tag of an image and marks its rows as missing, and those of
// tags that went along. It can be repeated: a tag that is gone counts as removed.
func (s *CatalogService) untag(ctx context.Context, db repository.Scoped, img domain.Image, force, dry bool) (actions.UntagPlan, error) {
	plan := actions.UntagPlan{Siblings: []domain.ImageID{}, Tags: []string{}}
	siblings, err := db.Read().Images.Siblings(ctx, img)
	if err != nil {
		return plan, err
	}
	rows := []domain.Image{img}
	var names []string
	for _, sib := range siblings {
		plan.Siblings = append(plan.Siblings, sib.ID)
		if sib.Status == domain.ImageAlive {
			rows, names = append(rows, sib), append(names, sib.Architecture)
		}
	}
	if len(names) > 0 {
		err := domain.Errorf(domain.CodePrecondition, "siblings_share_tag", img.Canonical(),
			"the tag %s also holds %s; use force to remove them all", img.Canonical(), strings.Join(names, ", "))
		if plan.Protected = err.Message; !force && !dry {
			return plan, err
		}
	}
	reg, err := s.openRegistryOf(ctx, db, img)
	if err != nil {
		return plan, err
	}
	t := tagRemoval{reg: reg, img: img, force: force, dry: dry}
	if plan.Tags, err = t.run(ctx); err != nil {
		if dry && domain.CodeOf(err) == domain.CodePrecondition {
			plan.Protected = domain.MessageOf(err)
			return plan, nil
		}
		return plan, err
	}
	if dry {
		return plan, nil
	}
	return plan, db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		gone := slices.Clone(rows)
		for _, tag := range plan.Tags {
			along := domain.Reference{Registry: img.Registry, Path: img.Repository(), Tag: tag}
			found, err := tx.Images.Find(ctx, domain.Lookup{Canonical: along.Canonical()})
			if err != nil {
				return err
			}
			for _, c := range found {
				gone = append(gone, c.Image)
			}
		}
		_, err := tx.Images.MarkMissing(ctx, gone)
		return err
	})
}

func (s *CatalogService) openRegistryOf(ctx context.Context, db repository.Scoped, img domain.Image) (port.Registry, error) {
	row, err := db.Read().Registries.Get(ctx, img.RegistryID)
	if err != nil {
		return nil, err
	}
	return s.clients.registry(ctx, row)
}

// tagRemoval removes one tag: by tag where the registry can; else by digest,
// when no other tag points to it.
type tagRemoval struct {
	reg        port.Registry
	img        domain.Image
	force, dry bool
}

// run returns the tags that went along, or would.
func (t tagRemoval) run(ctx context.Context) ([]string, error) {
	ref := t.img.Reference()
	now, err := t.reg.Describe(ctx, ref, t.img.TagDigest)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return []string{}, nil // gone already
	}
	if err != nil {
		return nil, err
	}
	if !now.Unchanged && now.Digest != t.img.TagDigest && !t.force {
		return nil, domain.Errorf(domain.CodePrecondition, "tag_moved", ref.Canonical(), "%s points to other content than the catalogue knows; rescan it, or use force", ref)
	}
	deleter, can := t.reg.(port.TagDeleter)
	if can && !t.dry {
		err = deleter.DeleteTag(ctx, ref)
		if domain.ReasonOf(err) != "tag_delete_unsupported" {
			return []string{}, err
		}
		can = false
	}
	if can { // a dry run cannot know whether the registry will refuse
		return []string{}, nil
	}
	return t.byDigest(ctx, now.Digest)
}

// byDigest deletes what the tag points to. Between the look at the other tags
// and the deletion somebody may tag the digest; registries offer nothing
// against that.
func (t tagRemoval) byDigest(ctx context.Context, digest domain.Digest) ([]string, error) {
	ref := t.img.Reference()
	deleter, ok := t.reg.(port.DigestDeleter)
	if !ok {
		return nil, domain.Errorf(domain.CodePrecondition, "tag_delete_unsupported", ref.Canonical(), "the registry of %s cannot remove a tag", ref)
	}
	others := []string{}
	for row, err := range t.reg.Tags(ctx, ref.Path) {
		if err != nil {
			return nil, err // not knowing the neighbours is no licence to remove them
		}
		if row.Tag == ref.Tag {
			continue
		}
		same := row.Digest == digest
		if row.Digest == "" {
			other, err := t.reg.Describe(ctx, domain.Reference{Registry: ref.Registry, Path: ref.Path, Tag: row.Tag}, digest)
			if domain.CodeOf(err) == domain.CodeNotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			same = other.Unchanged || other.Digest == digest
		}
		if same {
			others = append(others, row.Tag)
		}
	}
	if len(others) > 0 && !t.force {
		return others, domain.Errorf(domain.CodePrecondition, "digest_shared", ref.Canonical(),
			"the registry can only delete the digest of %s, which the tags %s point to as well; use force to remove them all", ref, strings.Join(others, ", "))
	}
	if t.dry {
		return others, nil
	}
	return others, deleter.DeleteDigest(ctx, ref.Path, digest)
}
