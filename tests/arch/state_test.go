package arch_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingRunsByBeingImported(t *testing.T) {
	t.Parallel()
	var found []string
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil && !s.isGenerated() {
				found = append(found, s.at(f.Pos()))
			}
		}
	}
	requireNone(t, found, "init functions")
}

// excused are package variables that others could change, or that do change,
// with the reason why they may be variables. What is unexported and never
// written needs no excuse.
var excused = map[string]string{
	"domain/idClock": "ids of one process must grow, so its calls share a clock",
}

// frozen are functions whose values cannot be changed by those who hold them.
var frozen = []string{"regexp.MustCompile", "errors.New", "sync.OnceValue", "sync.OnceValues", "sync.OnceFunc", "reflect.TypeFor"}

// mutable tells what about a package variable can be changed, "" for nothing
// that the syntax shows. named are the package's own map, slice and pointer types.
func mutable(typ, value ast.Expr, named map[string]bool) string {
	for _, e := range []ast.Expr{typ, value} {
		switch e := e.(type) {
		case *ast.MapType:
			return "map"
		case *ast.StarExpr:
			return "pointer"
		case *ast.ArrayType:
			if e.Len == nil {
				return "slice"
			}
		case *ast.ChanType:
			return "channel"
		case *ast.Ident:
			if named[e.Name] {
				return e.Name
			}
		case *ast.CompositeLit:
			if kind := mutable(e.Type, nil, named); kind != "" {
				return kind
			}
		case *ast.UnaryExpr:
			if e.Op == token.AND {
				return "pointer"
			}
		case *ast.StructType:
			return "lock"
		case *ast.SelectorExpr:
			if id, ok := e.X.(*ast.Ident); ok && (id.Name == "sync" || id.Name == "atomic") {
				return "lock"
			}
		case *ast.CallExpr:
			if name := selector(e.Fun); !slices.Contains(frozen, name) {
				return "result of " + name
			}
		}
	}
	return ""
}

func selector(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return selector(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return selector(e.X)
	}
	return "a function"
}

// namedKinds returns the types of a package that are maps, slices or pointers.
func namedKinds(list []source) map[string]bool {
	named := map[string]bool{}
	for _, s := range list {
		for _, decl := range s.file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				if ts, is := spec.(*ast.TypeSpec); is && mutable(ts.Type, nil, nil) != "" {
					if _, isStruct := ts.Type.(*ast.StructType); !isStruct {
						named[ts.Name.Name] = true
					}
				}
			}
		}
	}
	return named
}

// variables returns the mutable package variables of a file, "dir.name" -> kind.
func variables(s source, named map[string]bool) map[string]string {
	found := map[string]string{}
	for _, decl := range s.file.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			vs := spec.(*ast.ValueSpec)
			for i, name := range vs.Names {
				var value ast.Expr
				if i < len(vs.Values) {
					value = vs.Values[i]
				}
				if name.Name == "_" {
					continue // a check of the compiler
				}
				if kind := mutable(vs.Type, value, named); kind != "" && !isSentinel(name.Name, value) {
					found[path.Join(s.dir, name.Name)] = kind
				}
			}
		}
	}
	return found
}

// isSentinel reports whether a variable is an error to compare with.
func isSentinel(name string, value ast.Expr) bool {
	u, ok := value.(*ast.UnaryExpr)
	if !ok || !strings.HasPrefix(name, "Err") {
		return false
	}
	lit, ok := u.X.(*ast.CompositeLit)
	return ok && selector(lit.Type) == "Error"
}

// written returns what a file does to package variables: assignments to them
// and to their parts, and addresses taken. Local names of the same spelling do
// not count.
func written(s source) map[string]string {
	found := map[string]string{}
	note := func(e ast.Expr) {
		if id := root(e); id != nil && (id.Obj == nil || s.file.Scope.Lookup(id.Name) == id.Obj) {
			found[path.Join(s.dir, id.Name)] = s.at(id.Pos())
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					note(e)
				}
			}
		case *ast.IncDecStmt:
			note(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				note(n.X)
			}
		case *ast.CallExpr:
			if name := selector(n.Fun); len(n.Args) > 0 && slices.Contains([]string{"delete", "clear", "copy", "maps.Copy", "slices.Sort", "slices.SortFunc"}, name) {
				note(n.Args[0])
			}
		}
		return true
	})
	return found
}

// root returns the variable that an expression is a part of, nil for none.
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return nil
}

// stateful returns what a package keeps in variables, name -> why that counts.
func stateful(list []source) map[string]string {
	named, writes, found := namedKinds(list), map[string]string{}, map[string]string{}
	for _, s := range list {
		maps.Copy(writes, written(s))
	}
	for _, s := range list {
		for name, kind := range variables(s, named) {
			at, isWritten := writes[name]
			switch {
			case kind == "lock":
				found[name] = s.path + " keeps state behind a lock in " + name
			case isWritten:
				found[name] = at + " changes the variable " + name
			case ast.IsExported(path.Base(name)) && kind != "Fields": // the closed table of a list
				found[name] = s.path + " lets others change " + name + " (" + kind + ")"
			}
		}
	}
	return found
}

func TestPackagesKeepNoStateInVariables(t *testing.T) {
	t.Parallel()
	var found []string
	used := map[string]bool{}
	for dir, list := range packages(t) {
		if isTestPackage(dir) || isUnder(dir, "tests") {
			continue
		}
		for name, why := range stateful(slices.DeleteFunc(list, func(s source) bool { return s.isTest() || s.isGenerated() })) {
			if excused[name] == "" {
				found = append(found, why)
			}
			used[name] = true
		}
	}
	requireNone(t, found, "package variables that hold state")
	for name := range excused {
		require.True(t, used[name], "%s is excused and does not exist", name)
	}
}

func TestTheSearchForStateHasTeeth(t *testing.T) {
	t.Parallel()
	found := stateful([]source{parse(t, "x/x.go", `package x
		var cache = map[string]int{}
		var table = map[string]int{"a": 1}
		var Table = []string{"a"}
		var guard struct { sync.Mutex; n int }
		var count atomic.Int64
		var row = &thing{}
		var ErrGone = &Error{}
		var form = regexp.MustCompile("a")
		func f() { cache["a"]++; row.n = 1; table := map[string]int{}; table["b"] = 2 }`)})
	require.ElementsMatch(t, []string{"x/cache", "x/Table", "x/guard", "x/count", "x/row"}, slices.Collect(maps.Keys(found)))
}
