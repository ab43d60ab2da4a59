package bunstore

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

func (g *builds) CreateImage(ctx context.Context, b domain.BuiltImage) (domain.BuiltImage, error) {
	if err := g.s().writing("builds.create_image"); err != nil {
		return domain.BuiltImage{}, err
	}
	source, err := g.Buildable(ctx, b.SourceKind, b.SourceID())
	if err != nil {
		return domain.BuiltImage{}, err
	}
	a := g.s().actor()
	b.TaskID, b.Author, b.Domain = source.TaskID, a.ID, a.Domain
	b.CreatedAt, b.UpdatedAt, b.Revision = g.unit.Now, g.unit.Now, 1
	row := builtImageRowOf(b)
	row.ID = 0
	err = g.insert(ctx, row, &row.ID, "built_image", b.Name, string(b.SourceKind))
	return builtImageOf(row), err
}

func (g *builds) Image(ctx context.Context, id int64) (domain.BuiltImage, error) {
	return g.image(ctx, number(id), sqlf("b.id = ?", id))
}

func (g *builds) ImageNamed(ctx context.Context, source int64, name string) (domain.BuiltImage, error) {
	return g.image(ctx, name, sqlf("b.source_id = ? AND b.name = ?", source, name))
}

func (g *builds) image(ctx context.Context, on string, c cond) (domain.BuiltImage, error) {
	row := new(builtImageRow)
	if err := g.one(ctx, row, "built_image", on, c); err != nil {
		return domain.BuiltImage{}, err
	}
	list, err := g.linked(ctx, []builtImageRow{*row})
	if err != nil {
		return domain.BuiltImage{}, err
	}
	return list[0], nil
}

func (g *builds) Images(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.BuiltImage, domain.PageInfo, error) {
	rows, info, err := counted(ctx, g, builtImageTable, f, p, always, func(r builtImageRow) (string, int64, time.Time) { return r.Name, r.ID, r.CreatedAt })
	if err != nil {
		return nil, info, err
	}
	list, err := g.linked(ctx, rows)
	return list, info, err
}

// linked adds the catalogue's rows of what was pushed, in one statement.
func (g *builds) linked(ctx context.Context, rows []builtImageRow) ([]domain.BuiltImage, error) {
	list := make([]domain.BuiltImage, len(rows))
	var pushed []string
	for i := range rows {
		list[i] = builtImageOf(&rows[i])
		if list[i].Pushed != "" {
			pushed = append(pushed, list[i].Pushed)
		}
	}
	if len(pushed) == 0 {
		return list, nil
	}
	var images []imageRow
	err := g.db.NewSelect().Model(&images).Column("id", "canonical", "tag_digest", "manifest_digest", "config_digest").
		Where("i.canonical IN (?)", bun.List(pushed)).Where("?", g.s().visibleImages()).OrderExpr("i.id").Scan(ctx)
	if err != nil {
		return nil, translate("builds.linked", err)
	}
	for i := range list {
		b := &list[i]
		for _, img := range images {
			same := img.ManifestDigest == string(b.ManifestDigest) || img.TagDigest == string(b.ManifestDigest) && img.ConfigDigest == string(b.Digest)
			if b.Pushed == img.Canonical && same && b.ImageID == "" {
				b.ImageID = domain.ImageID(img.ID)
			}
		}
	}
	return list, nil
}

func (g *builds) SaveImage(ctx context.Context, b domain.BuiltImage) (domain.BuiltImage, error) {
	if err := g.s().writing("builds.save_image"); err != nil {
		return domain.BuiltImage{}, err
	}
	before := b.Revision
	b.Revision, b.UpdatedAt = before+1, g.unit.Now
	res, err := g.db.NewUpdate().Model(builtImageRowOf(b)).
		Column("name", "tag", "repository", "registry_host", "state", "digest", "agent_id", "store", "local", "pushed", "manifest_digest", "builder", "updated_at", "revision").
		Where("b.id = ?", b.ID).Where("b.revision = ?", before).Where("?", g.s().ownBuilds()).Exec(ctx)
	if isUnique(err) {
		return domain.BuiltImage{}, buildExists("built_image", b.Name)
	}
	if err != nil {
		return domain.BuiltImage{}, translate("builds.save_image", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return domain.BuiltImage{}, g.missed(ctx, b.ID)
	}
	g.s().touch(fmt.Sprintf("built_image/%d", b.ID))
	return g.Image(ctx, b.ID)
}

func (g *builds) DeleteImage(ctx context.Context, id, revision int64) error {
	if err := g.s().writing("builds.delete_image"); err != nil {
		return err
	}
	q := g.db.NewDelete().Model((*builtImageRow)(nil)).Where("b.id = ?", id).Where("?", g.s().ownBuilds())
	if revision != 0 {
		q = q.Where("b.revision = ?", revision)
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return translate("builds.delete_image", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return g.missed(ctx, id)
	}
	g.s().touch(fmt.Sprintf("built_image/%d", id))
	return nil
}

// missed says why a row was not there as it was expected.
func (g *builds) missed(ctx context.Context, id int64) error {
	if _, err := g.Image(ctx, id); err != nil {
		return err
	}
	return domain.Errorf(domain.CodeConflict, "revision_changed", number(id), "image %d was changed by somebody else; read it again", id)
}
