package arch_test

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// longest is where a file is split.
const longest = 400

func TestEveryPackageSaysWhatBelongsInIt(t *testing.T) {
	t.Parallel()
	var found []string
	for dir, list := range packages(t) {
		i := slices.IndexFunc(list, func(s source) bool { return path.Base(s.path) == "doc.go" })
		if i < 0 {
			found = append(found, dir+" has no doc.go")
			continue
		}
		if why := lacking(list[i].file.Doc); why != "" {
			found = append(found, list[i].path+" "+why)
		}
		for _, s := range list {
			if s.file.Doc != nil && path.Base(s.path) != "doc.go" && !s.isTest() && !s.isGenerated() {
				found = append(found, s.path+" has a second package comment")
			}
		}
	}
	requireNone(t, found, "package comments")
}

// lacking tells what a package comment lacks, "" for nothing.
func lacking(doc *ast.CommentGroup) string {
	if doc == nil {
		return "has no package comment"
	}
	if strings.Count(doc.Text(), "\n") < 3 {
		return "says it in fewer than three lines"
	}
	text := strings.ToLower(strings.Join(strings.Fields(doc.Text()), " "))
	if !strings.Contains(text, "belong") {
		return "does not say what belongs in the package"
	}
	if !strings.Contains(text, "what does not") && !strings.Contains(text, "not belong") {
		return "does not say what does not belong in the package"
	}
	return ""
}

func TestFoldersAreNamedAfterTechnologyOrRole(t *testing.T) {
	t.Parallel()
	vague := []string{"util", "utils", "common", "types", "models", "manager", "helpers"}
	var found []string
	for _, s := range sources(t) {
		for _, part := range strings.Split(s.dir, "/") {
			if slices.Contains(vague, part) {
				found = append(found, s.dir)
			}
		}
	}
	requireNone(t, found, "folders that say nothing")
}

func TestNoFileIsTooLong(t *testing.T) {
	t.Parallel()
	var found []string
	for _, s := range sources(t) {
		if s.lines > longest && !s.isGenerated() {
			found = append(found, s.path)
		}
	}
	requireNone(t, found, "files to split")
}

// elsewhere are the actions that live in a file of another name than their
// handler.
var elsewhere = map[string]string{
	"SearchAudit":   "actions/access_audit.go",  // the room is one file
	"Explain":       "actions/access_audit.go",  // the room is one file
	"PreloadImages": "actions/agent_images.go",  // the handler is split off for its length
	"RescanImages":  "actions/registry_scan.go", // the handler is split off for its length
	"ClearImages":   "actions/catalog_purge.go", // forgets images, and needs the registries' rows
}

// A reader who knows the file of an action knows that of its handler.
func TestActionsAndHandlersLiveInFilesOfOneName(t *testing.T) {
	t.Parallel()
	declared := map[string]string{} // action -> file
	for _, s := range packages(t)["actions"] {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != "Spec" || f.Recv == nil {
				continue
			}
			if id, is := f.Recv.List[0].Type.(*ast.Ident); is {
				declared[id.Name] = s.path
			}
		}
	}
	var found []string
	used := 0
	for _, s := range serviceSources(t) {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || room(f) == "" || !f.Name.IsExported() {
				continue
			}
			want := "actions/" + path.Base(s.path)
			if other, is := elsewhere[f.Name.Name]; is {
				want = other
				used++
			}
			if got := declared[f.Name.Name+"Action"]; got != want {
				found = append(found, s.at(f.Pos())+" handles "+f.Name.Name+", whose action is in "+got)
			}
			delete(declared, f.Name.Name+"Action")
		}
	}
	for action, file := range declared {
		found = append(found, file+" has "+action+", which no room handles")
	}
	requireNone(t, found, "files without a twin")
	require.Equal(t, len(elsewhere), used, "an exception that nothing uses")
}
