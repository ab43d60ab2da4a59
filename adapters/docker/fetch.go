package docker

import (
	"context"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Fetch implements port.Fetcher: Pull under a name of the caller's. That nothing
// was received is told, how much was not (-1).
func (a *agent) Fetch(ctx context.Context, r domain.FetchRequest, sink domain.TransferSink) (domain.FetchOutcome, error) {
	if err := a.engine.begin(ctx, "fetch"); err != nil {
		return domain.FetchOutcome{}, err
	}
	t, err := fetched(r)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	unlock, err := a.names.lock(ctx, t.local)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	defer unlock()
	before, there, err := a.engine.inspect(ctx, t.local)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPull, Src: t.canonical, Dst: r.Local})
	manifest := t.manifest
	if manifest == "" {
		if manifest, err = a.current(ctx, t); err != nil {
			return domain.FetchOutcome{}, err
		}
	}
	if there && manifest != "" && before.came(manifest) && before.fits(t.architecture) {
		return domain.FetchOutcome{Digest: manifest, Config: before.digest, SizeBytes: before.size, Unchanged: true}, nil
	}
	// A name that the pull leaves is one too many, unless it is the very one.
	t.renamed = manifest != "" || t.source+":"+t.tag != t.local
	layers := &steps{sink: sink, tag: pulledAs(t, manifest)}
	now, err := a.bring(ctx, t, manifest, layers.message)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	if manifest == "" {
		manifest = now.manifestFrom(t.source)
	}
	return domain.FetchOutcome{
		Digest: manifest, Config: now.digest, SizeBytes: now.size,
		ReceivedBytes: layers.bytes(), Unchanged: there && before.id == now.id,
	}, nil
}

func pulledAs(t target, manifest domain.Digest) string {
	if manifest != "" {
		return manifest.String()
	}
	return t.tag
}

// fetched reads a request. A reference that pins a digest says by it which
// manifest is expected.
func fetched(r domain.FetchRequest) (target, error) {
	remote := r.Remote
	pinned := remote.Digest
	if pinned != "" && r.Manifest != "" && pinned != r.Manifest {
		return target{}, domain.Errorf(domain.CodePrecondition, reasonMismatch, remote.Canonical(), "the reference does not name manifest %s", r.Manifest)
	}
	if pinned != "" {
		r.Manifest, remote.Digest = pinned, ""
	}
	untagged := pinned != "" && remote.Tag == ""
	if untagged {
		remote.Tag = "latest" // to be checked like any other; nobody is asked for it
	}
	t, err := remoteOf(remote, r.Registry, r.Manifest)
	if err != nil {
		return target{}, err
	}
	if t.canonical = r.Remote.Canonical(); untagged {
		t.tag = ""
	}
	if r.Architecture != "" {
		if t.architecture, err = domain.NormalizeArchitecture(r.Architecture); err != nil {
			return target{}, err
		}
	}
	local, err := newName(r.Local)
	t.local = local.Canonical()
	return t, err
}

// manifestFrom is the manifest that the image was pulled as from a repository; ""
// when the engine does not tell.
func (s stored) manifestFrom(repository string) domain.Digest {
	for _, d := range s.repoDigests {
		if name, digest, ok := strings.Cut(d, "@"); ok && name == repository {
			return domain.Digest(digest)
		}
	}
	return ""
}
