package service

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// CatalogService is the room of images, aliases and limits.
type CatalogService struct {
	door    *door
	names   names
	clients *clients
	fleet   Fleet
	now     func() time.Time
}

// names turns what users write into images.
type names struct {
	parser       domain.ReferenceParser
	architecture string // the default of reads
}

// lookup finds one image by any of its names. With a default architecture it
// is a read; "" makes several architectures an error.
func (n names) lookup(ctx context.Context, images repository.ImageRepository, key domain.ImageKey, r domain.Resolution) (domain.Image, error) {
	l, err := domain.NewLookup(n.parser, key.Reference)
	if err != nil {
		return domain.Image{}, err
	}
	if key.Architecture != "" {
		if r.Architecture, err = domain.NormalizeArchitecture(key.Architecture); err != nil {
			return domain.Image{}, err
		}
	}
	found, err := images.Find(ctx, l)
	if err != nil {
		return domain.Image{}, err
	}
	return r.Choose(key.Reference, found)
}

// forReading takes the default architecture where none was asked for.
func (n names) forReading(ctx context.Context, images repository.ImageRepository, key domain.ImageKey, statuses ...domain.ImageStatus) (domain.Image, error) {
	return n.lookup(ctx, images, key, domain.Resolution{Default: n.architecture, Statuses: statuses})
}

// forWriting wants the one image that is meant, whatever its status.
func (n names) forWriting(ctx context.Context, images repository.ImageRepository, key domain.ImageKey) (domain.Image, error) {
	return n.lookup(ctx, images, key, domain.Resolution{Statuses: domain.ImageStatuses()})
}
