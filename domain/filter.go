package domain

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a field that a list can be filtered by.
type Kind uint8

// The kinds of fields, with the operators that each takes.
const (
	KindText Kind = iota // eq, ne, in, contains, prefix, suffix
	KindEnum             // eq, ne, in, over a closed set of values
	KindTime             // eq, ne, lt, le, gt, ge; RFC 3339
	KindInt              // eq, ne, in, lt, le, gt, ge; decimal
	KindBool             // eq, ne; true or false
	KindMap              // "field.KEY" is text; eq, ne, in, contains, prefix, suffix, exists
	KindSet              // eq ("has"), ne ("has not"), in ("has one of")
)

// Field describes one name that a filter or an order may use.
type Field struct {
	Kind     Kind
	Values   []string // of KindEnum
	Sortable bool
}

// Fields is the closed table of one list.
type Fields map[string]Field

func (f Fields) sortable() string {
	var names []string
	for n, d := range f {
		if d.Sortable {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (f Fields) names() string {
	names := make([]string, 0, len(f))
	for n, d := range f {
		if d.Kind == KindMap {
			n += ".KEY"
		}
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Lookup finds a field by the name that a filter uses; key is the part after
// the first dot of a KindMap field.
func (f Fields) Lookup(name string) (field Field, column, key string, ok bool) {
	if d, ok := f[name]; ok && d.Kind != KindMap {
		return d, name, "", true
	}
	if head, tail, cut := strings.Cut(name, "."); cut && tail != "" {
		if d, ok := f[head]; ok && d.Kind == KindMap {
			return d, head, tail, true
		}
	}
	return Field{}, "", "", false
}

// Op is how a leaf of a filter compares.
type Op string

// The operators.
const (
	Eq       Op = "eq"
	Ne       Op = "ne"
	In       Op = "in" // Values
	Lt       Op = "lt"
	Le       Op = "le"
	Gt       Op = "gt"
	Ge       Op = "ge"
	Contains Op = "contains"
	Prefix   Op = "prefix"
	Suffix   Op = "suffix"
	Exists   Op = "exists" // KindMap: the key is there; Value unused
)

var opsOf = map[Kind][]Op{
	KindText: {Eq, Ne, In, Contains, Prefix, Suffix},
	KindEnum: {Eq, Ne, In},
	KindTime: {Eq, Ne, Lt, Le, Gt, Ge},
	KindInt:  {Eq, Ne, In, Lt, Le, Gt, Ge},
	KindBool: {Eq, Ne},
	KindMap:  {Eq, Ne, In, Contains, Prefix, Suffix, Exists},
	KindSet:  {Eq, Ne, In},
}

// Filter limits of one request.
const (
	MaxFilterDepth  = 8
	MaxFilterNodes  = 100
	MaxFilterValues = 1000
)

// Filter is a condition on the rows of a list: a node (And, Or, Not) or a leaf
// (Field, Op, Value or Values). The zero value holds for every row. Text is
// compared case-sensitively; wildcards in a value mean themselves.
type Filter struct {
	And []Filter `json:"and,omitempty"`
	Or  []Filter `json:"or,omitempty"`
	Not *Filter  `json:"not,omitempty"`

	Field  string   `json:"field,omitempty"`
	Op     Op       `json:"op,omitempty"`
	Value  string   `json:"value,omitempty"`
	Values []string `json:"values,omitempty"` // of In
}

// Where makes a leaf; with In, all values count, else only the first.
func Where(field string, op Op, values ...string) Filter {
	f := Filter{Field: field, Op: op}
	if op == In {
		f.Values = values
	} else if len(values) > 0 {
		f.Value = values[0]
	}
	return f
}

// AllOf holds where every one of fs holds; without any it holds for every row.
func AllOf(fs ...Filter) Filter { return Filter{And: fs} }

// AnyOf holds where one of fs holds; without any it holds for every row.
func AnyOf(fs ...Filter) Filter { return Filter{Or: fs} }

// NotOf holds where f does not.
func NotOf(f Filter) Filter { return Filter{Not: &f} }

// IsZero reports whether the filter holds for every row by having no parts.
func (f Filter) IsZero() bool {
	return len(f.And) == 0 && len(f.Or) == 0 && f.Not == nil && f.Field == "" && f.Op == "" && f.Value == "" && len(f.Values) == 0
}

// Check tests the filter against the fields of a list: names, operators,
// values, depth and size. Errors: invalid, reason filter_invalid, on the field.
func (f Filter) Check(fields Fields) error {
	nodes := 0
	return f.check(fields, 1, &nodes)
}

func (f Filter) check(fields Fields, depth int, nodes *int) error {
	if *nodes++; *nodes > MaxFilterNodes || depth > MaxFilterDepth {
		return Invalid("filter_invalid", "filter", "a filter has at most %d parts, %d deep", MaxFilterNodes, MaxFilterDepth)
	}
	if f.IsZero() {
		return nil
	}
	kinds := 0
	for _, is := range []bool{len(f.And) > 0, len(f.Or) > 0, f.Not != nil, f.Field != ""} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		return Invalid("filter_invalid", "filter", "a part of a filter is exactly one of and, or, not, field")
	}
	for _, part := range append(slices.Clone(f.And), f.Or...) {
		if err := part.check(fields, depth+1, nodes); err != nil {
			return err
		}
	}
	if f.Not != nil {
		return f.Not.check(fields, depth+1, nodes)
	}
	if f.Field == "" {
		return nil
	}
	return f.checkLeaf(fields)
}

func (f Filter) checkLeaf(fields Fields) error {
	d, _, _, ok := fields.Lookup(f.Field)
	if !ok {
		return Invalid("filter_invalid", f.Field, "cannot filter by %s; fields are: %s", Quote(f.Field), fields.names())
	}
	ops := opsOf[d.Kind]
	if !slices.Contains(ops, f.Op) {
		return Invalid("filter_invalid", f.Field, "%s cannot be compared by %s; operators are: %s", f.Field, Quote(string(f.Op)), joinOps(ops))
	}
	values := []string{f.Value}
	switch f.Op {
	case Exists:
		return nil
	case In:
		if values = f.Values; len(values) == 0 || len(values) > MaxFilterValues {
			return Invalid("filter_invalid", f.Field, "%s in: 1-%d values, not %d", f.Field, MaxFilterValues, len(values))
		}
	}
	for _, v := range values {
		if err := d.checkValue(f.Field, v); err != nil {
			return err
		}
	}
	return nil
}

func (d Field) checkValue(on, v string) error {
	switch d.Kind {
	case KindEnum:
		if !slices.Contains(d.Values, v) {
			return Invalid("filter_invalid", on, "%s is one of %s, not %s", on, strings.Join(d.Values, ", "), Quote(v))
		}
	case KindTime:
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return Invalid("filter_invalid", on, "%s is a time such as 2026-01-31T12:00:00Z, not %s", on, Quote(v))
		}
	case KindInt:
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return Invalid("filter_invalid", on, "%s is a number, not %s", on, Quote(v))
		}
	case KindBool:
		if v != "true" && v != "false" {
			return Invalid("filter_invalid", on, "%s is true or false, not %s", on, Quote(v))
		}
	case KindText, KindMap, KindSet:
		if strings.ContainsRune(v, 0) {
			return Invalid("filter_invalid", on, "%s cannot hold a NUL character", on)
		}
	}
	return nil
}

func joinOps(ops []Op) string {
	s := make([]string, len(ops))
	for i, o := range ops {
		s[i] = string(o)
	}
	return strings.Join(s, ", ")
}
