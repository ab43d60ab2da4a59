package arch_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// guarded says in which files of package service a method may be called or a
// field be read: what makes the door the only one.
var guarded = map[string][]string{
	"handler":   {"door.go", "middleware.go"},              // of a Call: what is behind the door
	"invoke":    {"door.go", "catalogue.go"},               // of the door, and of an Entry, which calls a method
	"Scoped":    {"door.go"},                               // opens the store
	"Admin":     {"door.go"},                               // opens the whole store
	"Authorize": {"middleware.go"},                         // checks a permission
	"Record":    {"middleware.go", "audit.go"},             // writes audit
	"Claim":     {"idempotency.go"},                        // takes an idempotency key
	"Settle":    {"idempotency.go"},                        // gives it back
	"Grant":     {"door.go", "middleware.go", "access.go"}, // Explain is about grants
	"Validate":  {"middleware.go"},                         // an action's own check
}

var runners = []string{"run", "scoped", "admin", "enter"}

func serviceSources(t *testing.T) []source {
	t.Helper()
	list := slices.DeleteFunc(slices.Clone(packages(t)["service"]), source.isTest)
	require.NotEmpty(t, list)
	return list
}

// isPackage reports whether e is the name of an imported package of ours.
func isPackage(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && slices.Contains([]string{"domain", "actions", "repository", "port"}, id.Name)
}

// intruders returns what a file of package service reaches past the door.
func intruders(s source) []string {
	name := strings.TrimPrefix(s.path, "service/")
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || isPackage(sel.X) {
			return true
		}
		if only, is := guarded[sel.Sel.Name]; is && !slices.Contains(only, name) {
			found = append(found, s.at(sel.Pos())+" uses "+sel.Sel.Name)
		}
		return true
	})
	return found
}

func TestOnlyTheDoorOpensTheStoreChecksAndRecords(t *testing.T) {
	t.Parallel()
	var found []string
	for _, s := range serviceSources(t) {
		found = append(found, intruders(s)...)
	}
	requireNone(t, found, "past the door")
	require.Len(t, intruders(parse(t, "service/catalog_x.go", `package service
		func f(d *door, c *Call) { d.store.Admin(d.unit(c)); d.store.Record(nil, e); _ = c.handler; _ = repository.Admin(nil) }`)), 3)
}

// room returns the room that a method belongs to, "" for none.
func room(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if id, ok := typ.(*ast.Ident); ok && strings.HasSuffix(id.Name, "Service") {
		return id.Name
	}
	return ""
}

// throughDoor returns the call of a runner that is all that a method does, nil
// when it does anything else.
func throughDoor(f *ast.FuncDecl) *ast.CallExpr {
	if f.Body == nil || len(f.Body.List) != 1 {
		return nil
	}
	ret, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return nil
	}
	call, ok := ret.Results[0].(*ast.CallExpr)
	if !ok || !isRunner(call) {
		return nil
	}
	return call
}

func isRunner(call *ast.CallExpr) bool {
	id, ok := call.Fun.(*ast.Ident)
	return ok && slices.Contains(runners, id.Name)
}

func TestEveryMethodOfARoomIsOneCallThroughTheDoor(t *testing.T) {
	t.Parallel()
	var found []string
	methods := 0
	for _, s := range serviceSources(t) {
		lawful := map[*ast.CallExpr]bool{}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || room(f) == "" || !f.Name.IsExported() {
				continue
			}
			methods++
			call := throughDoor(f)
			if call == nil {
				found = append(found, s.at(f.Pos())+" "+f.Name.Name+" does more than go through the door")
			}
			lawful[call] = true
		}
		if strings.HasSuffix(s.path, "/door.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isRunner(call) && !lawful[call] {
				found = append(found, s.at(call.Pos())+" goes through the door a second time")
			}
			return true
		})
	}
	require.NotZero(t, methods)
	requireNone(t, found, "methods of rooms")
}

func TestNoHandlerCallsAnotherAction(t *testing.T) {
	t.Parallel()
	actions := map[string]bool{}
	for _, s := range serviceSources(t) {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && room(f) != "" && f.Name.IsExported() {
				actions[f.Name.Name] = true
			}
		}
	}
	var found []string
	for _, s := range serviceSources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, is := call.Fun.(*ast.SelectorExpr); is && actions[sel.Sel.Name] && isRoom(sel.X) {
				found = append(found, s.at(call.Pos())+" calls the action "+sel.Sel.Name)
			}
			return true
		})
	}
	requireNone(t, found, "actions inside actions")
}

// isRoom reports whether e is what handlers call their room: the receiver s, or
// a field named service. Ports may have methods of the same names.
func isRoom(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "s"
	case *ast.SelectorExpr:
		return e.Sel.Name == "service"
	}
	return false
}

// The actor travels in the context and is read in one place: whoever reads it
// elsewhere decides something that the door should decide.
func TestTheEnvelopeIsReadInOnePlace(t *testing.T) {
	t.Parallel()
	readers := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "EnvelopeFrom" {
				readers[s.path] = true
			}
			return true
		})
	}
	require.Equal(t, map[string]bool{"domain/actor.go": true, "service/middleware.go": true}, readers)
}
