package domain

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Page sizes.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
)

// Page asks for a part of a list. The zero value is the first 50 items in the
// list's default order.
type Page struct {
	// Limit is the number of items, 1-1000; 0 means 50.
	Limit int `json:"limit,omitempty"`
	// After is the cursor of an earlier page; empty: from the start.
	After string `json:"after,omitempty"`
	// Sort is a sortable field; empty: the list's default.
	Sort string `json:"sort,omitempty"`
	// Desc turns the order round; ids break ties in the same direction.
	Desc bool `json:"desc,omitempty"`
	// Count asks for Total, which costs one more statement.
	Count bool `json:"count,omitempty"`
}

// PageInfo comes with every list.
type PageInfo struct {
	// Next is the cursor of the following page; empty: this was the last one.
	Next string `json:"next,omitempty"`
	// Total is the number of items over all pages; nil unless asked for.
	Total *int `json:"total,omitempty"`
}

// Check fills in defaults and checks the page against the fields of a list and
// its default sort. Errors: invalid, reasons page_invalid and sort_invalid.
func (p Page) Check(fields Fields, defaultSort string) (Page, error) {
	if p.Limit < 0 || p.Limit > MaxPageSize {
		return p, Invalid("page_invalid", "limit", "a page has 1-%d items, not %d", MaxPageSize, p.Limit)
	}
	if p.Limit == 0 {
		p.Limit = DefaultPageSize
	}
	if p.Sort == "" {
		p.Sort = defaultSort
	}
	if f, ok := fields[p.Sort]; !ok || !f.Sortable {
		return p, Invalid("sort_invalid", "sort", "cannot sort by %s; sortable are: %s", Quote(p.Sort), fields.sortable())
	}
	if p.After != "" {
		if _, err := ParseCursor(p.After, p.Sort, p.Desc); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Cursor is the position after one item: the item's sort key and its id. It is
// bound to the order it was made for.
type Cursor struct {
	Sort string `json:"s"`
	Desc bool   `json:"d,omitempty"`
	Key  string `json:"k"` // times: CursorTime; numbers: decimal
	ID   string `json:"i"`
}

// String gives the opaque form.
func (c Cursor) String() string {
	b, _ := json.Marshal(c) // strings and a bool: cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads the opaque form and checks that it was made for this
// order. Errors: invalid, reason cursor_invalid.
func ParseCursor(s, sort string, desc bool) (Cursor, error) {
	var c Cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.ID == "" || len(s) > 4096 || strings.ContainsRune(c.ID+c.Key, 0) {
		return Cursor{}, Invalid("cursor_invalid", "after", "not a cursor of this list: %s", Quote(s))
	}
	if c.Sort != sort || c.Desc != desc {
		return Cursor{}, Invalid("cursor_invalid", "after", "the cursor was made for another order (sort %s)", Quote(c.Sort))
	}
	return c, nil
}

const cursorTime = "2006-01-02T15:04:05.000000Z"

// CursorTime is the form of a time in a cursor: UTC, microseconds.
func CursorTime(t time.Time) string { return t.UTC().Format(cursorTime) }

// ParseCursorTime reads CursorTime. Errors: invalid, reason cursor_invalid.
func ParseCursorTime(s string) (time.Time, error) {
	t, err := time.Parse(cursorTime, s)
	if err != nil {
		return t, Invalid("cursor_invalid", "after", "not a cursor of this list")
	}
	return t, nil
}
