package domain

import (
	"strconv"
	"strings"
	"unicode"
)

// targetParser reads a target expression term by term: [targetParser.next] finds
// the next one, [targetParser.term] reads it. Positions are characters from 0,
// those in messages from 1.
type targetParser struct {
	text   []rune // what is not UTF-8 has become U+FFFD, which is refused
	number int    // of the term, from 1
	start  int    // of the term, without white space around it
	end    int
	pos    int // in the term
	after  int // where the next term begins
}

// next goes to the next term; false: there is none. Quoted commas do not end it.
func (p *targetParser) next() bool {
	if p.after > len(p.text) {
		return false
	}
	p.number++
	p.start, p.end = p.after, p.after
	for quoted := false; p.end < len(p.text) && (quoted || p.text[p.end] != ','); p.end++ {
		switch {
		case p.text[p.end] == '"':
			quoted = !quoted
		case quoted && p.text[p.end] == '\\' && p.end+1 < len(p.text):
			p.end++
		}
	}
	p.after = p.end + 1
	for p.start < p.end && unicode.IsSpace(p.text[p.start]) {
		p.start++
	}
	for p.start < p.end && unicode.IsSpace(p.text[p.end-1]) {
		p.end--
	}
	p.pos = p.start
	return true
}

// fail is an error about the term.
func (p *targetParser) fail(format string, args ...any) error {
	e := badTarget(format, args...)
	e.Message = "term " + strconv.Itoa(p.number) + ", " + Quote(p.source(p.start)) + " at column " + strconv.Itoa(p.start+1) + ": " + e.Message
	return e
}

// source is the term as it was written, from a position on.
func (p *targetParser) source(from int) string { return string(p.text[from:p.end]) }

// character shows the one at a position, for messages.
func (p *targetParser) character(at int) string {
	return Quote(string(p.text[at])) + " at column " + strconv.Itoa(at+1)
}

func (p *targetParser) space() {
	for p.pos < p.end && unicode.IsSpace(p.text[p.pos]) {
		p.pos++
	}
}

// take takes a character if it comes next.
func (p *targetParser) take(r rune) bool {
	if p.pos == p.end || p.text[p.pos] != r {
		return false
	}
	p.pos++
	return true
}

// term reads the whole term.
func (p *targetParser) term() (t targetTerm, err error) {
	if p.start == p.end {
		return t, p.fail("it is empty; write what it names, or take a comma away")
	}
	t.negated = p.take('!')
	p.space()
	switch {
	case p.pos == p.end:
		return t, p.fail(`nothing follows the "!"; write what it excludes, such as "!node-1"`)
	case p.text[p.pos] == '!':
		return t, p.fail("%s is one too many; one excludes, none includes", p.character(p.pos))
	}
	body := p.pos
	head, _, err := p.pattern(':')
	if err != nil {
		return t, err
	}
	if p.pos == p.end {
		t.pattern = head
		return t, p.checkID(&t.pattern)
	}
	t.kind = targetKind(strings.TrimSpace(string(p.text[body:p.pos])))
	p.pos++ // the colon
	switch t.kind {
	case targetGroup:
		t.pattern, err = p.group()
	case targetArch:
		t.pattern, err = p.arch()
	case targetLabel:
		err = p.label(&t)
	case targetStatus:
		t.pattern, err = p.status()
	default:
		err = p.fail("there is no prefix %s; %s", Quote(string(t.kind)+":"), nearPrefix(string(t.kind), p.source(p.pos), t.negated))
	}
	return t, err
}
