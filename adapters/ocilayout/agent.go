package ocilayout

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// agent implements port.Agent and io.Closer.
type agent struct {
	layout   *layout
	stall    time.Duration
	jobs     int
	blobs    keyLock // one fetch per blob
	verified *http.Transport
	trusting *http.Transport // for registries whose certificate is not verified
}

// Close closes idle connections. Calls under way go on.
func (a *agent) Close() error {
	a.verified.CloseIdleConnections()
	a.trusting.CloseIdleConnections()
	return nil
}

// Inventory implements port.Agent. Entries without a canonical name are not
// images of ours, and an image with missing content is not held; both are left
// out. A directory, index or container note that cannot be read is an error.
func (a *agent) Inventory(ctx context.Context) (domain.Inventory, error) {
	images := []domain.InventoryImage{}
	err := a.layout.locked(ctx, func() error {
		idx, err := a.layout.readIndex()
		if err != nil {
			return err
		}
		used, err := a.layout.containers()
		if err != nil {
			return err
		}
		seen := map[image]bool{}
		for _, e := range idx.entries {
			if e.canonical() == "" {
				continue
			}
			if ctx.Err() != nil {
				return contextError(ctx, "inventory")
			}
			arch, err := a.layout.architecture(e.desc)
			if err != nil {
				return err
			}
			doc, ok, err := a.layout.manifest(e.desc)
			if err != nil {
				return err
			}
			img := image{e.canonical(), arch}
			if !ok || arch == "" || seen[img] {
				continue
			}
			seen[img] = true
			images = append(images, domain.InventoryImage{
				Canonical: img.canonical, Architecture: arch, Digest: doc.Config.Digest,
				SizeBytes: doc.sizeBytes(), Containers: used[img],
			})
		}
		return nil
	})
	if err != nil {
		return domain.Inventory{}, err
	}
	slices.SortFunc(images, func(a, b domain.InventoryImage) int {
		return cmp.Or(cmp.Compare(a.Canonical, b.Canonical), cmp.Compare(a.Architecture, b.Architecture))
	})
	return domain.Inventory{Images: images}, nil
}

// Remove implements port.Agent. It takes away the entry of this canonical and
// architecture, then the blobs that no entry and no pull under way needs; other
// tags of the same digest stay. What cannot be deleted waits for the next
// removal.
func (a *agent) Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error) {
	img, err := key(r.Canonical, r.Architecture)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	var out domain.RemoveOutcome
	err = a.layout.locked(ctx, func() error {
		idx, err := a.layout.readIndex()
		if err != nil {
			return err
		}
		if err := a.layout.removable(idx, img, r.Force); err != nil {
			return err
		}
		if err := a.layout.drop(idx, img); err != nil {
			return err
		}
		var keep map[domain.Digest]bool
		prune := !r.NoPrune && !idx.odd
		if prune {
			// Before the entry goes: an error must leave everything as it was.
			if keep, err = a.layout.mark(idx); err != nil {
				return err
			}
		}
		if err := a.layout.writeIndex(idx); err != nil {
			return err
		}
		if prune {
			out.FreedBytes = a.layout.sweep(keep)
		}
		return nil
	})
	return out, err
}

// removable checks that img is there and, unless forced, that no container uses
// it.
func (l *layout) removable(idx *index, img image, force bool) error {
	found, err := l.find(idx, img)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return domain.NotFound("image", img.String())
	}
	if force {
		return nil
	}
	used, err := l.containers()
	if err != nil {
		return err
	}
	if names := used[img]; len(names) > 0 {
		return domain.Errorf(domain.CodeConflict, "image_in_use", img.String(), "containers use the image: %s", strings.Join(names, ", "))
	}
	return nil
}
