package bunstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

// listedImage is a row of a list: an image and its count of agents.
type listedImage struct {
	imageRow  `bun:",extend"`
	Installed int `bun:"installed,scanonly"`
}

// imageList is a list of images that is being put together.
type imageList struct {
	statuses   []string
	conds      []cond          // over wharf_images AS i, besides all other fields and what the actor sees
	registries []cond          // over wharf_registries AS r: those whose images are meant; none: all
	places     []domain.Filter // by registry and project of the image
	agents     *cond           // over wharf_agents AS a: those that count as holding an image; nil: all
}

func (m *images) List(ctx context.Context, q domain.ImageQuery, p domain.Page) ([]domain.ImageDetail, domain.PageInfo, error) {
	if err := m.s().reading(ctx, "images.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	if err := q.Check(); err != nil {
		return nil, domain.PageInfo{}, err
	}
	l, err := m.listOf(ctx, q)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	if p, err = p.Check(imageTable.fields, imageTable.defaultSort); err != nil {
		return nil, domain.PageInfo{}, err
	}
	all := m.whole(l)
	page := all
	if m.store.pg && l.divides(m.s()) {
		if page, err = m.inParts(l, p); err != nil {
			return nil, domain.PageInfo{}, err
		}
	}
	page = page.Clone().ColumnExpr("i.*").ColumnExpr("? AS installed", holders(l.agents))
	rows, info, err := listedOf(ctx, imageTable, all, page, p, imageKey)
	if err != nil {
		return nil, info, err
	}
	details, err := m.details(ctx, rows)
	return details, info, err
}

// listOf turns a checked query into conditions.
func (m *images) listOf(ctx context.Context, q domain.ImageQuery) (l imageList, err error) {
	if l, err = m.s().tenancyFilters(ctx, q); err != nil {
		return l, err
	}
	if l.statuses = texts(q.Statuses); len(l.statuses) == 0 {
		l.statuses = []string{string(domain.ImageAlive)}
	}
	slices.Sort(l.statuses)
	l.statuses = slices.Compact(l.statuses)
	if q.IsOperation != nil {
		l.conds = append(l.conds, either(*q.IsOperation, sqlf("i.operation")))
	}
	if q.IsInstalled != nil {
		l.conds = append(l.conds, either(*q.IsInstalled, heldBy(l.agents)))
	}
	places, rest := apart(q.Where)
	if l.places = places; !rest.IsZero() {
		l.conds = append(l.conds, imageTable.where(m.store.pg, rest))
	}
	return l, nil
}

func either(holds bool, c cond) cond {
	if holds {
		return c
	}
	return sqlf("NOT ?", c)
}

// whole selects every image of a list.
func (m *images) whole(l imageList) *bun.SelectQuery {
	sel := m.db.NewSelect().Model((*listedImage)(nil)).Where("?", m.s().reachableImages()).Where("i.status IN (?)", bun.List(l.statuses))
	if len(l.registries) > 0 {
		sel = sel.Where("i.registry_id IN (SELECT r.id FROM wharf_registries AS r WHERE ?)", allOf(l.registries))
	}
	for _, f := range l.places {
		sel = sel.Where("?", imageTable.where(m.store.pg, f))
	}
	if len(l.conds) > 0 {
		sel = sel.Where("?", allOf(l.conds))
	}
	return sel
}

func imageKey(r listedImage, sort string) (key, id string) {
	switch sort {
	case "name":
		key = r.Name
	case "size_bytes":
		key = strconv.FormatInt(r.SizeBytes, 10)
	case "created_at":
		key = domain.CursorTime(r.CreatedAt)
	case "updated_at":
		key = domain.CursorTime(r.UpdatedAt)
	case "last_used_at":
		key = domain.CursorTime(r.LastUsedAt)
	default:
		key = r.Canonical
	}
	return key, r.ID
}
