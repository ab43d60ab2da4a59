package ocilayout

import (
	"context"
	"encoding/json"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
)

// Pull implements port.Agent. The entry in index.json is written last, so a pull
// that is cut off leaves a valid layout; what it had fetched is used by the next
// one or swept by the next removal. When the agent already holds the manifest
// that the request expects, the registry is not asked.
func (a *agent) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	if t.expected != "" {
		out, err := a.held(ctx, t.image, t.expected, p)
		if err != nil || out.Unchanged {
			return out, err
		}
	} else if err := a.layout.locked(ctx, func() error { _, err := a.layout.readIndex(); return err }); err != nil {
		return domain.PullOutcome{}, err // before the network is bothered
	}
	s, err := a.connect(ctx, r)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	f, err := s.resolve(ctx, t, r.Reference.Digest)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	out, err := a.held(ctx, t.image, f.desc.Digest, p)
	if err != nil || out.Unchanged {
		return out, err
	}
	return a.fetch(ctx, s, t, f, p)
}

// held answers Unchanged when img is there, whole, with this manifest.
func (a *agent) held(ctx context.Context, img image, manifest domain.Digest, p domain.Progress) (out domain.PullOutcome, err error) {
	err = a.layout.locked(ctx, func() error {
		idx, err := a.layout.readIndex()
		if err != nil {
			return err
		}
		entries, err := a.layout.find(idx, img)
		if err != nil || len(entries) == 0 || entries[0].desc.Digest != manifest {
			return err
		}
		doc, whole, err := a.layout.manifest(entries[0].desc)
		if err == nil && whole {
			out = domain.PullOutcome{Digest: doc.Config.Digest, SizeBytes: doc.sizeBytes(), Unchanged: true}
		}
		return err
	})
	if out.Unchanged {
		p.Report(out.SizeBytes, out.SizeBytes, "already there")
	}
	return out, err
}

// fetch brings the content here and then names it.
func (a *agent) fetch(ctx context.Context, s *source, t target, f found, p domain.Progress) (domain.PullOutcome, error) {
	var mine *pin
	err := a.layout.locked(ctx, func() (err error) {
		mine, err = a.layout.pin(f.doc.content())
		return err
	})
	if err != nil {
		return domain.PullOutcome{}, err
	}
	defer mine.release()
	m := newMeter(f.doc.content())
	err = m.run(p, func() error {
		if err := a.fetchBlob(ctx, s, *f.doc.Config, mine, m); err != nil {
			return err
		}
		config, err := a.layout.readBlob(*f.doc.Config)
		if err == nil && config == nil {
			err = storageError(a.layout.on, "blobs", errors.New("the configuration changed on disk"))
		}
		if err != nil {
			return err
		}
		// Before the layers: a wrong image must not cost gigabytes.
		if err := checkPlatform(config, t); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(a.jobs)
		for _, layer := range f.doc.content()[1:] {
			group.Go(func() error { return a.fetchBlob(ctx, s, layer, mine, m) })
		}
		return group.Wait()
	})
	if err == nil {
		err = a.commit(ctx, t, f, mine)
	}
	if err != nil {
		return domain.PullOutcome{}, err
	}
	return domain.PullOutcome{Digest: f.doc.Config.Digest, SizeBytes: f.doc.sizeBytes()}, nil
}

// commit writes the manifest and makes it the entry of the image.
func (a *agent) commit(ctx context.Context, t target, f found, mine *pin) error {
	l := a.layout
	return l.locked(ctx, func() error {
		idx, err := l.readIndex()
		if err != nil {
			return err
		}
		if held, err := l.holds(f.desc); err != nil {
			return err
		} else if !held {
			if err := l.writeBlob(f.desc.Digest, f.raw, mine); err != nil {
				return err
			}
		}
		architecture, variant := domain.OCIPlatform(t.architecture)
		f.desc.Platform = &platform{Architecture: architecture, OS: "linux", Variant: variant}
		f.desc.Annotations = map[string]string{refName: t.canonical}
		raw, err := json.Marshal(f.desc)
		if err != nil {
			return storageError(l.on, "index.json", err)
		}
		if err := l.put(idx, t.image, entry{raw: raw, desc: f.desc}); err != nil {
			return err
		}
		return l.writeIndex(idx)
	})
}

// writeBlob stores content that is already verified.
func (l *layout) writeBlob(d domain.Digest, content []byte, mine *pin) error {
	tmp, err := l.newBlob(d, mine)
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if err := l.settle(tmp, l.blobPath(d), err); err != nil {
		return storageError(l.on, "blobs", err)
	}
	return nil
}
