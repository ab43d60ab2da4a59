package transfer

import (
	"bytes"
	"cmp"
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// Fetch implements port.Fetcher. Without an architecture it takes what the
// reference names, an index as a whole: a store of files has none of its own. The
// outcome's Config is then "". Request.Manifest may be the digest of the chosen
// image as well as of the index that it is in.
func (s *store) Fetch(ctx context.Context, r domain.FetchRequest, sink domain.TransferSink) (domain.FetchOutcome, error) {
	if err := domain.RefuseInTx(ctx, "transfer: fetch"); err != nil {
		return domain.FetchOutcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return domain.FetchOutcome{}, domain.Wrap("transfer: fetch", err)
	}
	arch := ""
	if r.Architecture != "" {
		var err error
		if arch, err = domain.NormalizeArchitecture(r.Architecture); err != nil {
			return domain.FetchOutcome{}, err
		}
	}
	if _, err := annotate(descriptor{}, r.Local, r.Remote); err != nil {
		return domain.FetchOutcome{}, err
	}
	client, err := s.clients.open(r.Registry)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	from, err := client.PullFrom(r.Remote.Path)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPull, Src: r.Remote.Canonical(), Dst: domain.JoinPath(s.disk.String(), r.Local)})
	f := fetching{from: from, disk: s.disk, jobs: s.jobs, telling: telling{sink: sink}}
	return f.run(ctx, r, arch)
}

// fetching is one fetch.
type fetching struct {
	from     *oci.Repository
	disk     disk
	jobs     int
	telling  telling
	received atomic.Int64
}

func (f *fetching) run(ctx context.Context, r domain.FetchRequest, arch string) (domain.FetchOutcome, error) {
	behind, err := f.from.Document(ctx, cmp.Or(r.Remote.Digest.String(), r.Remote.Tag))
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	found := descriptor{MediaType: behind.MediaType, Digest: behind.Digest, Size: int64(len(behind.Raw))}
	known := map[domain.Digest][]byte{found.Digest: behind.Raw}
	read := func(d descriptor) ([]byte, error) {
		if raw, ok := known[d.Digest]; ok {
			return raw, nil
		}
		doc, err := f.from.Document(ctx, d.Digest.String())
		known[d.Digest] = doc.Raw
		return doc.Raw, err
	}
	top := found
	if arch != "" {
		if top, err = pick(found, arch, read); err != nil {
			return domain.FetchOutcome{}, err
		}
		if top.Digest == "" {
			return domain.FetchOutcome{}, noPlatform(r.Remote, arch)
		}
	}
	if r.Manifest != "" && r.Manifest != found.Digest && r.Manifest != top.Digest {
		return domain.FetchOutcome{}, domain.Errorf(domain.CodePrecondition, reasonMismatch, r.Manifest.String(),
			"the registry now has %s, not %s", found.Digest, r.Manifest)
	}
	all, err := plant(top, read)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	if arch != "" && top.Platform == nil && all.config != "" {
		var config bytes.Buffer
		c := *all.top().Config
		if c.Size > maxDocument {
			return domain.FetchOutcome{}, malformed(c.Digest)
		}
		if err := f.from.Download(ctx, oci.Blob{Digest: c.Digest, Size: c.Size}, &config, nil); err != nil {
			return domain.FetchOutcome{}, err
		}
		if platformIn(config.Bytes()) != arch {
			return domain.FetchOutcome{}, noPlatform(r.Remote, arch)
		}
	}
	if top, err = annotate(top, r.Local, r.Remote); err != nil {
		return domain.FetchOutcome{}, err
	}
	out := domain.FetchOutcome{Digest: found.Digest, Config: all.config, SizeBytes: all.size}
	if out.Unchanged, err = f.unchanged(ctx, r.Local, top, all); err != nil || out.Unchanged {
		return out, err
	}
	err = f.fetch(ctx, incoming{name: r.Local, top: top, tree: all})
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	out.ReceivedBytes = f.received.Load()
	return out, nil
}

// unchanged reports that the store has the image under the name, and nothing of
// it is missing.
func (f *fetching) unchanged(ctx context.Context, name string, top descriptor, all tree) (bool, error) {
	have, err := f.disk.look(ctx)
	if err != nil {
		return false, err
	}
	defer have.close()
	same := 0
	for _, e := range have.entries {
		if e.named(name) {
			if e.desc.Digest != top.Digest {
				return false, nil
			}
			same++
		}
	}
	if same != 1 {
		return false, nil
	}
	for _, d := range all.docs {
		if _, err := have.read(d.desc); err != nil {
			return false, nil // what is damaged is fetched again
		}
	}
	missing, err := have.whole(all)
	if err != nil || missing != "" {
		return false, err
	}
	for _, b := range all.blobs {
		f.telling.step(b, statusExists, b.Size)
	}
	return true, nil
}

func (f *fetching) fetch(ctx context.Context, in incoming) error {
	to, err := f.disk.receive(ctx, in)
	if err != nil {
		return err
	}
	defer to.close()
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(f.jobs)
	for _, b := range in.tree.blobs {
		group.Go(func() error { return f.blob(inner, to, b) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return to.install(ctx)
}

func (f *fetching) blob(ctx context.Context, to receiving, d descriptor) error {
	at, err := to.take(ctx, d)
	if err != nil {
		return err
	}
	if at == nil {
		f.telling.step(d, statusExists, d.Size)
		return nil
	}
	f.telling.step(d, statusPulling, 0)
	if err := f.from.Download(ctx, oci.Blob{Digest: d.Digest, Size: d.Size}, at, f.telling.moving(d, statusPulling)); err != nil {
		at.drop()
		return err
	}
	if err := at.keep(); err != nil {
		return err
	}
	f.received.Add(d.Size)
	f.telling.step(d, statusPulled, d.Size)
	return nil
}
