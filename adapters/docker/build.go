package docker

import (
	"context"
	"io"

	"github.com/wharf-project/wharf/domain"
)

// Build implements port.Builder with the engine's classic builder. The name moves
// when the image is there, labels and architecture checked; containers of the
// steps are removed, also of a build that fails. What a build leaves besides, its
// steps and an image that was built when ctx ended, has no name and goes with the
// engine's own prune.
//
// The credentials of r.Base are for FROM lines of its host, and no others. A
// template's base image is fetched first, through the URL of r.Base.
func (a *agent) Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) {
	if err := a.engine.begin(ctx, "build"); err != nil {
		return domain.BuildOutcome{}, err
	}
	name, err := newName(r.Name)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	spec := buildSpec{name: name.Canonical(), labels: r.Labels}
	if r.Architecture != "" {
		if spec.architecture, err = domain.NormalizeArchitecture(r.Architecture); err != nil {
			return domain.BuildOutcome{}, err
		}
	}
	if r.Base != nil {
		if spec.auths, err = buildAuths(*r.Base); err != nil {
			return domain.BuildOutcome{}, err
		}
	}
	source, err := sourceOf(r.Source)
	if err == nil && r.Base != nil && r.Source.Type == domain.BuildFromTemplate && r.Source.Template.BaseImage != scratch {
		source, err = a.onBase(ctx, *r.Source.Template, *r.Base, spec.architecture, sink)
	}
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	id, err := a.buildFrom(ctx, spec, source, sink)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	return a.built(ctx, spec, id)
}

// onBase fetches the base image of a template, and makes a context of the
// template as the engine names that now. One that is pinned gets a tag of ours:
// without any it would be gone before the build begins.
func (a *agent) onBase(ctx context.Context, t domain.BuildTemplate, r domain.Registry, architecture string, sink domain.TransferSink) (source, error) {
	base, err := domain.ParseReference(t.BaseImage)
	if err != nil {
		return nil, err
	}
	local := base
	if base.Digest != "" {
		local.Digest, local.Tag = "", "wharf-"+base.Digest.Hex()[:32]
	}
	t.BaseImage = local.Canonical()
	if _, err := a.Fetch(ctx, domain.FetchRequest{Remote: base, Registry: r, Architecture: architecture, Local: t.BaseImage}, sink); err != nil {
		return nil, err
	}
	return template(t)
}

// buildFrom streams the source to the engine and returns the image's id.
func (a *agent) buildFrom(ctx context.Context, spec buildSpec, source source, sink domain.TransferSink) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := source(ctx, w)
		_ = w.CloseWithError(err) // never fails
		sent <- err
	}()
	said := &buildLog{sink: sink}
	err := a.engine.build(ctx, spec, r, said)
	_ = r.Close() // what is not read by now nobody wants
	if unread := <-sent; unread != nil && domain.CodeOf(unread) != domain.CodeInternal && ctx.Err() == nil {
		return "", unread // the engine's error is of the context that broke off
	}
	said.flush()
	if err != nil {
		return "", err
	}
	return said.id, nil
}

// built checks what was built, and names it.
func (a *agent) built(ctx context.Context, spec buildSpec, id string) (domain.BuildOutcome, error) {
	if id == "" {
		return domain.BuildOutcome{}, domain.Errorf(domain.CodeUnavailable, reasonFailed, spec.name, "the engine does not tell what it built")
	}
	image, there, err := a.engine.inspect(ctx, id)
	switch {
	case err != nil:
		return domain.BuildOutcome{}, err
	case !there:
		return domain.BuildOutcome{}, domain.Errorf(domain.CodeUnavailable, reasonFailed, spec.name, "the engine does not have what it built; something else removes images")
	case !image.fits(spec.architecture):
		return domain.BuildOutcome{}, domain.Errorf(domain.CodePrecondition, reasonPlatform, spec.name, "the engine built an image for %s, not for %s", image.architecture, spec.architecture)
	}
	unlock, err := a.names.lock(ctx, spec.name)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	defer unlock()
	if err := a.engine.tag(ctx, image.id, spec.name); err != nil {
		return domain.BuildOutcome{}, err
	}
	return domain.BuildOutcome{Digest: image.digest, SizeBytes: image.size}, nil
}

// Untag implements port.Builder.
func (a *agent) Untag(ctx context.Context, name string) error {
	if err := a.engine.begin(ctx, "untag"); err != nil {
		return err
	}
	ref, err := newName(name)
	if err != nil {
		return err
	}
	canonical := ref.Canonical()
	unlock, err := a.names.lock(ctx, canonical)
	if err != nil {
		return err
	}
	defer unlock()
	tag, names, err := a.find(ctx, canonical)
	if err != nil || tag == "" {
		return err
	}
	image, there, err := a.engine.inspect(ctx, tag)
	if err != nil || !there {
		return err
	}
	if err := a.unused(ctx, image, canonical, names); err != nil {
		return err
	}
	_, err = a.engine.remove(ctx, tag, false, true)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return nil
	}
	return err
}
