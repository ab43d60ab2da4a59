package domain

import (
	"path"
	"slices"
	"strings"
)

// Limits of one source.
const (
	MaxSourcePath         = 1024
	MaxTemplateFiles      = 100
	MaxTemplateBytes      = 1 << 20 // of all files together
	MaxTemplateLines      = 1000    // requirements, words of the command
	longestTemplateString = 4096
)

// Check tests what can be tested without looking at any folder. Errors: invalid,
// reason source_invalid, on the field.
func (s BuildSource) Check() error {
	switch s.Type {
	case BuildFromDirectory, BuildFromTarball:
		if s.Template != nil {
			return Invalid("source_invalid", "template", "a source of type %s has a path and no template", s.Type)
		}
		return checkSourcePath("path", s.Path)
	case BuildFromTemplate:
		if s.Path != "" || s.Template == nil {
			return Invalid("source_invalid", "template", "a source of type %s has a template and no path", s.Type)
		}
		return s.Template.check()
	}
	return Invalid("source_invalid", "type", "a source is a directory, a tarball or a template, not %s", Quote(string(s.Type)))
}

func (t BuildTemplate) check() error {
	if t.BaseImage == "" || len(t.BaseImage) > longestTemplateString || !printable(t.BaseImage) {
		return Invalid("source_invalid", "base_image", "a template has a base image: a reference, or scratch")
	}
	if len(t.Requirements)+len(t.Command) > MaxTemplateLines || len(t.Files) > MaxTemplateFiles {
		return Invalid("source_invalid", "template", "a template has at most %d files and %d requirements and words", MaxTemplateFiles, MaxTemplateLines)
	}
	for _, r := range t.Requirements {
		if r == "" || len(r) > longestTemplateString || strings.ContainsAny(r, "\r\n\x00") || strings.HasPrefix(strings.TrimSpace(r), "-") {
			return Invalid("source_invalid", "requirements", "not a requirement of pip: %s", Quote(r)) // options could read any file
		}
	}
	for _, c := range t.Command {
		if len(c) > longestTemplateString || strings.ContainsRune(c, 0) {
			return Invalid("source_invalid", "command", "not a word of a command: %s", Quote(c))
		}
	}
	bytes := 0
	for name, content := range t.Files {
		if err := checkSourcePath("files", name); err != nil {
			return err
		}
		bytes += len(content)
	}
	if bytes > MaxTemplateBytes {
		return Invalid("source_invalid", "files", "the files of a template have at most %d bytes", MaxTemplateBytes)
	}
	return nil
}

// checkSourcePath wants a path in its one spelling that leads nowhere but down.
func checkSourcePath(field, p string) error {
	bad := p == "" || len(p) > MaxSourcePath || path.IsAbs(p) || path.Clean(p) != p || strings.ContainsAny(p, "\\\x00") ||
		slices.Contains(strings.Split(p, "/"), "..")
	if !bad {
		for part := range strings.SplitSeq(p, "/") {
			bad = bad || checkTitle("path", part) != nil
		}
	}
	if bad {
		return Invalid("source_invalid", field, "not a relative path without detours: %s", Quote(p))
	}
	return nil
}
