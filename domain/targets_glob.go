package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// glob is a pattern over one text: the whole text has to match.
type glob struct {
	parts []globPart
	text  string // what the pattern means when wild is not set
	wild  bool
}

// globPart is one step of a pattern.
type globPart struct {
	kind   globKind
	r      rune      // of globChar
	ranges [][2]rune // of globClass
	not    bool      // of globClass
	source string    // of globClass: what stands between its brackets, without the not
	column int       // where it was written
}

type globKind uint8

const (
	globChar  globKind = iota // the character r
	globAny                   // ?
	globRun                   // *
	globClass                 // [...]
)

// newGlob makes a pattern of its parts; several * in a row are one.
func newGlob(parts []globPart) glob {
	var g glob
	var text strings.Builder
	for i, p := range parts {
		if p.kind == globRun && i > 0 && parts[i-1].kind == globRun {
			continue
		}
		if p.kind == globChar {
			text.WriteRune(p.r)
		} else {
			g.wild = true
		}
		g.parts = append(g.parts, p)
	}
	g.text = text.String()
	return g
}

// match goes back to the last * only, so that its time is bounded by the product
// of both lengths. It does not allocate.
func (g *glob) match(s string) bool {
	if !g.wild {
		return s == g.text
	}
	p, i := 0, 0
	after, from := -1, 0 // the part after the last *, and where its text begins
	for i < len(s) {
		if p < len(g.parts) {
			part := &g.parts[p]
			if part.kind == globRun {
				p++
				after, from = p, i
				continue
			}
			if r, n := utf8.DecodeRuneInString(s[i:]); part.takes(r) {
				p++
				i += n
				continue
			}
		}
		if after < 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[from:])
		from += n
		p, i = after, from
	}
	for p < len(g.parts) && g.parts[p].kind == globRun {
		p++
	}
	return p == len(g.parts)
}

func (p *globPart) takes(r rune) bool {
	switch p.kind {
	case globChar:
		return r == p.r
	case globClass:
		for _, span := range p.ranges {
			if span[0] <= r && r <= span[1] {
				return !p.not
			}
		}
		return p.not
	}
	return true
}

// fewest is how many characters a text has at least that matches.
func (g *glob) fewest() int {
	n := 0
	for _, p := range g.parts {
		if p.kind != globRun {
			n++
		}
	}
	return n
}

// String writes the pattern as it is read: text between wildcards is quoted as
// a whole where one of its characters needs it.
func (g *glob) String() string {
	if len(g.parts) == 0 {
		return `""`
	}
	var b strings.Builder
	for i := 0; i < len(g.parts); {
		switch p := &g.parts[i]; p.kind {
		case globAny:
			b.WriteByte('?')
		case globRun:
			b.WriteByte('*')
		case globClass:
			b.WriteByte('[')
			if p.not {
				b.WriteByte('^')
			}
			b.WriteString(p.source + "]")
		case globChar:
			start := i
			for i < len(g.parts) && g.parts[i].kind == globChar {
				i++
			}
			g.writeText(&b, start, i)
			continue
		}
		i++
	}
	return b.String()
}

// writeText writes the characters of the parts from start to end.
func (g *glob) writeText(b *strings.Builder, start, end int) {
	first := g.parts[start].r
	quoted := start == 0 && (unicode.IsSpace(first) || first == '=') || end == len(g.parts) && unicode.IsSpace(g.parts[end-1].r)
	for _, p := range g.parts[start:end] {
		quoted = quoted || needsQuotes(p.r)
	}
	if !quoted {
		for _, p := range g.parts[start:end] {
			b.WriteRune(p.r)
		}
		return
	}
	b.WriteByte('"')
	for _, p := range g.parts[start:end] {
		if p.r == '"' || p.r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(p.r)
	}
	b.WriteByte('"')
}

// needsQuotes: bare, the character means something or is refused.
func needsQuotes(r rune) bool { return strings.ContainsRune(`,"\*?[]`, r) }
