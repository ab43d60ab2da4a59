package repositorytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// lists is what holds for every list, and what few rows show.
func lists() []sentence {
	all := []sentence{{"a page without a limit has fifty items", pageOfFifty}}
	for _, l := range allLists() {
		for _, s := range []struct {
			says  string
			holds func(*testing.T, repository.Store, list)
		}{
			{"sorted by every field, ids breaking ties, in both directions", sortedBothWays},
			{"pages of any size make up the whole list", pagesMakeTheWhole},
			{"rows that are added between two pages neither hide nor repeat others", pagesWhileRowsCome},
			{"the total counts all pages", totalOfAllPages},
			{"a page, an order and a cursor that make no sense are invalid", oddPages},
			{"an empty list is one empty page", emptyList},
		} {
			all = append(all, sentence{l.name + ": " + s.says, func(t *testing.T, st repository.Store) { s.holds(t, st, l) }})
		}
	}
	return all
}

// orders is every order of a list.
func (l list) orders() []domain.Page {
	var pages []domain.Page
	for name, f := range l.fields {
		if f.Sortable {
			pages = append(pages, domain.Page{Sort: name}, domain.Page{Sort: name, Desc: true})
		}
	}
	slices.SortStableFunc(pages, func(a, b domain.Page) int { return strings.Compare(a.Sort, b.Sort) })
	return pages
}

func (l list) get(t *testing.T, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo) {
	t.Helper()
	rows, info, err := l.page(t.Context(), st, f, p)
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return rows, info
}

// whole is the list in one page.
func (l list) whole(t *testing.T, st repository.Store, f domain.Filter, order domain.Page) []row {
	t.Helper()
	order.Limit = domain.MaxPageSize
	rows, info := l.get(t, st, f, order)
	if info.Next != "" || info.Total != nil {
		t.Errorf("the only page has next %q and total %v", info.Next, info.Total)
	}
	return rows
}

func rowKeys(rows []row) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.key
	}
	return keys
}

func sortedBothWays(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	for _, order := range l.orders() {
		rows := l.whole(t, st, domain.Filter{}, order)
		if len(rows) < len(odd) {
			t.Fatalf("the list has %d rows", len(rows))
		}
		for i := 1; i < len(rows); i++ {
			a, b := rows[i-1], rows[i]
			if order.Desc {
				a, b = b, a
			}
			if c := compareRows(order.Sort, a, b); c > 0 || c == 0 && a.tie != "" && a.tie >= b.tie {
				t.Errorf("sort %s, desc %t: %v (%s) and %v (%s) are the wrong way round", order.Sort, order.Desc,
					rows[i-1].values[order.Sort], rows[i-1].tie, rows[i].values[order.Sort], rows[i].tie)
			}
		}
		if order.Desc {
			up := rowKeys(l.whole(t, st, domain.Filter{}, domain.Page{Sort: order.Sort}))
			slices.Reverse(up)
			wantSame(t, "descending by "+order.Sort, rowKeys(rows), up)
		}
	}
}

func pagesMakeTheWhole(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	for _, order := range append(l.orders(), domain.Page{}, domain.Page{Desc: true}) {
		want := rowKeys(l.whole(t, st, domain.Filter{}, order))
		for _, size := range []int{1, 2, 3, 7, len(want) - 1, len(want)} {
			var got []string
			p := order
			p.Limit = size
			for range len(want) + 1 {
				rows, info := l.get(t, st, domain.Filter{}, p)
				got = append(got, rowKeys(rows)...)
				if info.Next != "" && (len(rows) != size || len(got) == len(want)) {
					t.Errorf("a page has %d rows of %d, all pages so far %d of %d, and there is a next one", len(rows), size, len(got), len(want))
				}
				if p.After = info.Next; p.After == "" {
					break
				}
			}
			wantSame(t, fmt.Sprintf("sort %q, desc %t, by %d", order.Sort, order.Desc, size), got, want)
		}
	}
}

func pagesWhileRowsCome(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	added := 0
	for _, order := range l.orders() {
		before := rowKeys(l.whole(t, st, domain.Filter{}, order))
		seen := map[string]int{}
		p := order
		p.Limit = 5
		for {
			rows, info := l.get(t, st, domain.Filter{}, p)
			for _, r := range rows {
				seen[r.key]++
			}
			if p.After = info.Next; p.After == "" {
				break
			}
			if added++; len(seen) < len(before) { // else there is always one more
				l.more(t, st, added)
			}
		}
		for key, n := range seen {
			if n != 1 {
				t.Errorf("sort %s, desc %t: %s came %d times", order.Sort, order.Desc, key, n)
			}
		}
		for _, key := range before {
			if seen[key] == 0 {
				t.Errorf("sort %s, desc %t: %s did not come", order.Sort, order.Desc, key)
			}
		}
	}
}

