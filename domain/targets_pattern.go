package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern reads up to a bare stop, which it leaves, or to the end of the term.
// Written tells "" from nothing.
func (p *targetParser) pattern(stop rune) (g glob, written bool, err error) {
	p.space()
	var parts []globPart
	kept := 0 // parts without the bare white space at the end
	for p.pos < p.end && p.text[p.pos] != stop {
		r, part := p.text[p.pos], globPart{column: p.pos}
		p.pos++
		switch r {
		case '"':
			parts, err = p.quoted(parts)
		case '[':
			part, err = p.class()
			parts = append(parts, part)
		case '*', '?':
			if part.kind = globAny; r == '*' {
				part.kind = globRun
			}
			parts = append(parts, part)
		case ']':
			err = p.fail(`%s closes nothing; in double quotes it means itself: "]"`, p.character(p.pos-1))
		case '\\':
			err = p.fail(`%s has to be in double quotes: "\\" means a backslash, "*" a star`, p.character(p.pos-1))
		default:
			part.r = r
			parts = append(parts, part)
		}
		if err != nil {
			return glob{}, false, err
		}
		if !unicode.IsSpace(r) {
			kept, written = len(parts), true
		}
	}
	for _, part := range parts[:kept] {
		if part.kind == globChar && !isShown(part.r) {
			return glob{}, false, p.fail("%s does not print; take it away", p.character(part.column))
		}
	}
	return newGlob(parts[:kept]), written, nil
}

// isShown: the character prints, and did not come of broken UTF-8.
func isShown(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

// quoted reads what follows a double quote.
func (p *targetParser) quoted(parts []globPart) ([]globPart, error) {
	open := p.pos - 1
	for p.pos < p.end {
		at := p.pos
		p.pos++
		r := p.text[at]
		if r == '"' {
			return parts, nil
		}
		if r == '\\' && p.pos < p.end {
			if r = p.text[p.pos]; r != '"' && r != '\\' {
				return nil, p.fail(`%s in quotes is followed by %s; write \\ for a backslash, \" for a quote`, p.character(at), p.character(p.pos))
			}
			p.pos++
		}
		parts = append(parts, globPart{r: r, column: at})
	}
	return nil, p.fail("%s opens a text that no other one closes", p.character(open))
}

// class reads what follows an opening bracket.
func (p *targetParser) class() (globPart, error) {
	part := globPart{kind: globClass, column: p.pos - 1}
	part.not = p.take('^') || p.take('!')
	from := p.pos
	for p.pos < p.end {
		if p.take(']') {
			if part.ranges == nil {
				return part, p.fail("the brackets of %s are empty; write what they match, such as [0-9]", p.character(part.column))
			}
			part.source = string(p.text[from : p.pos-1])
			return part, nil
		}
		first, err := p.classCharacter()
		if err != nil {
			return part, err
		}
		last := first
		if p.pos+1 < p.end && p.text[p.pos] == '-' && p.text[p.pos+1] != ']' {
			p.pos++
			if last, err = p.classCharacter(); err != nil {
				return part, err
			}
		}
		if first > last {
			return part, p.fail("the range %s ends before it begins; write %s", p.span(first, last), p.span(last, first))
		}
		part.ranges = append(part.ranges, [2]rune{first, last})
	}
	return part, p.fail(`no "]" follows %s; between brackets there are no commas: [12] is 1 or 2`, p.character(part.column))
}

func (p *targetParser) span(first, last rune) string {
	return Quote(string(first) + "-" + string(last)) // quoted: nothing else of a term is shown bare
}

// classCharacter takes one that may stand between brackets.
func (p *targetParser) classCharacter() (rune, error) {
	r := p.text[p.pos]
	if strings.ContainsRune(`["\`, r) {
		return r, p.fail("%s cannot stand between brackets", p.character(p.pos))
	}
	if !isShown(r) {
		return r, p.fail("%s does not print; take it away", p.character(p.pos))
	}
	p.pos++
	return r, nil
}
