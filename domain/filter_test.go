package domain_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

// someFields has a field of every kind.
var someFields = domain.Fields{
	"text":   {Kind: domain.KindText, Sortable: true},
	"enum":   {Kind: domain.KindEnum, Values: []string{"a", "b"}},
	"time":   {Kind: domain.KindTime, Sortable: true},
	"int":    {Kind: domain.KindInt},
	"bool":   {Kind: domain.KindBool},
	"map":    {Kind: domain.KindMap},
	"set":    {Kind: domain.KindSet},
	"nested": {Kind: domain.KindText},
}

func TestFiltersThatCanBe(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]domain.Filter{
		"nothing":             {},
		"text":                domain.Where("text", domain.Contains, "%_\\"),
		"an empty text":       domain.Where("text", domain.Eq, ""),
		"many texts":          domain.Where("text", domain.In, "a", "b"),
		"an enum":             domain.Where("enum", domain.Ne, "a"),
		"a time":              domain.Where("time", domain.Lt, "2026-01-31T12:00:00+09:00"),
		"a number":            domain.Where("int", domain.Ge, "-9223372036854775808"),
		"numbers":             domain.Where("int", domain.In, "1", "2"),
		"a bool":              domain.Where("bool", domain.Eq, "true"),
		"a label":             domain.Where("map.ai.backend.role", domain.Eq, "COMPUTE"),
		"a label that exists": domain.Where("map.a", domain.Exists),
		"a set":               domain.Where("set", domain.In, "x"),
		"all of none":         domain.AllOf(),
		"any of none":         domain.AnyOf(),
		"not nothing":         domain.NotOf(domain.Filter{}),
		"deep":                domain.AllOf(domain.AnyOf(domain.NotOf(domain.Where("text", domain.Prefix, "a"))), domain.Where("set", domain.Ne, "x")),
	} {
		require.NoError(t, f.Check(someFields), name)
	}
}

func TestFiltersThatCannotBe(t *testing.T) {
	t.Parallel()
	many := make([]string, domain.MaxFilterValues+1)
	wide := make([]domain.Filter, domain.MaxFilterNodes)
	deep := domain.Where("text", domain.Eq, "a")
	for range domain.MaxFilterDepth {
		deep = domain.NotOf(deep)
	}
	for name, f := range map[string]domain.Filter{
		"a field that is none":       domain.Where("nope", domain.Eq, "a"),
		"a field that is SQL":        domain.Where("text = 'a' OR 1", domain.Eq, "a"),
		"a map without a key":        domain.Where("map", domain.Eq, "a"),
		"a map with an empty key":    domain.Where("map.", domain.Eq, "a"),
		"a key of what is no map":    domain.Where("text.a", domain.Eq, "a"),
		"an operator that is none":   domain.Where("text", "like", "a"),
		"no operator":                domain.Where("text", "", "a"),
		"less of text":               domain.Where("text", domain.Lt, "a"),
		"contains of a number":       domain.Where("int", domain.Contains, "1"),
		"exists of text":             domain.Where("text", domain.Exists),
		"in of times":                domain.Where("time", domain.In, "2026-01-31T12:00:00Z"),
		"less of a bool":             domain.Where("bool", domain.Lt, "true"),
		"contains of a set":          domain.Where("set", domain.Contains, "a"),
		"in of none":                 domain.Where("text", domain.In),
		"in of too many":             domain.Where("text", domain.In, many...),
		"an enum's other value":      domain.Where("enum", domain.Eq, "c"),
		"one other value of an enum": domain.Where("enum", domain.In, "a", "c"),
		"no time":                    domain.Where("time", domain.Eq, "yesterday"),
		"a day":                      domain.Where("time", domain.Eq, "2026-01-31"),
		"a fraction":                 domain.Where("int", domain.Eq, "1.5"),
		"too large a number":         domain.Where("int", domain.Eq, "9223372036854775808"),
		"yes":                        domain.Where("bool", domain.Eq, "yes"),
		"a NUL":                      domain.Where("text", domain.Eq, "a\x00"),
		"a NUL in a label":           domain.Where("map.a", domain.Eq, "\x00"),
		"two kinds":                  {And: []domain.Filter{{}}, Or: []domain.Filter{{}}},
		"a field and not":            {Field: "text", Op: domain.Eq, Not: &domain.Filter{}},
		"an operator alone":          {Op: domain.Eq},
		"a value alone":              {Value: "a"},
		"values alone":               {Values: []string{"a"}},
		"too deep":                   deep,
		"too wide":                   {And: wide},
		"bad below":                  domain.AllOf(domain.NotOf(domain.AnyOf(domain.Where("nope", domain.Eq, "a")))),
	} {
		err := f.Check(someFields)
		require.Error(t, err, name)
		requireInvalid(t, err, "filter_invalid")
		require.NotEmpty(t, domain.OnOf(err), name)
	}
}

func TestAFilterAtItsLimitsIsAllowed(t *testing.T) {
	t.Parallel()
	deep := domain.Where("text", domain.Eq, "a")
	for range domain.MaxFilterDepth - 1 {
		deep = domain.NotOf(deep)
	}
	require.NoError(t, deep.Check(someFields))
	require.NoError(t, domain.Filter{And: make([]domain.Filter, domain.MaxFilterNodes-1)}.Check(someFields))
	require.NoError(t, domain.Where("text", domain.In, make([]string, domain.MaxFilterValues)...).Check(someFields))
}

