package repositorytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// filters compares every list with the evaluator of filter_oracle.go.
func filters() []sentence {
	var all []sentence
	for _, l := range allLists() {
		for _, s := range []struct {
			says  string
			holds func(*testing.T, repository.Store, list)
		}{
			{"every field compares by each of its operators", fieldsByOperators},
			{"parts of a filter nest", filtersNest},
			{"a filter that makes no sense is invalid", oddFilters},
		} {
			all = append(all, sentence{l.name + ": " + s.says, func(t *testing.T, st repository.Store) { s.holds(t, st, l) }})
		}
	}
	return all
}

var (
	textOps  = []domain.Op{domain.Eq, domain.Ne, domain.Contains, domain.Prefix, domain.Suffix}
	orderOps = []domain.Op{domain.Eq, domain.Ne, domain.Lt, domain.Le, domain.Gt, domain.Ge}
)

// leaves makes filters of every field and operator, with values that rows have,
// values that are nearly theirs, and values of nobody.
func leaves(d dice, l list, rows []row) []domain.Filter {
	var out []domain.Filter
	add := func(field string, ops []domain.Op, values []string) {
		for _, op := range ops {
			for _, v := range some(d, 0.4, values...) {
				out = append(out, domain.Where(field, op, v))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.fields)) {
		var own []any
		for _, r := range rows {
			own = append(own, r.values[name])
		}
		switch f := l.fields[name]; f.Kind {
		case domain.KindText:
			texts := texts(own)
			add(name, textOps, nearTexts(d, texts))
			out = append(out, domain.Where(name, domain.In, some(d, 0.3, append(texts, "nobody")...)...), domain.Where(name, domain.In, texts[0]))
		case domain.KindEnum:
			add(name, []domain.Op{domain.Eq, domain.Ne}, f.Values)
			out = append(out, domain.Where(name, domain.In, f.Values...), domain.Where(name, domain.In, f.Values[0], f.Values[1]))
		case domain.KindBool:
			add(name, []domain.Op{domain.Eq, domain.Ne}, []string{"true", "false"})
		case domain.KindInt:
			values := []string{"-1", "0", "999", "1001", "9223372036854775807", filterText(pick(d, own...))}
			add(name, orderOps, values)
			out = append(out, domain.Where(name, domain.In, values...))
		case domain.KindTime:
			add(name, orderOps, nearTimes(pick(d, own...).(time.Time)))
		case domain.KindSet:
			members := texts(own)
			add(name, []domain.Op{domain.Eq, domain.Ne}, append(nearTexts(d, members), "nobody"))
			out = append(out, domain.Where(name, domain.In, append(some(d, 0.5, members...), "nobody")...))
		case domain.KindMap:
			for _, key := range slices.Sorted(maps.Keys(keysOf(own))) {
				texts := slices.Sorted(maps.Keys(keysOf(own)[key]))
				add(name+"."+key, textOps, nearTexts(d, texts))
				out = append(out, domain.Where(name+"."+key, domain.Exists), domain.Where(name+"."+key, domain.In, some(d, 0.5, append(texts, "nobody")...)...))
			}
			out = append(out, domain.Where(name+".nobody", domain.Exists), domain.Where(name+".K", domain.Ne, "a"), domain.Where(name+".%", domain.Exists))
		}
	}
	return slices.DeleteFunc(out, func(f domain.Filter) bool { return f.Op == domain.In && len(f.Values) == 0 })
}

// texts is every text among values, each once, sorted.
func texts(values []any) []string {
	set := map[string]bool{}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			set[v] = true
		case []string:
			for _, s := range v {
				set[s] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// keysOf is the values of every key of maps.
func keysOf(values []any) map[string]map[string]bool {
	keys := map[string]map[string]bool{}
	for _, v := range values {
		for k, text := range v.(map[string]string) {
			if keys[k] == nil {
				keys[k] = map[string]bool{}
			}
			keys[k][text] = true
		}
	}
	return keys
}

// nearTexts is some texts of rows, parts of them, the same in another case, and
// what would be wildcards if it did not mean itself.
func nearTexts(d dice, texts []string) []string {
	near := []string{"", "%", "_", "*", "?", "[", "]", `\`, "'", "!", "a_b", "A_B", "?0", "é", "É", "nobody"}
	for range 3 {
		text := []rune(pick(d, append(texts, "a")...))
		from := d.IntN(len(text) + 1)
		near = append(near, string(text), strings.ToUpper(string(text)), string(text[from:]), string(text[:from]))
	}
	slices.Sort(near)
	return slices.Compact(near)
}

// nearTimes is a moment, its neighbours, and the moment told in another zone.
func nearTimes(at time.Time) []string {
	return []string{
		filterText(at), filterText(at.Add(-time.Microsecond)), filterText(at.Add(time.Microsecond)), filterText(at.Truncate(time.Second)),
		at.In(time.FixedZone("", 9*60*60)).Format(time.RFC3339Nano), "1999-12-31T23:59:59Z", "2099-01-01T00:00:00+02:00",
	}
}

// filterText is a value as filters write it.
func filterText(v any) string {
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// complete is all rows with all their values.
func (l list) complete(t *testing.T, st repository.Store) []row {
	t.Helper()
	rows := l.whole(t, st, domain.Filter{}, domain.Page{})
	if l.rest != nil {
		l.rest(t, st, rows)
	}
	return rows
}

// checkFilter compares one filter with the evaluator.
func checkFilter(t *testing.T, st repository.Store, l list, rows []row, f domain.Filter) {
	t.Helper()
	got, _, err := l.page(t.Context(), st, f, domain.Page{Limit: domain.MaxPageSize})
	if err != nil {
		t.Errorf("%s: %v", show(f), err)
		return
	}
	found := map[string]bool{}
	for _, r := range got {
		found[r.key] = true
	}
	for _, r := range rows {
		if want := holds(l.fields, f, r); found[r.key] != want {
			t.Errorf("%s: finds it: %t, want %t: %v", show(f), found[r.key], want, r.values)
			return
		}
	}
}

func fieldsByOperators(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	rows := l.complete(t, st)
	all := leaves(dice{rand.New(rand.NewPCG(1, 2))}, l, rows)
	for _, f := range all {
		checkFilter(t, st, l, rows, f)
	}
	used := map[string]map[bool]bool{}
	for _, f := range all { // a field that tells nothing apart tests nothing
		head, _, _ := strings.Cut(f.Field, ".")
		if used[head] == nil {
			used[head] = map[bool]bool{}
		}
		for _, r := range rows {
			used[head][holds(l.fields, f, r)] = true
		}
	}
	for name := range l.fields {
		if !used[name][true] || !used[name][false] {
			t.Errorf("nothing tests the field %s", name)
		}
	}
}

func filtersNest(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	rows := l.complete(t, st)
	d := dice{rand.New(rand.NewPCG(3, 4))}
	all := leaves(d, l, rows)
	a, b, c := pick(d, all...), pick(d, all...), pick(d, all...)
	// An or of several fields under an and, which is easily flattened.
	checkFilter(t, st, l, rows, domain.AllOf(a, domain.AnyOf(b, c)))
	checkFilter(t, st, l, rows, domain.AnyOf(domain.AllOf(a, b), c))
	checkFilter(t, st, l, rows, domain.NotOf(domain.AnyOf(a, domain.NotOf(b))))
	for _, f := range all { // as many values as a filter may have
		if f.Op == domain.In && l.fields[f.Field].Kind == domain.KindText {
			for i := range domain.MaxFilterValues - len(f.Values) {
				f.Values = append(f.Values, fmt.Sprintf("nobody%d", i))
			}
			checkFilter(t, st, l, rows, f)
			break
		}
	}
	checkFilter(t, st, l, rows, domain.AllOf())
	checkFilter(t, st, l, rows, domain.AnyOf(a, domain.Filter{}))
	checkFilter(t, st, l, rows, domain.NotOf(domain.Filter{}))
	for range 120 {
		checkFilter(t, st, l, rows, tree(d, all, 4))
	}
}

// tree is a random filter of leaves.
func tree(d dice, leaves []domain.Filter, depth int) domain.Filter {
	if depth == 0 || d.chance(0.2) {
		return pick(d, leaves...)
	}
	if d.chance(0.25) {
		return domain.NotOf(tree(d, leaves, depth-1))
	}
	parts := make([]domain.Filter, 1+d.IntN(3))
	for i := range parts {
		parts[i] = tree(d, leaves, depth-1)
	}
	if d.chance(0.5) {
		return domain.AllOf(parts...)
	}
	return domain.AnyOf(parts...)
}

func oddFilters(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	odd := []domain.Filter{
		domain.Where("nothing", domain.Eq, "x"), domain.Where("", domain.Eq, "x"), domain.Where("id; --", domain.Eq, "x"),
		domain.Where("label", domain.Eq, "x"), domain.Where("label.", domain.Exists), {Op: domain.Eq, Value: "x"}, {Value: "x"},
	}
	for name, f := range l.fields {
		if f.Kind == domain.KindMap {
			name += ".k"
		}
		good := domain.Where(name, domain.Eq, map[domain.Kind]string{
			domain.KindTime: "2026-01-31T12:00:00Z", domain.KindInt: "1", domain.KindBool: "true", domain.KindEnum: strings.Join(f.Values[:min(1, len(f.Values))], ""),
		}[f.Kind])
		if _, _, err := l.page(t.Context(), st, good, domain.Page{}); err != nil {
			t.Errorf("%s: %v", show(good), err)
		}
		odd = append(odd, domain.Where(name, "like", good.Value), domain.Where(name, "", good.Value), domain.Where(name, domain.In),
			domain.NotOf(domain.AllOf(domain.AnyOf(domain.Where(name, "~", good.Value)))), domain.Filter{And: []domain.Filter{good}, Field: good.Field, Op: good.Op, Value: good.Value})
		if f.Kind != domain.KindText && f.Kind != domain.KindSet && f.Kind != domain.KindMap {
			odd = append(odd, domain.Where(name, domain.Eq, "nonsense"), domain.Where(name, domain.Contains, good.Value))
		} else {
			odd = append(odd, domain.Where(name, domain.Eq, "a\x00b"), domain.Where(name, domain.Lt, good.Value))
		}
	}
	for _, f := range odd {
		_, _, err := l.page(t.Context(), st, f, domain.Page{})
		wantError(t, show(f), err, domain.CodeInvalid, "")
	}
	// Text that is not UTF-8 is nobody's, whether or not that is an error.
	for name, f := range l.fields {
		if f.Kind != domain.KindText && f.Kind != domain.KindSet {
			continue
		}
		rows, _, err := l.page(t.Context(), st, domain.Where(name, domain.Eq, "a\xffb"), domain.Page{})
		if len(rows) != 0 || err != nil && domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("%s eq text that is not UTF-8: %d rows, %v", name, len(rows), err)
		}
	}
}
