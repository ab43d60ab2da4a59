package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// api lists what a source of the package domain exports.
func api(t *testing.T, source string) []byte {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "x.go", "package domain\n"+source, 0)
	require.NoError(t, err)
	p, err := new(types.Config).Check(module+"/domain", fset, []*ast.File{file}, nil)
	require.NoError(t, err)
	return []byte(strings.Join(exported("domain", p), "\n"))
}

// said gives changes as "! id" and "+ id", each once.
func said(found changes) []string {
	list := make([]string, 0, len(found))
	for _, c := range found {
		sign := "+ "
		if c.breaks {
			sign = "! "
		}
		list = append(list, sign+c.id)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestWhatGoCallersNotice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"nothing":                                  {"func F(a int) {}", "func F(b int) {}", nil},
		"names of parameters inside a type":        {"var F func(a int, b []func(c int)) (d error)", "var F func(int, []func(int)) error", nil},
		"what is not exported":                     {"type t struct{ A int }; func f() {}", "", nil},
		"a function that goes":                     {"func F() {}", "", []string{"! go:domain.F"}},
		"a function that comes":                    {"", "func F() {}", []string{"+ go:domain.F"}},
		"another parameter":                        {"func F(a int) {}", "func F(a int64) {}", []string{"! go:domain.F"}},
		"a parameter more, even if it may be none": {"func F(a int) {}", "func F(a int, b ...int) {}", []string{"! go:domain.F"}},
		"another constraint":                       {"func F[T any](a T) {}", "func F[T comparable](a T) {}", []string{"! go:domain.F"}},
		"a type that goes with all it has":         {"type T struct{ A int }; func (T) M() {}", "", []string{"! go:domain.T"}},
		"a type that comes with all it has":        {"", "type T struct{ A int }; func (T) M() {}", []string{"+ go:domain.T"}},
		"another kind of type":                     {"type T int", "type T string", []string{"! go:domain.T"}},
		"an alias of something else":               {"type T = int", "type T = string", []string{"! go:domain.T"}},
		"a field that goes":                        {"type T struct{ A, B int }", "type T struct{ A int }", []string{"! go:domain.T.B"}},
		"a field that comes":                       {"type T struct{ A int }", "type T struct{ A, B int }", []string{"+ go:domain.T.B"}},
		"a field of another type":                  {"type T struct{ A int }", "type T struct{ A *int }", []string{"! go:domain.T.A"}},
		"a field that is not exported":             {"type T struct{ a int }", "type T struct{ b, c int }", nil},
		"the field of a struct without a name":     {"type t struct{ A int }; type T struct{ t }", "type t struct{}; type T struct{ t }", []string{"! go:domain.T.A"}},
		"values that cannot be compared any more":  {"type T struct{ a int }", "type T struct{ a []int }", []string{"! go:domain.T"}},
		"values that can be compared now":          {"type T struct{ a []int }", "type T struct{ a int }", []string{"+ go:domain.T"}},
		"a method that goes":                       {"type T int; func (T) M() {}", "type T int", []string{"! go:domain.T.M"}},
		"a method that only pointers have":         {"type T int; func (T) M() {}", "type T int; func (*T) M() {}", []string{"! go:domain.T.M"}},
		"a promoted method that goes": {
			"type U int; func (U) M() {}; type T struct{ U }", "type U int; type T struct{ U }",
			[]string{"! go:domain.T.M", "! go:domain.U.M"},
		},
		"a method that others have to implement": {"type I interface{ M() }", "type I interface{ M(); N() }", []string{"! go:domain.I.N"}},
		"a method that nobody else can lack": {
			"type I interface{ M(); own() }", "type I interface{ M(); N(); own() }", []string{"+ go:domain.I.N"},
		},
		"an interface that nobody can implement any more": {
			"type I interface{ M() }", "type I interface{ M(); own() }", []string{"! go:domain.I"},
		},
		"an interface that comes":                {"", "type I interface{ M() }", []string{"+ go:domain.I"}},
		"an interface made of others":            {"type I interface{ M() }", "type J interface{ M() }; type I interface{ J }", []string{"+ go:domain.J"}},
		"a constant of another value":            {"const C = 1", "const C = 2", []string{"! go:domain.C"}},
		"a variable of another type":             {"var V int", "var V string", []string{"! go:domain.V"}},
		"a constraint that takes fewer types":    {"type C interface{ int | string }", "type C interface{ int }", []string{"! go:domain.C"}},
		"a struct that gets a parameter of type": {"type T struct{}", "type T[A any] struct{}", []string{"! go:domain.T"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ElementsMatch(t, c.want, said(compareGo(api(t, c.last), api(t, c.present))))
		})
	}
}

func TestAPackageThatGoesIsToldOnce(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"! go:domain"}, said(compareGo(api(t, "type T struct{ A int }"), nil)))
}
