package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/types"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/wharf-project/wharf"

// public are the packages that others import. Of these, what is generated or
// for tests is left out.
var public = []string{
	"./domain", "./actions", "./service", "./service/port", "./repository", "./repository/bunstore", "./adapters/...",
}

// goAPI lists the exported identifiers of the public packages, one in a line,
// with what their users depend on.
func goAPI(root string) ([]byte, error) {
	config := packages.Config{
		Dir:  root,
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports,
		Env:  append(os.Environ(), "GOOS=linux"),
	}
	list, err := packages.Load(&config, public...)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, p := range list {
		for _, e := range p.Errors {
			err = errors.Join(err, e)
		}
		name := strings.TrimPrefix(p.PkgPath, module+"/")
		if !strings.HasSuffix(name, "test") && path.Base(name) != "generated" && !strings.Contains(name, "internal") {
			lines = append(lines, exported(name, p.Types)...)
		}
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n"), err
}

// compareGo compares two lists of goAPI.
func compareGo(last, present []byte) changes {
	before := goFacts(last)
	newMethod := func(id string, now fact) string {
		if kind := before[now.parent].says; strings.HasPrefix(kind, "interface") && !strings.HasPrefix(kind, sealed) {
			return "is new, and implementations elsewhere lack it: " + now.says
		}
		return ""
	}
	return compareFacts(before, goFacts(present), newMethod, func(before, now string) bool {
		return now == before+comparisons
	})
}

// goFacts reads the lines of goAPI. The parent of a field or method is its type,
// of anything else its package.
func goFacts(api []byte) map[string]fact {
	facts := map[string]fact{}
	for line := range bytes.Lines(api) {
		name, says, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		parent := ""
		if i := strings.LastIndexByte(name, '.'); i > 0 {
			parent = "go:" + name[:i]
		}
		facts["go:"+name] = fact{parent, says}
	}
	return facts
}

// exported lists what a package shows, itself first.
func exported(name string, p *types.Package) []string {
	lines := []string{name + " package " + p.Name()}
	for _, n := range p.Scope().Names() {
		obj := p.Scope().Lookup(n)
		if !obj.Exported() {
			continue
		}
		id := name + "." + n
		switch obj := obj.(type) {
		case *types.Const:
			lines = append(lines, fmt.Sprintf("%s const %s = %s", id, spell(obj.Type()), obj.Val().ExactString()))
		case *types.Var:
			lines = append(lines, fmt.Sprintf("%s var %s", id, spell(obj.Type())))
		case *types.Func:
			lines = append(lines, fmt.Sprintf("%s %s", id, spell(obj.Type())))
		case *types.TypeName:
			lines = append(lines, describe(id, obj)...)
		}
	}
	return lines
}
