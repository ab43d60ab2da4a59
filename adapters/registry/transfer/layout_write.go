package transfer

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/wharf-project/wharf/domain"
)

const (
	indexLock = "index.lock" // held for moments
	usersLock = "users.lock" // shared by whoever brings blobs, alone by whoever removes them
)

// create makes the directories of a layout.
func (l *layout) create() error {
	if _, err := l.readIndex(); err != nil {
		return err // something else is there
	}
	err := os.MkdirAll(l.path(blobDir, "sha256"), 0o755)
	if err == nil {
		err = os.MkdirAll(l.path(privateDir), 0o755)
	}
	return storageError(l.String(), "create", err)
}

func (l *layout) receive(ctx context.Context, in incoming) (receiving, error) {
	if err := l.create(); err != nil {
		return nil, err
	}
	users, err := lockFile(ctx, l.path(privateDir, usersLock), true)
	if err != nil {
		return nil, storageError(l.String(), "lock", err)
	}
	return &arriving{layout: l, incoming: in, users: users}, nil
}

// arriving is an image on its way into a layout.
type arriving struct {
	layout *layout
	incoming
	users *os.File
}

func (a *arriving) close() { _ = a.users.Close() }

// take locks the unfinished file of the blob: whoever else wants the blob waits,
// and finds it whole.
func (a *arriving) take(ctx context.Context, d descriptor) (place, error) {
	l := a.layout
	if whole, err := l.has(d); err != nil || whole {
		return nil, err
	}
	f, err := lockFile(ctx, l.path(privateDir, d.Digest.Hex()+".part"), false)
	if err != nil {
		return nil, storageError(l.String(), "write", err)
	}
	whole, err := l.has(d)
	if err == nil && !whole {
		err = storageError(l.String(), "write", f.Truncate(0))
	}
	if err != nil || whole {
		if whole {
			_ = os.Remove(f.Name())
		}
		_ = f.Close()
		return nil, err
	}
	return &part{layout: l, file: f, digest: d.Digest}, nil
}

// has reports whether a blob is there, by its size: it got its name after it was
// verified.
func (l *layout) has(d descriptor) (bool, error) {
	info, err := os.Stat(l.blobPath(d.Digest))
	if absent(err) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular() && info.Size() == d.Size, storageError(l.String(), "look", err)
}

// install writes the documents, then names the image.
func (a *arriving) install(ctx context.Context) error {
	l := a.layout
	for _, d := range a.tree.docs {
		at, err := a.take(ctx, d.desc)
		if err != nil {
			return err
		}
		if at == nil {
			if raw, err := os.ReadFile(l.blobPath(d.desc.Digest)); err == nil && sha256Of(raw) == d.desc.Digest {
				continue
			}
			if err := l.replace(l.blobPath(d.desc.Digest), d.raw); err != nil { // it was damaged
				return storageError(l.String(), "write", err)
			}
			continue
		}
		if _, err := at.Write(d.raw); err != nil {
			at.drop()
			return err
		}
		if err := at.keep(); err != nil {
			return err
		}
	}
	return l.change(ctx, func(idx *index) error { return idx.put(a.name, a.top) })
}

// change replaces index.json by what fn makes of it.
func (l *layout) change(ctx context.Context, fn func(*index) error) error {
	lock, err := lockFile(ctx, l.path(privateDir, indexLock), false)
	if err != nil {
		return storageError(l.String(), "lock", err)
	}
	defer func() { _ = lock.Close() }()
	idx, err := l.readIndex()
	if err != nil {
		return err
	}
	if err := fn(idx); err != nil {
		return err
	}
	raw, err := idx.marshal()
	if _, missing := os.Stat(l.path(layoutFile)); err == nil && absent(missing) {
		err = os.WriteFile(l.path(layoutFile), []byte(layoutVersion), 0o644) // always the same
	}
	if err == nil {
		err = l.replace(l.path(indexFile), raw)
	}
	return storageError(l.String(), "index.json", err)
}

// replace writes a file so that a reader, and the disk after a crash, has either
// the old content or the new one.
func (l *layout) replace(name string, raw []byte) error {
	f, err := os.CreateTemp(l.path(privateDir), filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil && !l.unsynced {
		err = f.Sync()
	}
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// part is an unfinished blob. Closing the file unlocks it.
type part struct {
	layout *layout
	file   *os.File
	digest domain.Digest
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	return n, storageError(p.layout.String(), "write", err)
}

// keep gives the blob its name. It does not wait for the disk, which would take
// half of the time of a fetch: what a power cut takes away is missing by size,
// and [layout.has] sees that.
func (p *part) keep() error {
	writeSoon(p.file)
	err := os.MkdirAll(filepath.Dir(p.layout.blobPath(p.digest)), 0o755)
	if err == nil {
		err = os.Rename(p.file.Name(), p.layout.blobPath(p.digest))
	}
	return storageError(p.layout.String(), "write", errors.Join(err, p.file.Close()))
}

func (p *part) drop() {
	_ = os.Remove(p.file.Name())
	_ = p.file.Close()
}

// syncDir makes renames in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
