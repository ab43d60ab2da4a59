package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	version := flag.String("release", "", "the `version` that the present state is released as")
	flag.Parse()
	var err error
	if *version != "" {
		err = release(".", *version, time.Now(), os.Stdout)
	} else {
		err = check(".", os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

// check tells what changed since the last release of the module in root. It
// fails for a break that is not announced.
func check(root string, out io.Writer) error {
	present, err := read(root)
	if err != nil {
		return err
	}
	version, last, err := load(filepath.Join(root, snapshot))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no snapshot of a release; -release VERSION takes one")
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	found, err := compare(last, present)
	if err != nil {
		return err
	}
	return report(out, version, found, announced(string(text)))
}

// versions is what a version looks like. One with a suffix (0.1.0-dev) is a
// stage on the way to a release.
var versions = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// release takes the snapshot anew and turns Unreleased into the version. A
// version with a suffix takes the snapshot only, and what was a snapshot of one
// binds no release. After a run that was cut off, the same command again does
// what is missing.
func release(root, version string, day time.Time, out io.Writer) error {
	if !versions.MatchString(version) {
		return fmt.Errorf("%q is no version such as 1.2.3 or 1.2.3-rc1", version)
	}
	last, err := os.ReadFile(filepath.Join(root, snapshot, versionFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(last) > 0 && !strings.Contains(string(last), "-") {
		if err := check(root, out); err != nil {
			return err
		}
	}
	present, err := read(root)
	if err != nil {
		return err
	}
	path := filepath.Join(root, "CHANGELOG.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	moved := string(text)
	if !strings.Contains(version, "-") {
		if moved, err = released(moved, version, day); err != nil {
			return err
		}
	}
	if err := store(filepath.Join(root, snapshot), version, present); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s holds %s\n", snapshot, version)
	return os.WriteFile(path, []byte(moved), 0o644) //nolint:gosec // a changelog is for everybody
}
