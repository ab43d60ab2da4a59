package cli

import (
	"bufio"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// none stands for nothing in a cell, so that columns can be counted.
const none = "-"

// printer writes for people. Every text passes clean on its way.
type printer struct {
	w     *bufio.Writer
	now   time.Time
	width int // of the terminal; 0: nothing is cut
	color bool
	err   error
}

func newPrinter(w io.Writer, now time.Time) *printer {
	if w == nil {
		w = io.Discard
	}
	return &printer{w: bufio.NewWriter(w), now: now}
}

// text writes what is ours.
func (p *printer) text(s string) {
	if _, err := p.w.WriteString(s); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *printer) flush() error {
	if err := p.w.Flush(); err != nil && p.err == nil {
		p.err = err
	}
	return p.err
}

// Colours by meaning.
const (
	plain = ""
	good  = "32"
	warn  = "33"
	bad   = "31"
	faint = "2"
	bold  = "1"
)

func (p *printer) paint(style, s string) string {
	if !p.color || style == plain || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

// column describes a column of a table.
type column struct {
	head  string
	right bool
	cut   bool // may be shortened on a narrow terminal
}

// cell is a text and its colour.
type cell struct{ text, style string }

func cells(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, t := range texts {
		row[i].text = t
	}
	return row
}

// table prints rows in aligned columns. Rows may come in several parts: columns
// grow, but never shrink.
type table struct {
	p       *printer
	columns []column
	widths  []int
	printed int
}

func (p *printer) table(columns ...column) *table {
	return &table{p: p, columns: columns, widths: make([]int, len(columns))}
}

// rows prints a part, under the heads if it is the first.
func (t *table) rows(rows [][]cell) {
	if len(rows) == 0 {
		return
	}
	heads := make([]cell, len(t.columns))
	for i, c := range t.columns {
		heads[i] = cell{c.head, bold}
		t.widths[i] = max(t.widths[i], width(c.head))
	}
	for _, row := range rows {
		for i := range row {
			if row[i].text = clean(row[i].text); row[i].text == "" {
				row[i].text = none
			}
			t.widths[i] = max(t.widths[i], width(row[i].text))
		}
	}
	t.fit()
	if t.printed == 0 {
		t.row(heads)
	}
	for _, row := range rows {
		t.row(row)
	}
	t.printed += len(rows)
}

// fit takes from the widest of the columns that may be cut until the line fits
// the terminal.
func (t *table) fit() {
	if t.p.width <= 0 {
		return
	}
	const least = 12
	over := 2*(len(t.widths)-1) - t.p.width
	for _, w := range t.widths {
		over += w
	}
	for ; over > 0; over-- {
		widest := -1
		for i, c := range t.columns {
			if c.cut && t.widths[i] > least && (widest < 0 || t.widths[i] > t.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		t.widths[widest]--
	}
}

func (t *table) row(row []cell) {
	for i, c := range row {
		text := c.text
		if t.p.width > 0 && t.columns[i].cut {
			text = shorten(text, t.widths[i])
		}
		gap := strings.Repeat(" ", max(0, t.widths[i]-width(text)))
		switch {
		case t.columns[i].right:
			t.p.text(gap + t.p.paint(c.style, text))
		case i == len(row)-1:
			t.p.text(t.p.paint(c.style, text))
		default:
			t.p.text(t.p.paint(c.style, text) + gap)
		}
		if i < len(row)-1 {
			t.p.text("  ")
		}
	}
	t.p.text("\n")
}

// width is the number of columns that a text takes. A condition of our own, not
// the package's: that one follows the locale.
func width(s string) int { return (&runewidth.Condition{}).StringWidth(s) }

// shorten leaves the middle out: what names of images differ in is their end.
func shorten(s string, limit int) string {
	if width(s) <= limit || limit < 3 {
		return s
	}
	head := (&runewidth.Condition{}).Truncate(s, limit/3, "")
	tail := []rune(s)
	for width(string(tail)) > limit-width(head)-1 {
		tail = tail[1:]
	}
	return head + "…" + string(tail)
}
