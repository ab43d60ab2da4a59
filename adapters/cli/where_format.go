package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

type whereOp struct {
	symbol string
	op     domain.Op
}

// whereOps are the operators; where one begins like another, the longer one
// comes first.
func whereOps() []whereOp {
	return []whereOp{
		{"!=", domain.Ne}, {"^=", domain.Prefix}, {"$=", domain.Suffix}, {"<=", domain.Le}, {">=", domain.Ge},
		{"=", domain.Eq}, {"~", domain.Contains}, {"<", domain.Lt}, {">", domain.Gt},
	}
}

// formatWhere writes a filter as parseWhere reads it. A part that holds for
// every row, and an and or or of one part, have no text of their own.
func formatWhere(f domain.Filter) string { return formatPart(f, false) }

func formatPart(f domain.Filter, inside bool) string {
	switch {
	case f.IsZero():
		return ""
	case f.Not != nil:
		return "not " + formatPart(*f.Not, true)
	case len(f.And) > 0:
		return formatParts(f.And, " and ", inside)
	case len(f.Or) > 0:
		return formatParts(f.Or, " or ", inside)
	}
	field := f.Field
	if strings.ContainsFunc(field, func(r rune) bool { return !isFieldRune(r) }) || isWhereWord(field) {
		field = strconv.Quote(field)
	}
	switch f.Op {
	case domain.Exists:
		return field + " exists"
	case domain.In:
		values := make([]string, len(f.Values))
		for i, v := range f.Values {
			values[i] = formatValue(v)
		}
		return field + " in (" + strings.Join(values, ", ") + ")"
	}
	ops := whereOps()
	if i := slices.IndexFunc(ops, func(o whereOp) bool { return o.op == f.Op }); i >= 0 {
		return field + ops[i].symbol + formatValue(f.Value)
	}
	return field + " " + string(f.Op) // no such operator: not to be read back
}

func formatParts(parts []domain.Filter, word string, inside bool) string {
	if len(parts) == 1 {
		return formatPart(parts[0], inside)
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = formatPart(part, true)
	}
	s := strings.Join(texts, word)
	if inside {
		return "(" + s + ")"
	}
	return s
}

func formatValue(v string) string {
	if v == "" || strings.ContainsFunc(v, func(r rune) bool { return !isValueRune(r) || r == ',' || !shows(r) || r == '\ufffd' }) ||
		v[0] == '=' || isWhereWord(v) {
		return strconv.Quote(v)
	}
	return v
}

// isWhereWord: bare, it would be taken for a part of the grammar.
func isWhereWord(s string) bool {
	return s == "" || strings.EqualFold(s, "not") || strings.EqualFold(s, "and") || strings.EqualFold(s, "or")
}

func whereHelp() string {
	return `A filter compares fields and joins comparisons by and, or, not and parentheses:

  wharf image list --where 'name~py and (status=alive or not label.ai.backend.role=COMPUTE)'

  name = python           equal               name != python       not equal
  name ~ py               contains            size_bytes > 2g      also < <= >=
  name ^= lab/            begins with         tag in (3.11, 3.12)  one of several
  name $= -gpu            ends with           alias has py         in a set; the same as =
  label.maintainer exists                     the label is there

Fields are those of the list; label.KEY is the label KEY. Text is compared as it is
written, upper and lower case apart. A value with white space, a parenthesis or a quote is
quoted: "two words" with Go's escapes, or 'two words' without any. In the list of in, so is
a value with a comma.

A time is 2026-01-31, 2026-01-31T12:00:00Z, or how long ago it was: last_used_at < 30d is
what was last used more than 30 days ago. A size may have a unit: 512m, 2g.

Given twice, --where asks for both.
`
}
