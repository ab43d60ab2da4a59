package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// maxWhereDepth bounds the recursion of the parser; what a filter may be in the
// end is the domain's rule.
const maxWhereDepth = 50

// parseWhere reads a filter such as
//
//	name~py and (status=alive or not label.ai.backend.role=COMPUTE)
//
// Empty text is the empty filter. With the fields of a list, names, operators
// and values are checked, and values may be written as people write them: times
// as 2026-01-31 or 30d (ago), sizes as 2g. Errors are invalid with reason
// where_invalid and say at which character.
func parseWhere(text string, fields domain.Fields, now time.Time) (domain.Filter, error) {
	p := whereParser{whereScanner: whereScanner{text: text}, fields: fields, now: now}
	if p.end() {
		return domain.Filter{}, nil
	}
	f, err := p.or()
	if err != nil {
		return domain.Filter{}, err
	}
	if !p.end() {
		return domain.Filter{}, p.fail(p.pos, "and, or, or the end is due, not %s", p.next())
	}
	return f, nil
}

type whereParser struct {
	whereScanner
	fields domain.Fields // nil: unknown
	now    time.Time
	depth  int
}

func (p *whereParser) or() (domain.Filter, error) {
	parts, err := p.chain("or", p.and)
	if err != nil || len(parts) == 1 {
		return first(parts), err
	}
	return domain.AnyOf(parts...), nil
}

func (p *whereParser) and() (domain.Filter, error) {
	parts, err := p.chain("and", p.unary)
	if err != nil || len(parts) == 1 {
		return first(parts), err
	}
	return domain.AllOf(parts...), nil
}

func first(parts []domain.Filter) domain.Filter {
	if len(parts) == 0 {
		return domain.Filter{}
	}
	return parts[0]
}

func (p *whereParser) chain(word string, part func() (domain.Filter, error)) ([]domain.Filter, error) {
	var parts []domain.Filter
	for {
		f, err := part()
		if err != nil {
			return nil, err
		}
		if parts = append(parts, f); !p.keyword(word) {
			return parts, nil
		}
	}
}

func (p *whereParser) unary() (domain.Filter, error) {
	p.space()
	start := p.pos
	if p.depth++; p.depth > maxWhereDepth {
		return domain.Filter{}, p.fail(start, "nested more than %d deep", maxWhereDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.keyword("not"):
		f, err := p.unary()
		if err != nil {
			return domain.Filter{}, err
		}
		return domain.NotOf(f), nil
	case p.symbol("("):
		f, err := p.or()
		if err == nil && !p.symbol(")") {
			err = p.fail(p.pos, "and, or, or a ) is due, not %s", p.next())
		}
		return f, err
	}
	return p.leaf()
}

// leaf reads one comparison and checks it on its own, so that the error can
// point at it.
func (p *whereParser) leaf() (domain.Filter, error) {
	start := p.pos
	field, err := p.field()
	if err != nil {
		return domain.Filter{}, err
	}
	if p.fields != nil {
		if _, _, _, ok := p.fields.Lookup(field); !ok {
			return domain.Filter{}, p.fail(start, "%s", domain.MessageOf(domain.Where(field, domain.Eq, "").Check(p.fields)))
		}
	}
	f, err := p.comparison(field)
	if err == nil && p.fields != nil {
		if cerr := f.Check(p.fields); cerr != nil {
			err = p.fail(start, "%s", domain.MessageOf(cerr))
		}
	}
	return f, err
}

func (p *whereParser) comparison(field string) (domain.Filter, error) {
	if p.keyword("exists") {
		return domain.Where(field, domain.Exists), nil
	}
	if p.keyword("in") {
		values, err := p.list(field)
		return domain.Where(field, domain.In, values...), err
	}
	op, ok := p.operator()
	if !ok {
		return domain.Filter{}, p.fail(p.pos, "an operator is due after %s (= != ~ ^= $= < <= > >= in has exists), not %s", domain.Quote(field), p.next())
	}
	v, err := p.value(false)
	return domain.Where(field, op, p.plain(field, v)), err
}

func (p *whereParser) operator() (domain.Op, bool) {
	if p.keyword("has") { // of sets: the natural word for it
		return domain.Eq, true
	}
	for _, o := range whereOps() {
		if p.symbol(o.symbol) {
			return o.op, true
		}
	}
	return "", false
}

func (p *whereParser) list(field string) ([]string, error) {
	if !p.symbol("(") {
		return nil, p.fail(p.pos, "a ( is due after in, not %s", p.next())
	}
	var values []string
	for {
		v, err := p.value(true)
		if err != nil {
			return nil, err
		}
		values = append(values, p.plain(field, v))
		if p.symbol(")") {
			return values, nil
		}
		if !p.symbol(",") {
			return nil, p.fail(p.pos, "a comma or a ) is due, not %s", p.next())
		}
	}
}

// plain turns a value as people write it into what the filter takes; what
// cannot be turned stays and is refused by the check of the leaf.
func (p *whereParser) plain(field, v string) string {
	d, _, _, _ := p.fields.Lookup(field)
	switch {
	case d.Kind == domain.KindTime:
		if t, err := parseMoment(v, p.now); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
	case d.Kind == domain.KindInt && strings.HasSuffix(field, "_bytes"):
		if n, err := domain.ParseBinarySize(v); err == nil {
			return strconv.FormatInt(int64(n), 10)
		}
	}
	return v
}
