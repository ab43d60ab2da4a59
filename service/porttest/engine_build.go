package porttest

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Build implements [port.Builder]. What it makes depends on the template, or on
// the bytes of the archive or the Dockerfile, and on the labels; the base image
// is not looked for. A template with [BrokenRequirement] among its requirements
// fails, and so does a Dockerfile with the line RUN false.
func (e *Engine) Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) {
	ref, err := e.nameOf(r.Name)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	content, broken, err := buildContent(r.Source)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	leave, err := e.enter(ctx, OpBuild, ref.Canonical())
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	leave()
	sink.Tell(domain.TransferEvent{Kind: domain.TransferBuild, Message: "Step 1/1"})
	if broken {
		return domain.BuildOutcome{}, domain.Errorf(domain.CodePrecondition, "build_failed", ref.Canonical(), "the build failed: Step 1/1")
	}
	labels, err := json.Marshal(r.Labels)
	if err != nil {
		return domain.BuildOutcome{}, domain.Internal("porttest: build", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d := DigestOf("build", content, string(labels))
	return domain.BuildOutcome{Digest: d, SizeBytes: e.put(ref, d, merged(r.Labels))}, nil
}

// Untag implements [port.Builder].
func (e *Engine) Untag(ctx context.Context, name string) error {
	ref, err := e.nameOf(name)
	if err != nil {
		return err
	}
	leave, err := e.enter(ctx, OpUntag, ref.Canonical())
	if err != nil {
		return err
	}
	defer leave()
	h := held{ref.Canonical(), e.architecture}
	if _, ok := e.images[h]; !ok {
		return nil
	}
	if len(e.used[h]) > 0 {
		return domain.Errorf(domain.CodeConflict, "image_in_use", h.canonical, "containers use the image: %v", e.used[h])
	}
	delete(e.images, h)
	return nil
}

// buildContent is what the result of a build depends on.
func buildContent(s domain.BuildSource) (content string, broken bool, err error) {
	switch {
	case s.Type == domain.BuildFromTemplate && s.Template != nil:
		return templateContent(*s.Template)
	case s.Type == domain.BuildFromDirectory:
		raw, err := os.ReadFile(filepath.Join(s.Path, "Dockerfile"))
		return string(raw), strings.Contains(string(raw), "RUN false"), sourceError(s, err)
	case s.Type == domain.BuildFromTarball:
		raw, err := os.ReadFile(s.Path)
		return string(raw), false, sourceError(s, err)
	}
	return "", false, domain.Invalid("build_source_invalid", "source", "a build has a directory, a tarball or a template as its source")
}

func sourceError(s domain.BuildSource, err error) error {
	if err == nil {
		return nil
	}
	if _, there := os.Stat(s.Path); errors.Is(there, fs.ErrNotExist) {
		return domain.NotFound("build_source", filepath.Base(s.Path))
	}
	return domain.Errorf(domain.CodePrecondition, "build_failed", filepath.Base(s.Path), "the build failed: there is no Dockerfile")
}

func templateContent(t domain.BuildTemplate) (content string, broken bool, err error) {
	if _, err := domain.ParseReference(t.BaseImage); err != nil {
		return "", false, err
	}
	for _, r := range t.Requirements {
		if r == "" || strings.HasPrefix(r, "-") || strings.ContainsAny(r, "\r\n\x00") {
			return "", false, domain.Invalid("build_template_invalid", "requirements", "not a requirement of pip: %s", domain.Quote(r))
		}
	}
	for file := range t.Files {
		if !fs.ValidPath(file) || path.Clean(file) != file || file == "." || strings.ContainsAny(file, "\r\n\x00") {
			return "", false, domain.Invalid("build_template_invalid", "files", "not a path in the working directory: %s", domain.Quote(file))
		}
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", false, domain.Internal("porttest: build", err)
	}
	return string(raw), slices.Contains(t.Requirements, BrokenRequirement), nil
}
