package docker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/moby/moby/api/types/image"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
)

// agent implements port.Agent, port.Local, port.Builder, port.Containers,
// port.Committer and io.Closer.
type agent struct {
	engine  *engine
	jobs    int
	cleanUp time.Duration
	names   keyLock // by canonical
}

// Close closes idle connections. Calls under way go on.
func (a *agent) Close() error { return a.engine.api().Close() }

// Inventory implements port.Agent: every tag whose name is one of ours and whose
// image is for Linux. An image that goes away while it is looked at is left out;
// one that cannot be read is an error.
func (a *agent) Inventory(ctx context.Context) (domain.Inventory, error) {
	if err := a.engine.begin(ctx, "inventory"); err != nil {
		return domain.Inventory{}, err
	}
	list, err := a.engine.images(ctx)
	if err != nil {
		return domain.Inventory{}, err
	}
	used, err := a.usage(ctx)
	if err != nil {
		return domain.Inventory{}, err
	}
	list = slices.DeleteFunc(list, func(s image.Summary) bool { return len(canonicals(s)) == 0 })
	found := make([]stored, len(list))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(a.jobs)
	for i, s := range list {
		group.Go(func() error {
			got, _, err := a.engine.inspect(groupCtx, s.ID)
			found[i] = got
			return err
		})
	}
	err = group.Wait()
	if ctx.Err() != nil {
		err = contextError(ctx, "inventory")
	}
	if err != nil {
		return domain.Inventory{}, err
	}
	return domain.Inventory{Images: listed(list, found, used)}, nil
}

// listed joins what was found. No two tags are the same name, but two spellings
// of a host may be.
func listed(list []image.Summary, found []stored, used usage) []domain.InventoryImage {
	images := []domain.InventoryImage{}
	for i, s := range list {
		if found[i].architecture == "" {
			continue
		}
		names := canonicals(s)
		for _, name := range names {
			images = append(images, domain.InventoryImage{
				Canonical: name, Architecture: found[i].architecture, Digest: found[i].digest,
				SizeBytes: found[i].size, Containers: used.of(found[i].id, name, names),
			})
		}
	}
	slices.SortStableFunc(images, func(a, b domain.InventoryImage) int {
		return cmp.Or(cmp.Compare(a.Canonical, b.Canonical), cmp.Compare(a.Architecture, b.Architecture))
	})
	return slices.CompactFunc(images, func(a, b domain.InventoryImage) bool {
		return a.Canonical == b.Canonical && a.Architecture == b.Architecture
	})
}

// canonicals returns the names that an image has here.
func canonicals(s image.Summary) []string {
	var names []string
	for _, tag := range s.RepoTags {
		if name, ok := canonicalOf(tag); ok {
			names = append(names, name)
		}
	}
	return names
}
