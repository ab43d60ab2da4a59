package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const unreleased = "## [Unreleased]\n"

// pending is what stands under Unreleased, and where it begins and ends.
func pending(changelog string) (text string, from, to int) {
	i := strings.Index(changelog, unreleased)
	if i < 0 {
		return "", 0, 0
	}
	from, to = i+len(unreleased), len(changelog)
	if n := strings.Index(changelog[from:], "\n## "); n >= 0 {
		to = from + n + 1
	}
	return changelog[from:to], from, to
}

var code = regexp.MustCompile("`([^`\n]+)`")

// announced gives what stands between backquotes under Unreleased, Breaking.
func announced(changelog string) map[string]bool {
	text, _, _ := pending(changelog)
	_, text, _ = strings.Cut("\n"+text, "\n### Breaking\n")
	text, _, _ = strings.Cut(text, "\n### ")
	ids := map[string]bool{}
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		ids[m[1]] = true
	}
	return ids
}

// released moves what is unreleased under a heading of the version.
func released(changelog, version string, day time.Time) (string, error) {
	if strings.Contains(changelog, "\n## ["+version+"]") {
		return "", fmt.Errorf("CHANGELOG.md has %s already", version)
	}
	text, from, _ := pending(changelog)
	if strings.TrimSpace(text) == "" {
		return "", errors.New("CHANGELOG.md has nothing under Unreleased")
	}
	heading := fmt.Sprintf("\n## [%s] - %s\n", version, day.Format(time.DateOnly))
	return changelog[:from] + heading + changelog[from:], nil
}
