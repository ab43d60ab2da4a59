package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatGraphQLCallersNotice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"descriptions":                       {"type T { a: Int }", `"new" type T { "new" a: Int }`, nil},
		"a type that goes":                   {"type T { a: Int }", "", []string{"! graphql:T"}},
		"a type that comes":                  {"", "type T { a: Int }", []string{"+ graphql:T"}},
		"another kind":                       {"type T { a: Int }", "input T { a: Int }", []string{"! graphql:T"}},
		"a field that goes":                  {"type T { a: Int b: Int }", "type T { a: Int }", []string{"! graphql:T.b"}},
		"a field that comes":                 {"type T { a: Int }", "type T { a: Int b: Int! }", []string{"+ graphql:T.b"}},
		"a field of another type":            {"type T { a: Int }", "type T { a: String }", []string{"! graphql:T.a"}},
		"a field that may be null now":       {"type T { a: Int! }", "type T { a: Int }", []string{"! graphql:T.a"}},
		"a field that is never null now":     {"type T { a: Int }", "type T { a: Int! }", []string{"+ graphql:T.a"}},
		"elements that may be null now":      {"type T { a: [Int!]! }", "type T { a: [Int]! }", []string{"! graphql:T.a"}},
		"elements that are never null now":   {"type T { a: [Int] }", "type T { a: [Int!] }", []string{"+ graphql:T.a"}},
		"a list instead of one":              {"type T { a: Int }", "type T { a: [Int] }", []string{"! graphql:T.a"}},
		"an argument that goes":              {"type T { a(x: Int): Int }", "type T { a: Int }", []string{"! graphql:T.a(x)"}},
		"an argument that comes":             {"type T { a: Int }", "type T { a(x: Int): Int }", []string{"+ graphql:T.a(x)"}},
		"a required argument that comes":     {"type T { a: Int }", "type T { a(x: Int!): Int }", []string{"! graphql:T.a(x)"}},
		"one with a default":                 {"type T { a: Int }", "type T { a(x: Int! = 1): Int }", []string{"+ graphql:T.a(x)"}},
		"an argument that becomes required":  {"type T { a(x: Int): Int }", "type T { a(x: Int!): Int }", []string{"! graphql:T.a(x)"}},
		"an argument that becomes optional":  {"type T { a(x: Int!): Int }", "type T { a(x: Int): Int }", []string{"+ graphql:T.a(x)"}},
		"another default":                    {"type T { a(x: Int = 1): Int }", "type T { a(x: Int = 2): Int }", []string{"! graphql:T.a(x)"}},
		"a default that goes":                {"type T { a(x: Int = 1): Int }", "type T { a(x: Int): Int }", []string{"! graphql:T.a(x)"}},
		"a default that comes":               {"type T { a(x: Int): Int }", "type T { a(x: Int = 1): Int }", []string{"+ graphql:T.a(x)"}},
		"an input field that goes":           {"input T { a: Int b: Int }", "input T { a: Int }", []string{"! graphql:T.b"}},
		"an input field that comes":          {"input T { a: Int }", "input T { a: Int b: Int }", []string{"+ graphql:T.b"}},
		"a required input field that comes":  {"input T { a: Int }", "input T { a: Int b: Int! }", []string{"! graphql:T.b"}},
		"an input field that takes null now": {"input T { a: Int! }", "input T { a: Int }", []string{"+ graphql:T.a"}},
		"an input field that refuses null":   {"input T { a: Int }", "input T { a: Int! }", []string{"! graphql:T.a"}},
		"a value that goes":                  {"enum T { a b }", "enum T { a }", []string{"! graphql:T.b"}},
		"a value that comes":                 {"enum T { a }", "enum T { a b }", []string{"+ graphql:T.b"}},
		"a member that goes":                 {"type A { a: Int } type B { a: Int } union T = A | B", "type A { a: Int } type B { a: Int } union T = A", []string{"! graphql:T = B"}},
		"an interface that goes":             {"interface I { a: Int } type T implements I { a: Int }", "interface I { a: Int } type T { a: Int }", []string{"! graphql:T implements I"}},
		"a directive that goes":              {"directive @d on FIELD", "", []string{"! graphql:@d"}},
		"a directive's argument that goes":   {"directive @d(x: Int) on FIELD", "directive @d on FIELD", []string{"! graphql:@d(x)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := compareGraphQL([]byte(c.last+" type Query { q: Int }"), []byte(c.present+" type Query { q: Int }"))
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, said(found))
		})
	}
}

func TestASchemaThatCannotBeReadIsNoAnswer(t *testing.T) {
	t.Parallel()
	_, err := compareGraphQL([]byte("type Query { q: Int }"), []byte("type Query {"))
	require.Error(t, err)
	_, err = compareGraphQL(nil, []byte("type Query { q: Missing }"))
	require.Error(t, err)
}
