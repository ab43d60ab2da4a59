package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

// images reads and changes images; image_sync.go holds what scans do.
type images session

func (m *images) s() *session { return (*session)(m) }

var imageTable = &table{
	fields: domain.ImageFields,
	columns: map[string]string{
		"id": "i.id", "canonical": "i.canonical", "registry": "i.registry", "project": "i.project", "name": "i.name", "tag": "i.tag",
		"architecture": "i.architecture", "digest": "i.config_digest", "status": "i.status", "type": "i.type", "owner": "i.owner",
		"size_bytes": "i.size_bytes", "created_at": "i.created_at", "updated_at": "i.updated_at", "last_used_at": "i.last_used_at",
	},
	sets: map[string]string{
		"label":       "EXISTS (SELECT 1 FROM wharf_image_labels AS l WHERE l.image_id = i.id AND l.name = ? AND ?)",
		"accelerator": "EXISTS (SELECT 1 FROM wharf_image_accelerators AS x WHERE x.image_id = i.id AND x.accelerator IN (?))",
		"alias":       "EXISTS (SELECT 1 FROM wharf_aliases AS al WHERE al.image_id = i.id AND al.alias IN (?))",
		"agent": "EXISTS (SELECT 1 FROM wharf_installed AS n WHERE n.canonical = i.canonical AND n.architecture = i.architecture" +
			" AND n.agent_id IN (?))",
	},
	defaultSort: "canonical",
	id:          "i.id",
}

func (m *images) Get(ctx context.Context, id domain.ImageID) (domain.Image, error) {
	if err := m.s().reading(ctx, "images.get"); err != nil {
		return domain.Image{}, err
	}
	row := new(imageRow)
	err := m.db.NewSelect().Model(row).Where("i.id = ?", string(id)).Where("?", m.s().visibleImages()).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Image{}, domain.NotFound("image", string(id))
	}
	if err != nil {
		return domain.Image{}, translate("images.get", err)
	}
	img := imageOf(row)
	if !m.s().inReach(img) {
		return domain.Image{}, outOfReach(img)
	}
	return img, nil
}

func outOfReach(img domain.Image) error {
	return domain.Errorf(domain.CodeForbidden, "image_out_of_reach", string(img.ID), "you may see %s but not do this to it", img.Canonical())
}

func (m *images) Find(ctx context.Context, l domain.Lookup) ([]domain.Candidate, error) {
	if err := m.s().reading(ctx, "images.find"); err != nil {
		return nil, err
	}
	var rows []imageRow
	err := m.db.NewSelect().Model(&rows).Where("?", m.s().visibleImages()).
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			if l.ID != "" {
				q = q.WhereOr("i.id = ?", string(l.ID))
			}
			if l.Canonical != "" {
				q = q.WhereOr("i.canonical = ?", l.Canonical)
			}
			if l.Digest != "" {
				q = q.WhereOr("i.registry || '/' || i.repository = ? AND ? IN (i.tag_digest, i.manifest_digest, i.config_digest)", l.Repository, string(l.Digest))
			}
			if l.Alias != "" {
				q = q.WhereOr("i.id IN (SELECT al.image_id FROM wharf_aliases AS al WHERE al.alias = ?)", l.Alias)
			}
			return q.WhereOr("1 = 0")
		}).OrderExpr("i.architecture, i.id").Scan(ctx)
	if err != nil {
		return nil, translate("images.find", err)
	}
	found := make([]domain.Candidate, len(rows))
	for i := range rows {
		img := imageOf(&rows[i])
		found[i] = domain.Candidate{Image: img, Via: via(l, img), InReach: m.s().inReach(img)}
	}
	slices.SortStableFunc(found, func(a, b domain.Candidate) int { return int(a.Via) - int(b.Via) })
	return found, nil
}

func via(l domain.Lookup, img domain.Image) domain.Via {
	switch {
	case l.ID == img.ID:
		return domain.ViaID
	case l.Canonical == img.Canonical():
		return domain.ViaCanonical
	case l.Digest != "" && l.Repository == domain.JoinPath(img.Registry, img.Repository()) &&
		(l.Digest == img.TagDigest || l.Digest == img.ManifestDigest || l.Digest == img.ConfigDigest):
		return domain.ViaCanonical
	}
	return domain.ViaAlias
}