func TestAFilterTellsWhatWouldBePossible(t *testing.T) {
	t.Parallel()
	require.Contains(t, domain.MessageOf(domain.Where("nope", domain.Eq).Check(someFields)), "bool, enum, int, map.KEY, nested, set, text, time")
	require.Contains(t, domain.MessageOf(domain.Where("bool", domain.Lt).Check(someFields)), "eq, ne")
	require.Contains(t, domain.MessageOf(domain.Where("enum", domain.Eq, "\x1b").Check(someFields)), `a, b, not "\x1b"`)
}

func TestLookupSplitsTheKeyOfAMap(t *testing.T) {
	t.Parallel()
	f, column, key, ok := someFields.Lookup("map.ai.backend.role")
	require.True(t, ok)
	require.Equal(t, domain.KindMap, f.Kind)
	require.Equal(t, []string{"map", "ai.backend.role"}, []string{column, key})
	_, column, key, ok = someFields.Lookup("text")
	require.True(t, ok)
	require.Equal(t, []string{"text", ""}, []string{column, key})
	for _, name := range []string{"", ".", "map", "map.", ".map", "Text", "text.a"} {
		_, _, _, ok = someFields.Lookup(name)
		require.False(t, ok, name)
	}
}

func TestFiltersSurviveJSON(t *testing.T) {
	t.Parallel()
	f := domain.AllOf(domain.Where("text", domain.In, "a", "b"), domain.AnyOf(domain.NotOf(domain.Where("map.a", domain.Exists))))
	b, err := json.Marshal(f)
	require.NoError(t, err)
	require.JSONEq(t, `{"and":[{"field":"text","op":"in","values":["a","b"]},{"or":[{"not":{"field":"map.a","op":"exists"}}]}]}`, string(b))
	var read domain.Filter
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, f, read)
}

// Every table is usable: enums have values, what is sortable is no set or map.
func TestTheTablesOfTheListsAreInOrder(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]domain.Fields{
		"images": domain.ImageFields, "aliases": domain.AliasFields, "registries": domain.RegistryFields,
		"agents": domain.AgentFields, "scaling groups": domain.ScalingGroupFields, "audit": domain.AuditFields,
	} {
		sortable := 0
		for field, f := range fields {
			require.NotContains(t, field, ".", "%s: a dot separates the key of a map", name)
			require.Equal(t, f.Kind == domain.KindEnum, len(f.Values) > 0, "%s: %s", name, field)
			if f.Sortable {
				sortable++
				require.NotContains(t, []domain.Kind{domain.KindMap, domain.KindSet, domain.KindBool}, f.Kind, "%s: %s", name, field)
			}
		}
		require.Positive(t, sortable, name)
	}
}

// anyFilter draws filters of every shape, most of them wrong.
func anyFilter() *rapid.Generator[domain.Filter] {
	names := append(slices.Sorted(slices.Values([]string{"text", "enum", "time", "int", "bool", "map.a", "set"})), "", "map", "nope")
	ops := []domain.Op{domain.Eq, domain.Ne, domain.In, domain.Lt, domain.Le, domain.Gt, domain.Ge, domain.Contains, domain.Prefix, domain.Suffix, domain.Exists, "", "x"}
	value := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "1", "true", "2026-01-31T12:00:00Z"}), rapid.String())
	leaf := rapid.Custom(func(t *rapid.T) domain.Filter {
		return domain.Filter{
			Field: rapid.SampledFrom(names).Draw(t, "field"), Op: rapid.SampledFrom(ops).Draw(t, "op"),
			Value: value.Draw(t, "value"), Values: rapid.SliceOfN(value, 0, 3).Draw(t, "values"),
		}
	})
	return rapid.OneOf(leaf, rapid.Just(domain.Filter{}), rapid.Custom(func(t *rapid.T) domain.Filter {
		f := domain.Filter{}
		if rapid.Bool().Draw(t, "mixed") {
			f = leaf.Draw(t, "leaf")
		}
		parts := rapid.SliceOfN(rapid.Deferred(anyFilter), 0, 3)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			f.And = parts.Draw(t, "and")
		case 1:
			f.Or = parts.Draw(t, "or")
		case 2:
			f.Not = rapid.Ptr(rapid.Deferred(anyFilter), true).Draw(t, "not")
		default:
			f.And, f.Or = parts.Draw(t, "and"), parts.Draw(t, "or")
		}
		return f
	}))
}

func TestCheckingAFilterNeverPanicsAndAlwaysAnswers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFilter().Draw(t, "filter")
		checkFilter(t, f)
	})
}

// checkFilter holds for every filter: what is refused is invalid, and what is
// allowed names known fields only, also after a way through JSON.
func checkFilter(t require.TestingT, f domain.Filter) {
	err := f.Check(someFields)
	b, jerr := json.Marshal(f)
	require.NoError(t, jerr)
	var read domain.Filter
	require.NoError(t, json.Unmarshal(b, &read))
	if err != nil {
		requireInvalid(t, err, "filter_invalid")
		return
	}
	require.NoError(t, read.Check(someFields))
	require.LessOrEqual(t, strings.Count(string(b), `"field"`), domain.MaxFilterNodes)
	for _, part := range append(slices.Clone(f.And), f.Or...) {
		checkFilter(t, part)
	}
	if f.Not != nil {
		checkFilter(t, *f.Not)
	}
	if f.Field != "" {
		_, _, _, ok := someFields.Lookup(f.Field)
		require.True(t, ok)
	}
}

func FuzzFilterJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"and":[{"field":"text","op":"eq","value":"a"}]}`, `{"not":{"or":[{"field":"map.a","op":"exists"},{}]}}`,
		`{"field":"int","op":"in","values":["1","x"]}`, `{"and":null,"not":null}`, `{"field":"time","op":"lt","value":"2026-01-31T12:00:00Z"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var filter domain.Filter
		if json.Unmarshal(data, &filter) == nil {
			checkFilter(t, filter)
		}
	})
}
