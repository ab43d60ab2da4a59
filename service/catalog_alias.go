package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// AliasImage gives an image a short name. Errors: not_found, conflict for an
// alias that is taken or that is the canonical name of an image.
func (s *CatalogService) AliasImage(ctx context.Context, a actions.AliasImageAction) (actions.AliasImageResult, error) {
	return scoped(ctx, s.door, a, s.aliasImage)
}

// AliasImageByID is AliasImage by id.
func (s *CatalogService) AliasImageByID(ctx context.Context, a actions.AliasImageByIDAction) (actions.AliasImageResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.AliasImageByIDAction) (actions.AliasImageResult, error) {
		return s.aliasImage(ctx, db, actions.AliasImageAction{Alias: a.Alias, ImageCanonical: string(a.ImageID)})
	})
}

// DealiasImage removes an alias. Errors: not_found.
func (s *CatalogService) DealiasImage(ctx context.Context, a actions.DealiasImageAction) (actions.DealiasImageResult, error) {
	return scoped(ctx, s.door, a, s.dealiasImage)
}

// SearchAliases returns a page of aliases.
func (s *CatalogService) SearchAliases(ctx context.Context, a actions.SearchAliasesAction) (actions.SearchAliasesResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.SearchAliasesAction) (res actions.SearchAliasesResult, err error) {
		res.Aliases, res.PageInfo, err = db.Read().Aliases.List(ctx, a.Where, a.Page)
		return res, err
	})
}

func (s *CatalogService) aliasImage(ctx context.Context, db repository.Scoped, a actions.AliasImageAction) (res actions.AliasImageResult, err error) {
	alias, err := domain.ParseAlias(a.Alias)
	if err != nil {
		return res, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		img, err := s.names.forWriting(ctx, tx.Images, domain.ImageKey{Reference: a.ImageCanonical, Architecture: a.Architecture})
		if err != nil {
			return err
		}
		if err := s.shadowed(ctx, tx, alias); err != nil {
			return err
		}
		res.Alias, err = tx.Aliases.Create(ctx, alias, img.ID)
		res.ImageID = img.ID
		return err
	})
	return res, err
}

// shadowed refuses an alias that already means an image as a name: names win,
// and the alias would never be found. Nor would one that is a faulty image: URI.
func (s *CatalogService) shadowed(ctx context.Context, tx repository.View, alias string) error {
	if _, err := domain.NewLookup(s.names.parser, alias); err != nil {
		return err
	}
	ref, err := s.names.parser.Parse(alias)
	if err != nil || ref.Digest != "" {
		return nil //nolint:nilerr // what is no name shadows none
	}
	found, err := tx.Images.Find(ctx, domain.Lookup{Canonical: ref.Canonical()})
	if err != nil || len(found) == 0 {
		return err
	}
	return domain.Errorf(domain.CodeConflict, "alias_shadows_image", alias, "%s is the name of an image", domain.Quote(alias))
}

func (s *CatalogService) dealiasImage(ctx context.Context, db repository.Scoped, a actions.DealiasImageAction) (res actions.DealiasImageResult, err error) {
	alias, err := domain.ParseAlias(a.Alias)
	if err != nil {
		return res, domain.NotFound("alias", a.Alias) // it cannot exist
	}
	res.DryRun = a.DryRun
	if a.DryRun {
		res.Alias, err = db.Read().Aliases.Get(ctx, alias)
	} else {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
			res.Alias, err = tx.Aliases.Delete(ctx, alias)
			return err
		})
	}
	res.ImageID = res.Alias.ImageID
	return res, err
}
