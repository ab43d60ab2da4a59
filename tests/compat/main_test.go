package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatReadersOfActionsNotice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"other values":             {`{"a": 1, "b": "x"}`, `{"a": 2, "b": ""}`, nil},
		"a field that goes":        {`{"a": {"b": 1}}`, `{"a": {}}`, []string{"! json:x/a/b"}},
		"a field that comes":       {`{}`, `{"a": {"b": 1}}`, []string{"+ json:x/a"}},
		"a field of another name":  {`{"a": 1}`, `{"b": 1}`, []string{"! json:x/a", "+ json:x/b"}},
		"another type":             {`{"a": 1}`, `{"a": "1"}`, []string{"! json:x/a"}},
		"elements of another type": {`[1]`, `["1"]`, []string{"! json:x/[]"}},
		"elements of a type more":  {`[1]`, `[1, "1"]`, []string{"+ json:x/[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := compareActions(surface{"actions/x.json": []byte(c.last)}, surface{"actions/x.json": []byte(c.present)})
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, said(found))
		})
	}
	found, err := compareActions(surface{"actions/x.json": []byte(`{"a": 1}`)}, surface{"actions/y.json": []byte(`{"a": 1}`)})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"! json:x", "+ json:y"}, said(found))
}

const log = `# Changelog

## [Unreleased]

### Added

- ` + "`go:domain.New`" + `

### Breaking

- ` + "`go:domain.Old` is gone, see `Image`" + `

## [0.1.0] - 2026-01-02

### Breaking

- ` + "`go:domain.Older`" + `
`

func TestOnlyWhatIsAnnouncedAsABreakMayBreak(t *testing.T) {
	t.Parallel()
	ids := announced(log)
	require.Equal(t, map[string]bool{"go:domain.Old": true, "Image": true}, ids)
	var out bytes.Buffer
	require.NoError(t, report(&out, "0.1.0", changes{{"go:domain.Old", "is gone", true}, {"go:domain.New", "is new", false}}, ids))
	require.Equal(t, "+ go:domain.New: is new\n! go:domain.Old: is gone (announced)\nsince 0.1.0: additions: 1, breaks: 1\n", out.String())

	for _, id := range []string{"go:domain.New", "go:domain.Older", "go:domain.Old.X", "go:domain"} {
		err := report(&out, "0.1.0", changes{{id, "is gone", true}}, ids)
		require.ErrorContains(t, err, "- `"+id+"`", "announced elsewhere, or something else was")
	}
	out.Reset()
	require.NoError(t, report(&out, "0.1.0", nil, ids))
	require.Contains(t, out.String(), "? go:domain.Old is announced as a break, and is none")
	require.Empty(t, announced("# Changelog\n"))
}

func TestAReleaseMovesWhatWasUnreleased(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)
	moved, err := released(log, "0.2.0", day)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(moved, "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n### Added\n"), moved)
	require.Empty(t, announced(moved), "what was announced is history")
	_, err = released(moved, "0.3.0", day)
	require.ErrorContains(t, err, "nothing under Unreleased")
	_, err = released(log, "0.1.0", day)
	require.ErrorContains(t, err, "already")
}

// A module small enough to be released in a test: one package of the public
// ones, and the goldens.
func site(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module " + module + "\n\ngo 1.26.0\n", "CHANGELOG.md": log,
		"adapters/graphql/testdata/schema.graphql": "type Query { q: Int }", "adapters/rest/testdata/openapi.json": "{}",
		"actions/testdata/x.json": "{}", "actions/x.go": "package actions",
		"domain/x.go": "package domain\n\nconst New = 1\n", "service/x.go": "package service", "service/port/x.go": "package port",
		"repository/x.go": "package repository", "repository/bunstore/x.go": "package bunstore",
		"adapters/x/x.go": "package x\n\nfunc X() {}\n", "adapters/x/xtest/x.go": "package xtest\n\nfunc X() {}\n",
		"adapters/x/generated/x.go": "package generated\n\nfunc X() {}\n",
	} {
		write(t, filepath.Join(root, name), text)
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestFromOneReleaseToTheNext(t *testing.T) {
	t.Parallel()
	root, day, out := site(t), time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), &bytes.Buffer{}
	domain, changelog := filepath.Join(root, "domain/x.go"), filepath.Join(root, "CHANGELOG.md")
	text := func() string {
		b, err := os.ReadFile(changelog)
		require.NoError(t, err)
		return string(b)
	}
	require.ErrorContains(t, check(root, out), "no snapshot")
	require.ErrorContains(t, release(root, "1.0", day, out), "no version")

	require.NoError(t, release(root, "0.2.0-dev", day, out))
	require.Equal(t, log, text(), "a stage leaves the changelog")
	require.NoError(t, check(root, out))

	write(t, domain, "package domain\n\nconst Newer = 1\n")
	require.ErrorContains(t, check(root, out), "go:domain.New")
	require.NoError(t, release(root, "0.2.0", day, out), "a stage binds no release")
	require.Contains(t, text(), "## [0.2.0] - 2026-02-03")
	require.NoError(t, check(root, out))
	require.Error(t, release(root, "0.2.0", day, out), "twice")

	write(t, domain, "package domain\n")
	write(t, changelog, strings.Replace(text(), unreleased, unreleased+"\n### Changed\n\n- All is new.\n", 1))
	before := files(t, filepath.Join(root, snapshot))
	require.ErrorContains(t, release(root, "0.3.0", day, out), "go:domain.Newer")
	require.Equal(t, before, files(t, filepath.Join(root, snapshot)), "a release that is refused changes nothing")
	write(t, changelog, strings.Replace(text(), unreleased, unreleased+"\n### Breaking\n\n- `go:domain.Newer`\n", 1))
	require.NoError(t, check(root, out))
	write(t, filepath.Join(root, "actions/testdata/y.json"), "{}")
	require.NoError(t, os.Remove(filepath.Join(root, "actions/testdata/x.json")))
	require.ErrorContains(t, check(root, out), "json:x")
	write(t, changelog, strings.Replace(text(), "`go:domain.Newer`", "`go:domain.Newer`, `json:x`", 1))
	require.NoError(t, release(root, "0.3.0", day, out))
	require.NotContains(t, files(t, filepath.Join(root, snapshot)), "actions/x.json")

	api := files(t, filepath.Join(root, snapshot))["api.txt"]
	require.Contains(t, api, "adapters/x.X func()")
	require.NotContains(t, api, "xtest")
	require.NotContains(t, api, "generated")

	write(t, domain, "package domain\n\nvar X = missing\n")
	require.ErrorContains(t, check(root, out), "missing", "what does not compile is not compared")
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	_, s, err := load(dir)
	require.NoError(t, err)
	all := map[string]string{}
	for name, text := range s {
		all[name] = string(text)
	}
	return all
}

func TestASnapshotThatIsIncompleteIsRefused(t *testing.T) {
	t.Parallel()
	root := site(t)
	require.NoError(t, release(root, "0.2.0-dev", time.Now(), &bytes.Buffer{}))
	require.NoError(t, os.Remove(filepath.Join(root, snapshot, goFile)))
	require.ErrorContains(t, check(root, &bytes.Buffer{}), "has no api.txt")
}

func TestTheRepositoryKeepsWhatItsLastReleasePromised(t *testing.T) {
	t.Parallel()
	// The sources are read by another process; looking at them here is what
	// keeps an old result out of the cache of tests.
	for _, dir := range []string{"domain", "actions", "service", "repository", "adapters"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("../..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		}))
	}
	var out bytes.Buffer
	require.NoError(t, check("../..", &out), &out)
}
