package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/wharf-project/wharf"

// source is one Go file of the module.
type source struct {
	path  string // from the module's root, with slashes
	dir   string // of the path; "." for the root
	lines int
	file  *ast.File
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) isGenerated() bool { return ast.IsGenerated(s.file) }

// imports returns the paths that the file imports.
func (s source) imports() []string {
	var list []string
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // it did not parse
		}
		list = append(list, p)
	}
	return list
}

// at names a place in the file.
func (s source) at(pos token.Pos) string {
	return s.path + ":" + strconv.Itoa(files.Position(pos).Line)
}

// isTestPackage reports whether a folder holds a package for tests.
func isTestPackage(dir string) bool {
	return !isUnder(dir, "tests") && strings.HasSuffix(path.Base(dir), "test")
}

// isUnder reports whether dir is root or below it.
func isUnder(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

var files = token.NewFileSet()

var parsed = sync.OnceValues(func() ([]source, error) {
	root := filepath.Join("..", "..")
	var list []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(files, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		list = append(list, source{path: rel, dir: path.Dir(rel), lines: strings.Count(string(text), "\n"), file: file})
		return nil
	})
	return list, err
})

// sources returns every Go file of the module, in the order of their paths.
func sources(t *testing.T) []source {
	t.Helper()
	list, err := parsed()
	require.NoError(t, err)
	require.NotEmpty(t, list)
	return list
}

// packages returns the folders that hold Go files, with the files.
func packages(t *testing.T) map[string][]source {
	t.Helper()
	all := map[string][]source{}
	for _, s := range sources(t) {
		all[s.dir] = append(all[s.dir], s)
	}
	return all
}

// requireNone fails with one line per finding.
func requireNone(t *testing.T, found []string, rule string) {
	t.Helper()
	slices.Sort(found)
	require.Empty(t, found, "%s:\n%s", rule, strings.Join(slices.Compact(found), "\n"))
}

// parse makes a source of text, for tests of the rules themselves.
func parse(t *testing.T, name, text string) source {
	t.Helper()
	file, err := parser.ParseFile(files, name, text, parser.ParseComments)
	require.NoError(t, err)
	return source{path: name, dir: path.Dir(name), lines: strings.Count(text, "\n"), file: file}
}
