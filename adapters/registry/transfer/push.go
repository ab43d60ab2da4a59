package transfer

import (
	"context"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// Push implements port.Pusher. Blobs that the repository has are not sent, those
// that it may mount from where the image came from neither. The registry verifies
// what is sent; manifests follow their content, and the tag comes last, so a
// push that is cut off leaves the tag as it was and is repeated at the cost of
// what is missing. SentBytes counts everything that went out.
func (s *store) Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	if err := domain.RefuseInTx(ctx, "transfer: push"); err != nil {
		return domain.PushOutcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return domain.PushOutcome{}, domain.Wrap("transfer: push", err)
	}
	if err := domain.ValidateTag(r.Remote.Tag); err != nil {
		return domain.PushOutcome{}, err
	}
	client, err := s.clients.open(r.Registry)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	to, err := client.PushTo(r.Remote.Path)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	have, err := s.disk.look(ctx)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	defer have.close()
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPush, Src: s.disk.String(), Dst: r.Remote.Canonical()})
	top, all, err := have.choose(r.Local, r.Architecture)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	p := pushing{have: have, to: to, from: sourceOf(top, r.Remote.Registry), telling: telling{sink: sink}}
	out := domain.PushOutcome{Digest: all.top().desc.Digest, SizeBytes: all.size}
	now, err := to.Tagged(ctx, r.Remote.Tag)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	if now == out.Digest {
		for _, b := range all.blobs {
			p.telling.step(b, statusExists, b.Size)
		}
		out.Unchanged = true
		return out, nil
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(s.jobs)
	for _, b := range all.blobs {
		group.Go(func() error { return p.blob(inner, b) })
	}
	if err := group.Wait(); err != nil {
		return domain.PushOutcome{}, err
	}
	for i, d := range all.docs {
		tag := ""
		if i == len(all.docs)-1 {
			tag = r.Remote.Tag
		}
		if err := to.Put(ctx, oci.Document{MediaType: d.desc.MediaType, Digest: d.desc.Digest, Raw: d.raw}, tag); err != nil {
			return domain.PushOutcome{}, err
		}
	}
	out.SentBytes = p.sent.Load()
	return out, nil
}

// choose finds an image and everything below it. With an architecture it is one
// image of that architecture, without the index. entry is what has the name.
func (c *content) choose(name, architecture string) (entry descriptor, all tree, err error) {
	arch := ""
	if architecture != "" {
		if arch, err = domain.NormalizeArchitecture(architecture); err != nil {
			return entry, tree{}, err
		}
	}
	if entry, err = c.find(name, arch); err != nil {
		return entry, tree{}, err
	}
	if c.convert != nil {
		if entry, err = c.convert(entry); err != nil {
			return entry, tree{}, err
		}
	}
	top := entry
	if arch != "" {
		if top, err = pick(entry, arch, c.read); err != nil {
			return entry, tree{}, err
		}
		if top.Digest == "" {
			return entry, tree{}, noImage(name + " (" + arch + ")")
		}
	}
	if all, err = plant(top, c.read); err != nil {
		return entry, tree{}, err
	}
	if arch != "" && top.Platform == nil && all.config != "" {
		raw, err := c.read(*all.top().Config)
		if err != nil {
			return entry, tree{}, err
		}
		if platformIn(raw) != arch {
			return entry, tree{}, noImage(name + " (" + arch + ")")
		}
	}
	missing, err := c.whole(all)
	if err == nil && missing != "" {
		err = incomplete(missing)
	}
	return entry, all, err
}

// pick finds the image of an architecture in an index, or checks that an image
// is of it. A descriptor without a digest means that there is none.
func pick(d descriptor, arch string, read func(descriptor) ([]byte, error)) (descriptor, error) {
	if !d.isIndex() {
		if of := d.architecture(); of != "" && of != arch {
			return descriptor{}, nil
		}
		return d, nil
	}
	raw, err := read(d)
	if err != nil {
		return descriptor{}, err
	}
	doc, err := parse(d, raw)
	if err != nil {
		return descriptor{}, err
	}
	for _, m := range doc.Manifests {
		if m.architecture() == arch && !m.isIndex() {
			return m, nil
		}
	}
	for _, m := range doc.Manifests {
		if m.isIndex() && m.Digest != d.Digest {
			if found, err := pick(m, arch, read); err != nil || found.Digest != "" {
				return found, err
			}
		}
	}
	return descriptor{}, nil
}

// pushing is one push.
type pushing struct {
	have    *content
	to      *oci.Repository
	from    string // a repository that may have the blobs
	telling telling
	sent    atomic.Int64
}

func (p *pushing) blob(ctx context.Context, d descriptor) error {
	there, err := p.to.Has(ctx, d.Digest)
	if err != nil {
		return err
	}
	if there {
		p.telling.step(d, statusExists, d.Size)
		return nil
	}
	p.telling.step(d, statusPushing, 0)
	open := func() (*os.File, error) {
		f, _, err := p.have.open(d.Digest)
		if absent(err) { // removed since it was looked at
			return nil, incomplete(d.Digest)
		}
		return f, storageError(p.have.on, "read", err)
	}
	n, err := p.to.Upload(ctx, oci.Blob{Digest: d.Digest, Size: d.Size}, p.from, open, p.telling.moving(d, statusPushing))
	p.sent.Add(n)
	if err != nil {
		return err
	}
	status := statusPushed
	if n == 0 && d.Size > 0 {
		status = statusMounted
	}
	p.telling.step(d, status, d.Size)
	return nil
}