func (m *images) Many(ctx context.Context, ids []domain.ImageID) ([]domain.Image, error) {
	if err := m.s().reading(ctx, "images.many"); err != nil {
		return nil, err
	}
	var rows []imageRow
	err := m.db.NewSelect().Model(&rows).Where("i.id IN (?)", bun.List(texts(ids))).Where("?", m.s().reachableImages()).Scan(ctx)
	if err != nil {
		return nil, translate("images.many", err)
	}
	byID := make(map[domain.ImageID]*imageRow, len(rows))
	for i := range rows {
		byID[domain.ImageID(rows[i].ID)] = &rows[i]
	}
	list := make([]domain.Image, 0, len(rows))
	for _, id := range ids {
		if r := byID[id]; r != nil {
			list = append(list, imageOf(r))
			delete(byID, id) // an id that is given twice counts once
		}
	}
	return list, nil
}

func (m *images) Detail(ctx context.Context, img domain.Image) (domain.ImageDetail, error) {
	if err := m.s().reading(ctx, "images.detail"); err != nil {
		return domain.ImageDetail{}, err
	}
	var rows []listedImage
	err := m.db.NewSelect().Model(&rows).ColumnExpr("i.*").ColumnExpr("? AS installed", holders(nil)).
		Where("i.id = ?", string(img.ID)).Where("?", m.s().reachableImages()).Scan(ctx)
	if err != nil {
		return domain.ImageDetail{}, translate("images.detail", err)
	}
	if len(rows) == 0 {
		if _, err = m.Get(ctx, img.ID); err == nil {
			err = domain.NotFound("image", string(img.ID)) // gone in between
		}
		return domain.ImageDetail{}, err
	}
	details, err := m.details(ctx, rows)
	if err != nil {
		return domain.ImageDetail{}, err
	}
	return details[0], nil
}

// details adds the aliases, in one statement for all rows.
func (m *images) details(ctx context.Context, rows []listedImage) ([]domain.ImageDetail, error) {
	list := make([]domain.ImageDetail, len(rows))
	if len(rows) == 0 {
		return list, nil
	}
	ids, at := make([]string, len(rows)), make(map[string]int, len(rows))
	for i := range rows {
		ids[i], at[rows[i].ID] = rows[i].ID, i
		list[i] = domain.ImageDetail{Image: imageOf(&rows[i].imageRow), Aliases: []string{}, InstalledCount: rows[i].Installed}
	}
	var names []aliasRow
	err := m.db.NewSelect().Model(&names).Where("al.image_id IN (?)", bun.List(ids)).OrderExpr("al.alias").Scan(ctx)
	if err != nil {
		return nil, translate("images.aliases", err)
	}
	for _, a := range names {
		d := &list[at[a.ImageID]]
		d.Aliases = append(d.Aliases, a.Alias)
	}
	return list, nil
}

func (m *images) Siblings(ctx context.Context, img domain.Image) ([]domain.Image, error) {
	if err := m.s().reading(ctx, "images.siblings"); err != nil {
		return nil, err
	}
	if _, err := m.Get(ctx, img.ID); err != nil {
		return nil, err
	}
	var rows []imageRow
	err := m.db.NewSelect().Model(&rows).Where("i.canonical = ?", img.Canonical()).Where("i.id <> ?", string(img.ID)).
		OrderExpr("i.architecture").Scan(ctx)
	return imagesOf(rows), translate("images.siblings", err)
}

func imagesOf(rows []imageRow) []domain.Image {
	list := make([]domain.Image, len(rows))
	for i := range rows {
		list[i] = imageOf(&rows[i])
	}
	return list
}

func (m *images) Used(ctx context.Context, id domain.ImageID, at time.Time) error {
	if err := m.s().writing("images.used"); err != nil {
		return err
	}
	if _, err := m.Get(ctx, id); err != nil {
		return err
	}
	_, err := m.db.NewUpdate().Model((*imageRow)(nil)).Set("last_used_at = ?", stored(at)).
		Where("id = ?", string(id)).Where("last_used_at < ?", stored(at)).Exec(ctx)
	m.s().touch(string(id))
	return translate("images.used", err)
}

// texts turns typed strings into strings: bun writes named types by their
// underlying value, but lists of them go through reflection twice.
func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
