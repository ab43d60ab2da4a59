package docker

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wharf-project/wharf/domain"
)

const scratch = "scratch"

// What a template may hold: it is kept in the catalogue, and its Dockerfile has
// lines of a limited length.
const (
	maxFiles        = 1000
	maxContents     = 16 << 20 // bytes of all files
	maxRequirements = 1000
	maxLine         = 16 << 10 // bytes of the command, and of all requirements together four times that
)

// template is a context made of a template. Nothing that it says gets into an
// instruction but the base image, which is checked, and the command, as JSON:
// requirements and files go in as files.
func template(t domain.BuildTemplate) (source, error) {
	from, err := checkTemplate(t)
	if err != nil {
		return nil, err
	}
	lines := []string{"FROM " + from, "WORKDIR /app"}
	if len(t.Requirements) > 0 {
		lines = append(lines, `COPY ["requirements.txt", "/app/requirements.txt"]`, `RUN ["pip", "install", "--no-cache-dir", "-r", "/app/requirements.txt"]`)
	}
	if len(t.Files) > 0 {
		lines = append(lines, `COPY ["files/", "/app/"]`)
	}
	if t.Command != nil {
		command, err := json.Marshal(t.Command)
		if err != nil {
			return nil, domain.Internal("docker: build", err)
		}
		lines = append(lines, "CMD "+string(command))
	}
	return func(_ context.Context, w io.Writer) error {
		archive := tar.NewWriter(w)
		add := func(name, content string) error {
			if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
				return err
			}
			_, err := io.WriteString(archive, content)
			return err
		}
		if err := add("Dockerfile", strings.Join(lines, "\n")+"\n"); err != nil {
			return err
		}
		if err := add("requirements.txt", strings.Join(t.Requirements, "\n")+"\n"); err != nil {
			return err
		}
		for _, file := range slices.Sorted(maps.Keys(t.Files)) {
			if err := add("files/"+file, t.Files[file]); err != nil {
				return err
			}
		}
		return archive.Close()
	}, nil
}

// checkTemplate returns what FROM is to name.
func checkTemplate(t domain.BuildTemplate) (from string, err error) {
	from = scratch
	if t.BaseImage != scratch {
		base, err := domain.ParseReference(t.BaseImage)
		if err != nil {
			return "", err
		}
		from = base.Canonical()
	}
	total := 0
	for _, r := range t.Requirements {
		// A line that begins with a hyphen is an option of pip, and one that ends
		// with a backslash swallows the next.
		if strings.TrimSpace(r) == "" || strings.HasPrefix(strings.TrimSpace(r), "-") || strings.HasSuffix(r, `\`) || !plain(r) {
			return "", badTemplate("requirements", "not a requirement of pip: %s", domain.Quote(r))
		}
		total += len(r)
	}
	if len(t.Requirements) > maxRequirements || total > 4*maxLine {
		return "", badTemplate("requirements", "a template has at most %d requirements, %d bytes together", maxRequirements, 4*maxLine)
	}
	if total = 0; len(t.Command) > 0 {
		for _, word := range t.Command {
			if total += len(word) + 6; !utf8.ValidString(word) || strings.ContainsRune(word, 0) {
				return "", badTemplate("command", "not a word of a command: %s", domain.Quote(word))
			}
		}
	}
	if total > maxLine {
		return "", badTemplate("command", "a command has at most %d bytes", maxLine)
	}
	return from, checkFiles(t.Files)
}

func checkFiles(files map[string]string) error {
	total := 0
	for file, content := range files {
		if !inApp(file) || !plain(file) {
			return badTemplate("files", "not a path in the working directory: %s", domain.Quote(file))
		}
		for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
			if _, ok := files[dir]; ok {
				return badTemplate("files", "a file and a folder at the same time: %s", domain.Quote(dir))
			}
		}
		total += len(content)
	}
	if len(files) > maxFiles || total > maxContents {
		return badTemplate("files", "a template has at most %d files, %d bytes together", maxFiles, maxContents)
	}
	return nil
}

// plain tells a text of one line, without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func badTemplate(on, format string, args ...any) error {
	return domain.Invalid(reasonTemplate, on, format, args...)
}
