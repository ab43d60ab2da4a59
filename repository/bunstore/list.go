package bunstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

// table describes one list: its fields, the SQL behind each, and the column
// that breaks ties.
type table struct {
	fields      domain.Fields
	columns     map[string]string // scalar fields: an expression
	sets        map[string]string // KindSet and KindMap: EXISTS over rows; %s is the condition on the value
	defaultSort string
	id          string
	counted     bool // the id is a number
}

// page narrows, orders and limits q, which must have its scope already. It
// returns the checked page and a copy of q for counting.
func (t *table) page(q *bun.SelectQuery, pg bool, f domain.Filter, p domain.Page) (*bun.SelectQuery, domain.Page, error) {
	p, err := p.Check(t.fields, t.defaultSort)
	if err != nil {
		return nil, p, err
	}
	if err := f.Check(t.fields); err != nil {
		return nil, p, err
	}
	if !f.IsZero() {
		q = q.Where("?", t.where(pg, f))
	}
	return q, p, nil
}

// ordered adds order, cursor and limit; one row more than asked for tells
// whether there is a next page.
func (t *table) ordered(q *bun.SelectQuery, p domain.Page) (*bun.SelectQuery, error) {
	column, dir, from := t.columns[p.Sort], "ASC", ">="
	if p.Desc {
		dir, from = "DESC", "<="
	}
	if p.After != "" {
		c, err := domain.ParseCursor(p.After, p.Sort, p.Desc)
		if err != nil {
			return nil, err
		}
		key, err := cursorKey(t.fields[p.Sort].Kind, c.Key)
		if err != nil {
			return nil, err
		}
		var id any = c.ID
		if t.counted {
			if id, err = cursorKey(domain.KindInt, c.ID); err != nil {
				return nil, err
			}
		}
		// Not simply after it: for that Postgres expects that no row has the same
		// key, and plans for nothing where thousands have.
		for _, op := range []string{from, "<>"} {
			q = q.Where("(?, ?) "+op+" (?, ?)", bun.Safe(column), bun.Safe(t.id), key, id)
		}
	}
	return q.OrderExpr("? "+dir, bun.Safe(column)).OrderExpr("? "+dir, bun.Safe(t.id)).Limit(int64(p.Limit) + 1), nil
}

func cursorKey(kind domain.Kind, key string) (any, error) {
	switch kind {
	case domain.KindTime:
		return domain.ParseCursorTime(key)
	case domain.KindInt:
		n, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			return nil, domain.Invalid("cursor_invalid", "after", "not a cursor of this list")
		}
		return n, nil
	}
	if strings.ContainsRune(key, 0) {
		return nil, domain.Invalid("cursor_invalid", "after", "not a cursor of this list")
	}
	return key, nil
}

// listed runs the query of a page and cuts the extra row off. key gives the
// sort key and the id of an item.
func listed[R any](ctx context.Context, t *table, q *bun.SelectQuery, p domain.Page, key func(R, string) (string, string)) ([]R, domain.PageInfo, error) {
	return listedOf(ctx, t, q, q, p, key)
}

// listedOf is listed with another query for counting.
func listedOf[R any](ctx context.Context, t *table, all, q *bun.SelectQuery, p domain.Page, key func(R, string) (string, string)) ([]R, domain.PageInfo, error) {
	var info domain.PageInfo
	if p.Count {
		n, err := all.Clone().Count(ctx)
		if err != nil {
			return nil, info, translate("count", err)
		}
		total := int(n)
		info.Total = &total
	}
	q, err := t.ordered(q, p)
	if err != nil {
		return nil, info, err
	}
	rows := []R{}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, info, translate("list", err)
	}
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		k, id := key(rows[len(rows)-1], p.Sort)
		info.Next = domain.Cursor{Sort: p.Sort, Desc: p.Desc, Key: k, ID: id}.String()
	}
	return rows, info, nil
}

// where compiles a checked filter.
func (t *table) where(pg bool, f domain.Filter) cond {
	join := func(parts []domain.Filter, word string) cond {
		query, args := make([]string, len(parts)), make([]any, len(parts))
		for i, p := range parts {
			query[i], args[i] = "?", t.where(pg, p)
		}
		return sqlf("("+strings.Join(query, word)+")", args...)
	}
	switch {
	case f.IsZero():
		return always
	case len(f.And) > 0:
		return join(f.And, " AND ")
	case len(f.Or) > 0:
		return join(f.Or, " OR ")
	case f.Not != nil:
		return sqlf("(NOT ?)", t.where(pg, *f.Not))
	}
	d, column, key, _ := t.fields.Lookup(f.Field)
	switch d.Kind {
	case domain.KindSet:
		return t.set(column, f)
	case domain.KindMap:
		if f.Op == domain.Exists {
			return sqlf(t.sets[column], key, always)
		}
		if f.Op == domain.Ne { // a key that is not there is not equal either
			return sqlf("(NOT ?)", sqlf(t.sets[column], key, compare(pg, domain.KindText, "value", eq(f))))
		}
		return sqlf(t.sets[column], key, compare(pg, domain.KindText, "value", f))
	}
	return compare(pg, d.Kind, t.columns[column], f)
}

func eq(f domain.Filter) domain.Filter {
	f.Op = domain.Eq
	return f
}

func (t *table) set(column string, f domain.Filter) cond {
	values := f.Values
	if f.Op != domain.In {
		values = []string{f.Value}
	}
	c := sqlf(t.sets[column], bun.List(values))
	if f.Op == domain.Ne {
		return sqlf("(NOT ?)", c)
	}
	return c
}

var sqlOps = map[domain.Op]string{
	domain.Eq: "=", domain.Ne: "<>", domain.Lt: "<", domain.Le: "<=", domain.Gt: ">", domain.Ge: ">=",
}

func compare(pg bool, kind domain.Kind, column string, f domain.Filter) cond {
	col := bun.Safe(column)
	switch f.Op {
	case domain.In:
		values := make([]any, len(f.Values))
		for i, v := range f.Values {
			values[i] = typed(kind, v)
		}
		return sqlf("? IN (?)", col, bun.List(values))
	case domain.Contains, domain.Prefix, domain.Suffix:
		op, pattern := like(pg, f.Value, f.Op != domain.Prefix, f.Op != domain.Suffix)
		return sqlf("? "+op, col, pattern)
	}
	return sqlf("? "+sqlOps[f.Op]+" ?", col, typed(kind, f.Value))
}

// typed turns a checked value into what the column holds.
func typed(kind domain.Kind, v string) any {
	switch kind {
	case domain.KindTime:
		at, _ := time.Parse(time.RFC3339, v)
		return stored(at)
	case domain.KindInt:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	case domain.KindBool:
		return v == "true"
	}
	return v
}
