package docker

import (
	"cmp"
	"context"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wharf-project/wharf/domain"
)

// Pull implements port.Agent. The engine pulls by digest and the tag is set last,
// by the image's id: what comes is the manifest that was asked for, checked by
// the engine against its digest, whatever the tag points to by then; and a pull
// that fails, or brings another platform, has not touched the tag. The image
// that a tag pointed to before stays without a name, as engines do it.
//
// Without a manifest the registry decides. An engine that cannot ask it pulls
// the tag itself, which is put back if what came does not fit.
func (a *agent) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	if err := a.engine.begin(ctx, "pull"); err != nil {
		return domain.PullOutcome{}, err
	}
	t, err := targetOf(r)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	unlock, err := a.names.lock(ctx, t.canonical)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	defer unlock()
	before, there, err := a.engine.inspect(ctx, t.canonical)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	manifest := t.manifest
	if manifest == "" {
		if manifest, err = a.current(ctx, t); err != nil {
			return domain.PullOutcome{}, err
		}
	}
	if there && manifest != "" && before.came(manifest) && before.fits(t.architecture) {
		p.Report(before.size, before.size, "already there")
		return domain.PullOutcome{Digest: before.digest, SizeBytes: before.size, Unchanged: true}, nil
	}
	m := newMeter(p)
	now, err := a.bring(ctx, t, manifest, m.message)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	m.done(now.size, "pulled")
	return domain.PullOutcome{Digest: now.digest, SizeBytes: now.size, Unchanged: there && before.id == now.id}, nil
}

// current is what the tag points to in the registry now: a manifest, or an index
// out of which the engine takes the platform; "" when the engine cannot tell.
func (a *agent) current(ctx context.Context, t target) (domain.Digest, error) {
	digest, platforms, err := a.engine.resolve(ctx, t)
	if domain.ReasonOf(err) == reasonUnsupported {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	// Before anything is pulled: a wrong image must not cost gigabytes.
	if len(platforms) > 0 && !slices.ContainsFunc(platforms, func(p ocispec.Platform) bool {
		return stored{architecture: domain.ArchitectureOf(p.Architecture, p.Variant), noVariant: p.Variant == ""}.fits(t.architecture)
	}) {
		return "", domain.Errorf(domain.CodeNotFound, reasonNoArch, t.canonical, "the registry has no such architecture: %s (%s)", t.canonical, t.architecture)
	}
	return digest, nil
}

// bring pulls a manifest, or the tag, verifies its platform and tags it. The
// name that a pull leaves is taken back when it is of no use: after a failure,
// and when it is of another repository than the image's name.
func (a *agent) bring(ctx context.Context, t target, manifest domain.Digest, tell listener) (stored, error) {
	pulled := t.source + "@" + manifest.String()
	if manifest == "" {
		pulled = t.source + ":" + t.tag
	}
	unlock, err := a.names.lock(ctx, "pulled "+pulled) // another tag of the same manifest must not take it back meanwhile
	if err != nil {
		return stored{}, err
	}
	defer unlock()
	before, had, err := a.engine.inspect(ctx, pulled)
	if err != nil {
		return stored{}, err
	}
	if err := a.engine.pull(ctx, t, pulled, tell); err != nil {
		return stored{}, a.absent(ctx, t, err)
	}
	now, err := a.settle(ctx, t, pulled, manifest)
	useful := had || err == nil && !t.renamed
	if a.engine.podman.Load() && manifest != "" && err == nil {
		useful = false // to Podman it is a name like a tag: it would keep the image when the last tag goes
	}
	switch {
	case !useful:
		a.takeBack(ctx, pulled)
	case manifest == "" && had && (err != nil || t.renamed):
		a.putBack(ctx, before, pulled)
	}
	return now, err
}

func (a *agent) settle(ctx context.Context, t target, pulled string, manifest domain.Digest) (stored, error) {
	now, there, err := a.engine.inspect(ctx, pulled)
	switch {
	case err != nil:
		return stored{}, err
	case !there:
		return stored{}, domain.Errorf(domain.CodeUnavailable, reasonFailed, t.canonical, "the engine does not have what it pulled; something else removes images")
	case manifest != "" && !now.came(manifest):
		return stored{}, domain.Errorf(domain.CodePrecondition, reasonMismatch, t.canonical, "the engine pulled something else than manifest %s", manifest)
	case !now.fits(t.architecture):
		return stored{}, domain.Errorf(domain.CodePrecondition, reasonPlatform, t.canonical, "the image is for %s, not for %s", cmp.Or(now.architecture, "another system"), t.architecture)
	}
	return now, a.engine.tag(ctx, now.id, t.local)
}

// absent decides what it means that a registry lacks a manifest that the
// catalogue names: the tag moved on, or is gone itself.
func (a *agent) absent(ctx context.Context, t target, err error) error {
	if t.manifest == "" || t.tag == "" || domain.CodeOf(err) != domain.CodeNotFound || domain.ReasonOf(err) == reasonNoArch {
		return err
	}
	digest, _, tagErr := a.engine.resolve(ctx, t)
	switch {
	case tagErr == nil && digest == t.manifest:
		return err // it is there again
	case tagErr == nil, domain.ReasonOf(tagErr) == reasonUnsupported:
		e := domain.Errorf(domain.CodePrecondition, reasonMismatch, t.canonical, "the registry no longer has manifest %s under this tag", t.manifest)
		e.Err = err
		return e
	}
	return tagErr
}

// takeBack removes a name that a pull left. An image that has a name besides
// stays; so it does when this fails, and that is no reason to fail the pull.
func (a *agent) takeBack(ctx context.Context, pulled string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cleanUp)
	defer cancel()
	_, _ = a.engine.remove(ctx, pulled, false, true)
}

// putBack gives a tag that a pull moved back to the image that had it.
func (a *agent) putBack(ctx context.Context, before stored, pulled string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cleanUp)
	defer cancel()
	_ = a.engine.tag(ctx, before.id, pulled)
}