func totalOfAllPages(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	order := l.orders()[0]
	all := l.whole(t, st, domain.Filter{}, order)
	some := domain.Where(order.Sort, domain.Ne, filterText(all[0].values[order.Sort]))
	for _, f := range []domain.Filter{{}, some} {
		want := len(l.whole(t, st, f, order))
		p := domain.Page{Sort: order.Sort, Desc: order.Desc, Limit: 2, Count: true}
		for range 3 {
			_, info := l.get(t, st, f, p)
			if info.Total == nil || *info.Total != want {
				t.Errorf("total %s, want %d", show(info.Total), want)
			}
			p.After = info.Next
		}
	}
}

func oddPages(t *testing.T, st repository.Store, l list) {
	l.fill(t, st)
	order := l.orders()[0]
	_, info := l.get(t, st, domain.Filter{}, domain.Page{Sort: order.Sort, Limit: 2})
	pages := map[string]domain.Page{
		"a negative limit":             {Limit: -1},
		"too many items":               {Limit: domain.MaxPageSize + 1},
		"an order by nothing known":    {Sort: "nothing"},
		"an order by SQL":              {Sort: order.Sort + " DESC; --"},
		"no cursor":                    {Sort: order.Sort, After: "%%%"},
		"half a cursor":                {Sort: order.Sort, After: info.Next[:len(info.Next)/2]},
		"the cursor of the other way":  {Sort: order.Sort, Desc: true, After: info.Next},
		"a cursor without an id":       {Sort: order.Sort, After: domain.Cursor{Sort: order.Sort, Key: "x"}.String()},
		"a cursor with NUL in its id":  {Sort: order.Sort, After: domain.Cursor{Sort: order.Sort, Key: cursorKey(l, order.Sort), ID: "a\x00b"}.String()},
		"a cursor with NUL in its key": {Sort: order.Sort, After: domain.Cursor{Sort: order.Sort, Key: "a\x00b", ID: "x"}.String()},
	}
	for name, f := range l.fields {
		if !f.Sortable {
			pages["an order by "+name] = domain.Page{Sort: name}
			continue
		}
		if f.Kind == domain.KindTime || f.Kind == domain.KindInt {
			pages["a cursor whose key is no "+name] = domain.Page{Sort: name, After: domain.Cursor{Sort: name, Key: "yesterday", ID: "x"}.String()}
		}
		if name != order.Sort {
			pages["the cursor of another order than "+name] = domain.Page{Sort: name, After: info.Next}
		}
	}
	for what, p := range pages {
		_, _, err := l.page(t.Context(), st, domain.Filter{}, p)
		wantError(t, what, err, domain.CodeInvalid, "")
	}
	// A cursor whose row is gone, or never was, is still a place in the order.
	p := domain.Page{Sort: order.Sort, After: domain.Cursor{Sort: order.Sort, Key: cursorKey(l, order.Sort), ID: "'; --"}.String()}
	if _, _, err := l.page(t.Context(), st, domain.Filter{}, p); err != nil {
		t.Errorf("a cursor of no row: %v", err)
	}
}

// cursorKey is some key of a cursor of this order.
func cursorKey(l list, sort string) string {
	switch l.fields[sort].Kind {
	case domain.KindTime:
		return domain.CursorTime(Now)
	case domain.KindInt:
		return "1"
	}
	return "it's"
}

func emptyList(t *testing.T, st repository.Store, l list) {
	for _, order := range l.orders() {
		order.Count = true
		rows, info := l.get(t, st, domain.Filter{}, order)
		if len(rows) != 0 || info.Next != "" || info.Total == nil || *info.Total != 0 {
			t.Errorf("sort %s: %d rows, %s", order.Sort, len(rows), show(info))
		}
	}
}

func pageOfFifty(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := make([]domain.Image, 60)
	for i := range images {
		images[i] = domain.Image{Tag: fmt.Sprint(i)}
	}
	AddImages(t, st, reg, images...)
	rows, info := imageList.get(t, st, domain.Filter{}, domain.Page{})
	if len(rows) != domain.DefaultPageSize || info.Next == "" {
		t.Errorf("%d items, next %q", len(rows), info.Next)
	}
	rows, info = imageList.get(t, st, domain.Filter{}, domain.Page{After: info.Next})
	if len(rows) != 10 || info.Next != "" {
		t.Errorf("then %d items, next %q", len(rows), info.Next)
	}
}
