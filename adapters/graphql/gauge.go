package graphql

import (
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/wharf-project/wharf/domain"
)

// callCost is what a field that calls an action costs, beside what is below it.
const callCost = 100

// longLists says how often what is below a list counts when no argument tells
// how long it is. The lists of the schema itself are cheap: see introspection.
var longLists = map[string]int{
	"Query.images": domain.MaxPageSize, "__Schema.types": 200, "__Schema.directives": 5, "__Type.fields": 6, "__Type.inputFields": 3,
	"__Type.enumValues": 3,
}

// The schema itself: how many of its fields cost as much as one of data, and how
// deep they may lie, which tools that read it whole need.
const (
	introspection      = 4
	introspectionDepth = 20
)

// gauge measures an operation before it runs. Fragments are measured once, so
// that it takes no longer than reading the query did.
type gauge struct {
	*engine
	vars      map[string]any
	fragments map[string]measure
}

type measure struct{ depth, cost int }

// check refuses an operation that is too deep or costs too much, that asks for
// what this server does not do, or that holds numbers no machine can. Errors:
// invalid.
func (g *gauge) check(op *ast.OperationDefinition) error {
	g.fragments = map[string]measure{}
	m, err := g.selections(op.SelectionSet)
	switch {
	case err != nil:
		return err
	case m.depth > g.limits.MaxDepth:
		return tooDeep(m.depth, g.limits.MaxDepth)
	case m.cost > g.limits.MaxComplexity:
		return domain.Invalid("query_too_complex", "query", "the query costs %d, at most %d are taken; ask for fewer items or fields", m.cost, g.limits.MaxComplexity)
	}
	return nil
}

func tooDeep(depth, most int) error {
	return domain.Invalid("query_too_deep", "query", "the query is %d fields deep, at most %d are taken", depth, most)
}

// crowd counts the fields and fragments that a query's text has. Checking it
// takes the square of that.
func crowd(set ast.SelectionSet) int {
	n := len(set)
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			n += crowd(s.SelectionSet)
		case *ast.InlineFragment:
			n += crowd(s.SelectionSet)
		}
	}
	return n
}

func (g *gauge) selections(set ast.SelectionSet) (sum measure, err error) {
	for _, s := range set {
		var m measure
		var directives ast.DirectiveList
		switch s := s.(type) {
		case *ast.Field:
			m, err = g.field(s)
		case *ast.InlineFragment:
			directives = s.Directives
			m, err = g.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			directives = s.Directives
			m, err = g.fragment(s.Definition)
		}
		if err == nil && directives.ForName("defer") != nil {
			err = domain.Invalid("defer_unsupported", "@defer", "this server gives every answer whole; leave @defer out")
		}
		if err != nil {
			return sum, err
		}
		sum.depth, sum.cost = max(sum.depth, m.depth), add(sum.cost, m.cost)
	}
	return sum, nil
}

func (g *gauge) fragment(f *ast.FragmentDefinition) (measure, error) {
	if m, ok := g.fragments[f.Name]; ok {
		return m, nil
	}
	m, err := g.selections(f.SelectionSet)
	g.fragments[f.Name] = m
	return m, err
}

func (g *gauge) field(f *ast.Field) (measure, error) {
	for _, a := range f.Arguments {
		if err := numbers(a.Value); err != nil {
			return measure{}, err
		}
	}
	below, err := g.selections(f.SelectionSet)
	if err != nil {
		return below, err
	}
	m := measure{depth: below.depth + 1, cost: add(1, times(g.length(f), below.cost))}
	switch {
	case f.Name == "__schema" || f.Name == "__type":
		if g.limits.HideSchema {
			return m, domain.Invalid("introspection_disabled", f.Name, "this server does not tell its schema")
		}
		if m.depth > introspectionDepth {
			return m, tooDeep(m.depth, introspectionDepth)
		}
		return measure{depth: 1, cost: 1 + m.cost/introspection}, nil
	case f.ObjectDefinition == g.schema.Query && f.Name != "__typename", f.ObjectDefinition == g.schema.Mutation, f.ObjectDefinition == g.schema.Subscription:
		m.cost = add(m.cost, callCost)
	}
	return m, nil
}

// length is how many items a field may give: as many as its argument says.
func (g *gauge) length(f *ast.Field) int {
	if n, ok := longLists[f.ObjectDefinition.Name+"."+f.Name]; ok {
		return n
	}
	if f.Definition.Arguments.ForName("first") != nil {
		return g.asked(f.Arguments.ForName("first"))
	}
	input := f.Definition.Arguments.ForName("input")
	if input == nil || g.schema.Types[input.Type.Name()].Fields.ForName("limit") == nil {
		return 1
	}
	arg := f.Arguments.ForName("input")
	if arg == nil {
		return domain.DefaultPageSize
	}
	v, _ := plain(arg.Value, g.vars)
	fields, _ := v.(map[string]any)
	return size(fields["limit"])
}

func (g *gauge) asked(arg *ast.Argument) int {
	if arg == nil {
		return domain.DefaultPageSize
	}
	v, _ := plain(arg.Value, g.vars)
	return size(v)
}

// size reads the length of a page; one that will be refused counts as the longest.
func size(v any) int {
	n := wholeNumber(v)
	switch {
	case n == 0:
		return domain.DefaultPageSize
	case n < 0 || n > domain.MaxPageSize:
		return domain.MaxPageSize
	}
	return n
}

// numbers refuses literals that do not fit.
func numbers(v *ast.Value) error {
	var err error
	switch v.Kind {
	case ast.IntValue:
		_, err = strconv.ParseInt(v.Raw, 10, 64)
	case ast.FloatValue:
		_, err = strconv.ParseFloat(v.Raw, 64)
	}
	if err != nil {
		return domain.Invalid("input_invalid", "query", "a number is out of range: %s", domain.Quote(v.Raw))
	}
	for _, child := range v.Children {
		if err := numbers(child.Value); err != nil {
			return err
		}
	}
	return nil
}

func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func times(a, b int) int {
	if b > 0 && a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}
