package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// surface is what others build on at one time: files by their names in the
// snapshot.
type surface map[string][]byte

const (
	snapshot    = "tests/compat/release"
	versionFile = "VERSION"
	goFile      = "api.txt"
	graphqlFile = "schema.graphql"
	restFile    = "openapi.json"
	actionsDir  = "actions/"
)

// read takes the surface of the module in root as it is now: the Go API from the
// sources, the rest from the golden files of its owners.
func read(root string) (surface, error) {
	api, err := goAPI(root)
	if err != nil {
		return nil, err
	}
	s := surface{goFile: api}
	golden := map[string]string{
		graphqlFile: "adapters/graphql/testdata/schema.graphql",
		restFile:    "adapters/rest/testdata/openapi.json",
	}
	for name, path := range golden {
		if s[name], err = os.ReadFile(filepath.Join(root, path)); err != nil {
			return nil, err
		}
	}
	list, err := filepath.Glob(filepath.Join(root, "actions/testdata/*.json"))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no golden files of actions in %s", root)
	}
	for _, path := range list {
		if s[actionsDir+filepath.Base(path)], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// load reads a snapshot and its version.
func load(dir string) (string, surface, error) {
	s := surface{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			s[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		return "", nil, err
	}
	version := strings.TrimSpace(string(s[versionFile]))
	delete(s, versionFile)
	for _, name := range []string{goFile, graphqlFile, restFile} {
		if !hasKey(s, name) {
			return "", nil, fmt.Errorf("%s has no %s; restore it from the repository", dir, name)
		}
	}
	return version, s, nil
}

// store replaces a snapshot. The version comes last: without it, the snapshot of
// a run that was cut off binds nobody.
func store(dir, version string, s surface) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, actionsDir), 0o755); err != nil { //nolint:gosec // part of the repository
		return err
	}
	for name, text := range s {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // part of the repository
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, versionFile), []byte(version+"\n"), 0o644) //nolint:gosec // part of the repository
}

// compare tells what changed between two surfaces.
func compare(last, present surface) (changes, error) {
	found := compareGo(last[goFile], present[goFile])
	parts := []struct {
		name    string
		compare func(last, present []byte) (changes, error)
	}{{graphqlFile, compareGraphQL}, {restFile, compareREST}}
	for _, p := range parts {
		c, err := p.compare(last[p.name], present[p.name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		found = append(found, c...)
	}
	c, err := compareActions(last, present)
	return append(found, c...), err
}
