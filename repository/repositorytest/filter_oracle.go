package repositorytest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// row is one item of any list as filters and orders see it. A value is a
// string, int64, bool, time.Time, []string (KindSet) or map[string]string
// (KindMap), by the name of the field.
type row struct {
	key    string // tells it from the others
	tie    string // what orders rows of one sort key; "" where that is open
	values map[string]any
}

// holds evaluates a filter in the plainest way. A key that a map does not have
// is equal to nothing.
func holds(fields domain.Fields, f domain.Filter, r row) bool {
	part := func(p domain.Filter) bool { return holds(fields, p, r) }
	switch {
	case f.IsZero():
		return true
	case len(f.And) > 0:
		return !slices.ContainsFunc(f.And, func(p domain.Filter) bool { return !part(p) })
	case len(f.Or) > 0:
		return slices.ContainsFunc(f.Or, part)
	case f.Not != nil:
		return !part(*f.Not)
	}
	_, column, key, _ := fields.Lookup(f.Field)
	switch v := r.values[column].(type) {
	case []string:
		return setHolds(f, v)
	case map[string]string:
		text, there := v[key]
		switch f.Op {
		case domain.Exists:
			return there
		case domain.Ne:
			return !there || text != f.Value
		}
		return there && textHolds(f, text)
	case bool:
		want, _ := strconv.ParseBool(f.Value)
		return (v == want) == (f.Op == domain.Eq)
	case int64:
		return ordered(f, func(s string) int {
			n, _ := strconv.ParseInt(s, 10, 64)
			return cmp.Compare(v, n)
		})
	case time.Time:
		return ordered(f, func(s string) int {
			at, _ := time.Parse(time.RFC3339, s)
			return v.Compare(at)
		})
	case string:
		return textHolds(f, v)
	}
	panic("no value for field " + column)
}

func setHolds(f domain.Filter, set []string) bool {
	switch f.Op {
	case domain.In:
		return slices.ContainsFunc(f.Values, func(v string) bool { return slices.Contains(set, v) })
	case domain.Ne:
		return !slices.Contains(set, f.Value)
	}
	return slices.Contains(set, f.Value)
}

func textHolds(f domain.Filter, text string) bool {
	switch f.Op {
	case domain.Contains:
		return strings.Contains(text, f.Value)
	case domain.Prefix:
		return strings.HasPrefix(text, f.Value)
	case domain.Suffix:
		return strings.HasSuffix(text, f.Value)
	}
	return ordered(f, func(s string) int { return strings.Compare(text, s) })
}

// ordered evaluates the operators that compare; compare gives the order of the
// row's value and one of the filter's.
func ordered(f domain.Filter, compare func(string) int) bool {
	if f.Op == domain.In {
		return slices.ContainsFunc(f.Values, func(v string) bool { return compare(v) == 0 })
	}
	c := compare(f.Value)
	switch f.Op {
	case domain.Eq:
		return c == 0
	case domain.Ne:
		return c != 0
	case domain.Lt:
		return c < 0
	case domain.Le:
		return c <= 0
	case domain.Gt:
		return c > 0
	case domain.Ge:
		return c >= 0
	}
	panic("no such operator: " + string(f.Op))
}

// compareRows orders two rows by a field, as lists sort: text by bytes.
func compareRows(field string, a, b row) int {
	switch v := a.values[field].(type) {
	case int64:
		return cmp.Compare(v, b.values[field].(int64))
	case time.Time:
		return v.Compare(b.values[field].(time.Time))
	}
	return strings.Compare(a.values[field].(string), b.values[field].(string))
}
