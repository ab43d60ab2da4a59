package cli

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wharf-project/wharf/domain"
)

// whereScanner cuts the text of a filter into the parts that its parser asks
// for: what a character means depends on whether a field, an operator or a
// value is due. Positions are counted in characters from 1.
type whereScanner struct {
	text string
	pos  int // in bytes
}

func (s *whereScanner) space() {
	s.pos += len(s.text[s.pos:]) - len(strings.TrimLeftFunc(s.text[s.pos:], unicode.IsSpace))
}

func (s *whereScanner) rest() string { return s.text[s.pos:] }

func (s *whereScanner) end() bool {
	s.space()
	return s.pos >= len(s.text)
}

// fail is an error at a position.
func (s *whereScanner) fail(pos int, format string, args ...any) error {
	e := domain.Invalid("where_invalid", "where", format, args...)
	e.Message = "character " + strconv.Itoa(utf8.RuneCountInString(s.text[:pos])+1) + ": " + e.Message
	return e
}

// next describes what comes, for messages.
func (s *whereScanner) next() string {
	if s.end() {
		return "the end"
	}
	rest := s.rest()
	if i := strings.IndexFunc(rest, unicode.IsSpace); i > 0 {
		rest = rest[:i]
	}
	return domain.Quote(rest)
}

// keyword takes a word if it comes next, in any case.
func (s *whereScanner) keyword(word string) bool {
	s.space()
	rest := s.rest()
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(rest[len(word):]); len(rest) > len(word) && isFieldRune(r) {
		return false // the beginning of a longer word
	}
	s.pos += len(word)
	return true
}

// symbol takes a text if it comes next.
func (s *whereScanner) symbol(sym string) bool {
	s.space()
	if !strings.HasPrefix(s.rest(), sym) {
		return false
	}
	s.pos += len(sym)
	return true
}

func isFieldRune(r rune) bool {
	return r == '_' || r == '.' || r == '-' || r == '/' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// field takes a name: a bare word, or quoted text where a label's key needs it.
func (s *whereScanner) field() (string, error) {
	s.space()
	if q, ok, err := s.quoted(); ok {
		return q, err
	}
	n := strings.IndexFunc(s.rest(), func(r rune) bool { return !isFieldRune(r) })
	if n < 0 {
		n = len(s.rest())
	}
	if n == 0 {
		return "", s.fail(s.pos, "a field is due, not %s", s.next())
	}
	name := s.rest()[:n]
	s.pos += n
	return name, nil
}

// value takes quoted text, or a bare one up to white space or a parenthesis; in
// a list also up to a comma.
func (s *whereScanner) value(inList bool) (string, error) {
	s.space()
	if q, ok, err := s.quoted(); ok {
		return q, err
	}
	n := strings.IndexFunc(s.rest(), func(r rune) bool { return !isValueRune(r) || inList && r == ',' })
	if n < 0 {
		n = len(s.rest())
	}
	if n == 0 {
		return "", s.fail(s.pos, "a value is due, not %s", s.next())
	}
	v := s.rest()[:n]
	if isWhereWord(v) {
		return "", s.fail(s.pos, "a value is due; quote %s to mean the word", domain.Quote(v))
	}
	s.pos += n
	return v, nil
}

func isValueRune(r rune) bool {
	return !unicode.IsSpace(r) && r != '(' && r != ')' && r != '"' && r != '\''
}

// quoted takes "text" with Go's escapes, or 'text' without any.
func (s *whereScanner) quoted() (text string, ok bool, err error) {
	rest, start := s.rest(), s.pos
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", false, nil
	}
	if rest[0] == '\'' {
		text, _, closed := strings.Cut(rest[1:], "'")
		if !closed {
			return "", true, s.fail(start, "the quote is not closed")
		}
		s.pos += len(text) + 2
		return text, true, nil
	}
	q, err := strconv.QuotedPrefix(rest)
	if err == nil {
		text, err = strconv.Unquote(q)
	}
	if err != nil {
		return "", true, s.fail(start, "the quoted text does not end, or holds an unknown escape")
	}
	s.pos += len(q)
	return text, true, nil
}
