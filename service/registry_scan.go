package service

import (
	"context"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// ScanImage reads one tag from its registry. Errors: not_found for a registry
// that is not registered and for a tag that the registry does not have,
// invalid, and what the registry says.
func (s *RegistryService) ScanImage(ctx context.Context, a actions.ScanImageAction) (actions.ScanImageResult, error) {
	return admin(ctx, s.door, a, s.scanImage)
}

func (s *RegistryService) scanImage(ctx context.Context, db repository.Admin, a actions.ScanImageAction) (res actions.ScanImageResult, err error) {
	ref, err := s.scanned(ctx, db, a.Reference)
	if err != nil {
		return res, err
	}
	row, err := db.Read().Registries.Find(ctx, ref.Registry, ref.Path)
	if err != nil {
		return res, err
	}
	reg, err := s.clients.registry(ctx, row)
	if err != nil {
		return res, err
	}
	found, err := reg.Describe(ctx, ref, "")
	if err != nil {
		return res, err
	}
	res.Skipped = found.Skipped
	seen := imagesOf(row, ref, found)
	for _, img := range seen {
		for _, err := range domain.CheckLabels(img.Labels) {
			res.LabelProblems = append(res.LabelProblems, *domain.ProblemOf(err))
		}
	}
	arch := ""
	if a.Architecture != "" {
		if arch, err = domain.NormalizeArchitecture(a.Architecture); err != nil {
			return res, err
		}
		if !slices.ContainsFunc(seen, func(i domain.Image) bool { return i.Architecture == arch }) {
			return res, domain.NotFound("image", domain.ImageKey{Reference: ref.Canonical(), Architecture: arch}.String())
		}
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		res.Images, res.Gone = []actions.ScannedImage{}, nil
		synced, err := tx.Images.Sync(ctx, seen)
		if err != nil {
			return err
		}
		for _, one := range synced {
			if arch == "" || one.Image.Architecture == arch {
				res.Images = append(res.Images, actions.ScannedImage{Image: one.Image, Did: one.Did})
			}
		}
		res.Gone, err = vanishedArchitectures(ctx, tx, ref, seen)
		return err
	})
	return res, err
}

// scanned turns a name into what to ask the registry for: an id or an alias
// stands for the image's tag.
func (s *RegistryService) scanned(ctx context.Context, db repository.Admin, name string) (domain.Reference, error) {
	l, err := domain.NewLookup(s.names.parser, name)
	if err != nil {
		return domain.Reference{}, err
	}
	if l.Digest != "" {
		return domain.Reference{}, domain.Invalid("reference_invalid", name, "a scan reads a tag, not a digest: %s", domain.Quote(name))
	}
	found, err := db.Read().Images.Find(ctx, l)
	if err != nil {
		return domain.Reference{}, err
	}
	if len(found) > 0 {
		return found[0].Image.Reference(), nil
	}
	if l.Canonical == "" {
		return domain.Reference{}, domain.NotFound("image", name)
	}
	return s.names.parser.Parse(name)
}

// imagesOf makes rows of what a registry says of one tag.
func imagesOf(row domain.Registry, ref domain.Reference, d domain.Description) []domain.Image {
	name, err := ref.Within(row.Project)
	if err != nil {
		return nil // not a repository of this row
	}
	list := make([]domain.Image, len(d.Images))
	for i, img := range d.Images {
		list[i] = domain.Image{
			RegistryID: row.ID, Registry: ref.Registry, Project: row.Project, Name: name, Tag: ref.Tag,
			Architecture: img.Architecture, TagDigest: d.Digest, ManifestDigest: img.ManifestDigest, ConfigDigest: img.ConfigDigest,
			SizeBytes: img.SizeBytes, Labels: img.Labels,
		}
	}
	return list
}

// vanishedArchitectures marks rows of a tag that the tag no longer holds.
func vanishedArchitectures(ctx context.Context, tx repository.AdminView, ref domain.Reference, seen []domain.Image) ([]domain.ImageID, error) {
	rows, err := tx.Images.Find(ctx, domain.Lookup{Canonical: ref.Canonical()})
	if err != nil {
		return nil, err
	}
	var gone []domain.Image
	for _, c := range rows {
		if !slices.ContainsFunc(seen, func(i domain.Image) bool { return i.Architecture == c.Image.Architecture }) {
			gone = append(gone, c.Image)
		}
	}
	return tx.Images.MarkMissing(ctx, gone)
}
