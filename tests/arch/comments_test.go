package arch_test

import (
	"go/ast"
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// undocumented returns the exported identifiers of a file without a comment.
// types are the documented types of the package: constants of such a type may
// stand below it without a word of their own.
func undocumented(s source, types map[string]bool) []string {
	var found []string
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && isExportedReceiver(d) {
				found = append(found, s.at(d.Pos())+" "+d.Name.Name)
			}
		case *ast.GenDecl:
			if d.Doc != nil {
				continue // of the whole group
			}
			for _, spec := range d.Specs {
				found = append(found, undocumentedSpec(s, d, spec, types)...)
			}
		}
	}
	return found
}

func undocumentedSpec(s source, d *ast.GenDecl, spec ast.Spec, types map[string]bool) []string {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && spec.Doc == nil && spec.Comment == nil {
			return []string{s.at(spec.Pos()) + " " + spec.Name.Name}
		}
	case *ast.ValueSpec:
		if spec.Doc != nil || spec.Comment != nil || d.Tok == token.CONST && types[constType(d)] {
			return nil
		}
		for _, name := range spec.Names {
			if name.IsExported() {
				return []string{s.at(spec.Pos()) + " " + name.Name}
			}
		}
	}
	return nil
}

// constType returns the type that a group of constants begins with.
func constType(d *ast.GenDecl) string {
	if len(d.Specs) == 0 {
		return ""
	}
	if spec, ok := d.Specs[0].(*ast.ValueSpec); ok && spec.Type != nil {
		return selector(spec.Type)
	}
	return ""
}

func isExportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func documentedTypes(list []source) map[string]bool {
	types := map[string]bool{}
	for _, s := range list {
		for _, decl := range s.file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				continue
			}
			for _, spec := range d.Specs {
				if ts, is := spec.(*ast.TypeSpec); is && (d.Doc != nil || ts.Doc != nil) {
					types[ts.Name.Name] = true
				}
			}
		}
	}
	return types
}

func TestEverythingExportedSaysWhatItIs(t *testing.T) {
	t.Parallel()
	var found []string
	for dir, list := range packages(t) {
		if isTestPackage(dir) || isUnder(dir, "tests") {
			continue
		}
		types := documentedTypes(list)
		for _, s := range list {
			if !s.isTest() && !s.isGenerated() {
				found = append(found, undocumented(s, types)...)
			}
		}
	}
	requireNone(t, found, "exported without a comment")
	require.Len(t, undocumented(parse(t, "x/x.go", `package x
		type A struct{}
		func F() {}
		func (A) M() {}
		func (b) M() {}
		const C = 1
		var d = 1
		const E = 1 // one
		// G is.
		type G int
		const ( H G = iota; I )`), map[string]bool{"G": true}), 4)
}
