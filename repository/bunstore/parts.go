package bunstore

import (
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

// inParts selects the images of a list part by part: of one registry and one
// status, somebody's or not. An index has each part in every order, so that a
// page reads the first rows of each, however few of all images they are.
func (m *images) inParts(l imageList, p domain.Page) (*bun.SelectQuery, error) {
	s := m.s()
	registries, conds := slices.Clone(l.registries), slices.Clone(l.conds)
	for _, f := range l.places {
		// The first one is for registries that have such images, by an index on
		// that expression. Then it holds for most of a part, which is what the
		// second one has Postgres expect.
		registries = append(registries, sqlf("EXISTS (SELECT 1 FROM wharf_images AS e WHERE e.registry_id = r.id AND ? LIMIT 1 OFFSET 0)",
			compare(true, domain.KindText, "(e."+f.Field+" || '')", f)))
		conds = append(conds, sqlf("CASE WHEN ? THEN TRUE ELSE FALSE END", imageTable.where(true, f)))
	}
	if !s.any() {
		registries = append(registries, s.visibleRegistries())
	}
	source, of := []cond{sqlf("(VALUES ?) AS s (status)", column(l.statuses))}, []cond{sqlf("i.status = s.status")}
	if len(registries) > 0 {
		customized := []bool{false}
		if s.any() {
			customized = []bool{false, true}
		}
		source = append(source, sqlf("(SELECT r.id FROM wharf_registries AS r WHERE ?) AS u", allOf(registries)),
			sqlf("(VALUES ?) AS c (customized)", column(customized)))
		of = append(of, sqlf("i.registry_id = u.id AND i.customized = c.customized"))
	}
	first := func(of []cond) (*bun.SelectQuery, error) {
		return imageTable.ordered(m.db.NewSelect().TableExpr("wharf_images AS i").ColumnExpr("i.*").Where("?", allOf(slices.Concat(of, conds))), p)
	}
	part, err := first(of)
	if err != nil {
		return nil, err
	}
	parts := sqlf("SELECT i.* FROM ? CROSS JOIN LATERAL (?) AS i", joined(source, " CROSS JOIN "), part)
	if !s.any() { // what is one's own is too little to need an order
		own, err := first([]cond{s.owned(), sqlf("i.status IN (?)", bun.List(l.statuses)),
			sqlf("i.registry_id IN (SELECT r.id FROM wharf_registries AS r WHERE ?)", allOf(registries))})
		if err != nil {
			return nil, err
		}
		parts = sqlf("(?) UNION ALL (?)", parts, own)
	}
	return m.db.NewSelect().Model((*listedImage)(nil)).ModelTableExpr("(?) AS i", parts), nil
}

// divides reports whether a list is less than the images of one status, which
// have indexes of their own.
func (l imageList) divides(s *session) bool {
	switch s.unit.Scope.Reach {
	case domain.ReachVisible:
		return true
	case domain.ReachAny:
		return len(l.registries) > 0 || len(l.places) > 0 || len(l.statuses) > 1
	}
	return false
}

// apart takes from a filter what must hold by registry and project; rest is all
// the others.
func apart(f domain.Filter) (places []domain.Filter, rest domain.Filter) {
	if (f.Field == "registry" || f.Field == "project") && (f.Op == domain.Eq || f.Op == domain.In) {
		return []domain.Filter{f}, rest
	}
	if len(f.And) == 0 {
		return nil, f
	}
	for _, part := range f.And {
		p, r := apart(part)
		if places = append(places, p...); !r.IsZero() {
			rest.And = append(rest.And, r)
		}
	}
	return places, rest
}

// column is the rows of VALUES with one column.
func column[T any](values []T) cond {
	rows := make([]any, len(values))
	for i, v := range values {
		rows[i] = v
	}
	return sqlf("(?"+strings.Repeat("), (?", len(rows)-1)+")", rows...)
}

func allOf(conds []cond) cond { return joined(conds, " AND ") }

func joined(conds []cond, word string) cond {
	args := make([]any, len(conds))
	for i, c := range conds {
		args[i] = c
	}
	return sqlf("?"+strings.Repeat(word+"?", len(conds)-1), args...)
}
