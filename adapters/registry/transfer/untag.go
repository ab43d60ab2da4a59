package transfer

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Untag implements port.Builder. Blobs that nothing names any more are removed,
// unless somebody brings some right now or index.json has entries that are not
// understood: then the next Untag does it.
func (b *builder) Untag(ctx context.Context, name string) error {
	if err := domain.RefuseInTx(ctx, "transfer: untag"); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return domain.Wrap("transfer: untag", err)
	}
	l := b.layout
	idx, err := l.readIndex()
	if err != nil || !idx.drop(name) {
		return err
	}
	if err := l.create(); err != nil {
		return err
	}
	dropped := false
	if err := l.change(ctx, func(idx *index) error { dropped = idx.drop(name); return nil }); err != nil || !dropped {
		return err
	}
	return l.sweep()
}

// sweep removes the blobs that no entry leads to.
func (l *layout) sweep() error {
	alone, got, err := tryLockFile(l.path(privateDir, usersLock), false)
	if err != nil {
		return storageError(l.String(), "lock", err)
	}
	if !got {
		return nil
	}
	defer func() { _ = alone.Close() }()
	idx, err := l.readIndex()
	if err != nil {
		return err
	}
	have := &content{on: l.String(), entries: idx.entries, open: l.open}
	keep := map[string]bool{}
	for _, e := range idx.entries {
		t, err := plant(e.desc, have.read)
		if err != nil {
			return nil // what an entry needs is not known: nothing is removed
		}
		for _, d := range t.docs {
			keep[l.blobPath(d.desc.Digest)] = true
		}
		for _, d := range t.blobs {
			keep[l.blobPath(d.Digest)] = true
		}
	}
	blobs, err := filepath.Glob(filepath.Join(escaped(l.path(blobDir)), "*", "*"))
	if err != nil {
		return storageError(l.String(), "sweep", err)
	}
	parts, err := filepath.Glob(filepath.Join(escaped(l.path(privateDir)), "*.part"))
	if err != nil {
		return storageError(l.String(), "sweep", err)
	}
	for _, file := range append(blobs, parts...) {
		if !keep[file] {
			if err := os.Remove(file); err != nil && !absent(err) {
				return storageError(l.String(), "sweep", err)
			}
		}
	}
	return nil
}

// escaped makes a path of a pattern that matches it alone.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
