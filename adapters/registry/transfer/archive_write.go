package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

const partSuffix = ".part"

// growing is an archive that is being written, as FILE.part. The sizes of all
// content are known before any of it comes, so each blob has its place from the
// beginning and many arrive at once. An archive that was cut off has the same
// places when the same image comes again: what is whole there is kept.
type growing struct {
	archive *archive
	file    *os.File // locked until it is closed
	blobs   map[domain.Digest]*region
	resumed bool
}

// region is the place of one blob; only one goroutine uses it.
type region struct {
	at, size int64
	whole    bool
}

// receive implements disk. Images of other names that the archive has are copied
// over. The result is both an OCI layout and what docker load reads.
func (a *archive) receive(ctx context.Context, in incoming) (receiving, error) {
	file, err := lockFile(ctx, a.file+partSuffix, false)
	if err != nil {
		return nil, storageError(a.String(), "lock", err)
	}
	g := &growing{archive: a, file: file, blobs: map[domain.Digest]*region{}}
	if err := g.plan(ctx, in); err != nil {
		g.close()
		return nil, storageError(a.String(), "write", err)
	}
	return g, nil
}

// plan gives everything its place and writes what is there already.
func (g *growing) plan(ctx context.Context, in incoming) error {
	have, err := g.archive.look(ctx) // under the lock: the last one that was installed
	if err != nil {
		return err
	}
	defer have.close()
	if have.readOnly {
		return domain.Errorf(domain.CodePrecondition, reasonReadOnly, g.archive.String(),
			"an archive that docker save wrote is not added to; fetch into another file")
	}
	idx := emptyIndex()
	if have.fields != nil {
		idx.fields = have.fields
	}
	idx.entries = slices.Clone(have.entries)
	if err := idx.put(in.name, in.top); err != nil {
		return err
	}
	images := []tree{in.tree}
	for _, e := range idx.entries[:len(idx.entries)-1] {
		t, err := plant(e.desc, have.read)
		if err != nil {
			return err
		}
		images = append(images, t)
	}
	index, err := idx.marshal()
	if err != nil {
		return err
	}
	manifest, err := saveManifest(idx.entries, images)
	if err != nil {
		return err
	}
	l := &laying{file: g.file}
	sizes := map[domain.Digest]int64{}
	for _, t := range images {
		for _, d := range t.docs {
			sizes[d.desc.Digest] = d.desc.Size
		}
		for _, b := range t.blobs {
			sizes[b.Digest] = b.Size
		}
	}
	total, err := l.layOut([]small{{layoutFile, []byte(layoutVersion)}, {indexFile, index}, {"manifest.json", manifest}}, sizes, g.blobs)
	if err != nil {
		return err
	}
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	if g.resumed = info.Size() == total; !g.resumed {
		if err := errors.Join(g.file.Truncate(0), g.file.Truncate(total)); err != nil {
			return err
		}
	}
	if err := l.write(); err != nil {
		return err
	}
	for _, t := range images {
		for _, d := range t.docs {
			r := g.blobs[d.desc.Digest]
			if _, err := g.file.WriteAt(d.raw, r.at); err != nil {
				return err
			}
			r.whole = true
		}
	}
	if err := g.copyFrom(ctx, have); err != nil {
		return err
	}
	for _, t := range images[1:] {
		for _, b := range t.blobs {
			if !g.blobs[b.Digest].whole && !has(in.tree.blobs, b.Digest) {
				return incomplete(b.Digest) // rather than an archive with a hole
			}
		}
	}
	return nil
}

// copyFrom takes over the blobs of the archive that is to be replaced.
func (g *growing) copyFrom(ctx context.Context, have *content) error {
	for d, r := range g.blobs {
		if r.whole {
			continue
		}
		f, size, err := have.open(d)
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(io.MultiWriter(h, io.NewOffsetWriter(g.file, r.at)), reading{ctx, io.LimitReader(f, min(size, r.size))})
		_ = f.Close()
		if err != nil {
			return err
		}
		r.whole = size == r.size && "sha256:"+hex.EncodeToString(h.Sum(nil)) == d.String()
	}
	return nil
}

// take implements receiving.
func (g *growing) take(ctx context.Context, d descriptor) (place, error) {
	r := g.blobs[d.Digest]
	if r.size != d.Size {
		return nil, mismatch(d.Digest)
	}
	if !r.whole && g.resumed {
		h := sha256.New()
		if _, err := io.Copy(h, reading{ctx, io.NewSectionReader(g.file, r.at, r.size)}); err != nil {
			return nil, storageError(g.archive.String(), "read", err)
		}
		r.whole = "sha256:"+hex.EncodeToString(h.Sum(nil)) == d.Digest.String()
	}
	if r.whole {
		return nil, nil
	}
	return &spot{to: io.NewOffsetWriter(g.file, r.at), region: r, on: g.archive.String()}, nil
}

// install gives the archive its name.
func (g *growing) install(context.Context) error {
	err := g.file.Chmod(0o644)
	if err == nil && !g.archive.unsynced {
		err = g.file.Sync()
	}
	if err == nil {
		err = os.Rename(g.file.Name(), g.archive.file)
	}
	if err == nil && !g.archive.unsynced {
		err = syncDir(filepath.Dir(g.archive.file))
	}
	return storageError(g.archive.String(), "write", err)
}

func (g *growing) close() { _ = g.file.Close() }

// spot writes one blob.
type spot struct {
	to     io.Writer
	region *region
	on     string
}

func (s *spot) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	return n, storageError(s.on, "write", err)
}

func (s *spot) keep() error { s.region.whole = true; return nil }
func (s *spot) drop()       {}
