package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/wharf-project/wharf/domain"
)

type aliases session

var aliasTable = &table{
	fields: domain.AliasFields,
	columns: map[string]string{
		"alias": "al.alias", "image_id": "al.image_id", "canonical": "i.canonical", "created_at": "al.created_at",
	},
	defaultSort: "alias",
	id:          "al.id",
}

type listedAlias struct {
	aliasRow     `bun:",extend"`
	Canonical    string `bun:"canonical,scanonly"`
	Architecture string `bun:"architecture,scanonly"`
}

func (l *aliases) Create(ctx context.Context, alias string, id domain.ImageID) (domain.Alias, error) {
	s := (*session)(l)
	if err := s.writing("aliases.create"); err != nil {
		return domain.Alias{}, err
	}
	if _, err := (*images)(s).Get(ctx, id); err != nil {
		return domain.Alias{}, err
	}
	// Also an image that the scope may not know of: it would win over the alias.
	shadows, err := l.db.NewSelect().Model((*imageRow)(nil)).Where("i.canonical = ?", alias).Exists(ctx)
	if err != nil {
		return domain.Alias{}, translate("aliases.create", err)
	}
	if shadows {
		return domain.Alias{}, domain.Errorf(domain.CodeConflict, "alias_shadows_image", alias, "%s is the name of an image", domain.Quote(alias))
	}
	row := &aliasRow{ID: domain.NewID[string](), Alias: alias, ImageID: string(id), CreatedAt: stored(s.unit.Now)}
	_, err = l.db.NewInsert().Model(row).Returning("NULL").Exec(ctx)
	if isUnique(err) {
		return domain.Alias{}, domain.Errorf(domain.CodeConflict, "alias_taken", alias, "the alias %s is taken", domain.Quote(alias))
	}
	s.touch(string(id))
	return aliasOf(row), translate("aliases.create", err)
}

func (l *aliases) Get(ctx context.Context, alias string) (domain.Alias, error) {
	s := (*session)(l)
	if err := s.reading(ctx, "aliases.get"); err != nil {
		return domain.Alias{}, err
	}
	row := new(aliasRow)
	err := l.db.NewSelect().Model(row).Where("al.alias = ?", alias).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Alias{}, domain.NotFound("alias", alias)
	}
	if err != nil {
		return domain.Alias{}, translate("aliases.get", err)
	}
	if _, err := (*images)(s).Get(ctx, domain.ImageID(row.ImageID)); err != nil {
		if domain.CodeOf(err) == domain.CodeNotFound { // of an image that the actor may not know of
			err = domain.NotFound("alias", alias)
		}
		return domain.Alias{}, err
	}
	return aliasOf(row), nil
}

func (l *aliases) Delete(ctx context.Context, alias string) (domain.Alias, error) {
	s := (*session)(l)
	if err := s.writing("aliases.delete"); err != nil {
		return domain.Alias{}, err
	}
	a, err := l.Get(ctx, alias)
	if err != nil {
		return domain.Alias{}, err
	}
	if _, err := l.db.NewDelete().Model((*aliasRow)(nil)).Where("id = ?", string(a.ID)).Exec(ctx); err != nil {
		return domain.Alias{}, translate("aliases.delete", err)
	}
	s.touch(string(a.ImageID))
	return a, nil
}

func (l *aliases) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.AliasDetail, domain.PageInfo, error) {
	s := (*session)(l)
	if err := s.reading(ctx, "aliases.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := l.db.NewSelect().Model((*listedAlias)(nil)).Join("JOIN wharf_images AS i ON i.id = al.image_id").Where("?", s.reachableImages())
	q, p, err := aliasTable.page(q, l.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	q = q.ColumnExpr("al.*").ColumnExpr("i.canonical AS canonical, i.architecture AS architecture")
	rows, info, err := listed(ctx, aliasTable, q, p, func(r listedAlias, sort string) (string, string) {
		if sort == "created_at" {
			return domain.CursorTime(r.CreatedAt), r.ID
		}
		return r.Alias, r.ID
	})
	list := make([]domain.AliasDetail, len(rows))
	for i := range rows {
		list[i] = domain.AliasDetail{Alias: aliasOf(&rows[i].aliasRow), Canonical: rows[i].Canonical, Architecture: rows[i].Architecture}
	}
	return list, info, err
}

func aliasOf(r *aliasRow) domain.Alias {
	return domain.Alias{ID: domain.AliasID(r.ID), Alias: r.Alias, ImageID: domain.ImageID(r.ImageID), CreatedAt: r.CreatedAt.UTC()}
}
