package transfer

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Options tune transfers. The zero value is ready for use.
type Options struct {
	// Jobs is how many blobs one push or fetch moves at a time. Default 4.
	Jobs int
	// Unsynced leaves it to the system when content gets to the disk, as most
	// tools do. A fetch takes a third less time where the disk is slower than the
	// registry; after a power cut, what was fetched last may have to be deleted.
	Unsynced bool
	// Registry tunes how registries are spoken to.
	Registry oci.Options
}

// Open opens a store of images by its address: "oci:DIR" is an OCI image layout,
// "archive:FILE" a tar archive, as docker save writes it or of an OCI layout. DIR
// and FILE need not exist before the first fetch. What is opened is an io.Closer
// and safe for concurrent use, also by several processes; a layout is a
// port.Builder too. Errors: invalid, reason store_invalid; nothing is contacted
// or read.
func Open(_ context.Context, address string, o Options) (port.Local, error) {
	o.Jobs = max(cmp.Or(o.Jobs, 4), 1)
	kind, path, _ := strings.Cut(address, ":")
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, domain.Invalid(reasonStore, "address", "a store is oci:DIR or archive:FILE, not %s", domain.Quote(address))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, domain.Invalid(reasonStore, "address", "the working directory is not known: %v", err)
	}
	switch kind {
	case "oci":
		l := &layout{dir: path, unsynced: o.Unsynced}
		return &builder{store: newStore(l, o), layout: l}, nil
	case "archive":
		return newStore(&archive{file: path, unsynced: o.Unsynced}, o), nil
	}
	return nil, domain.Invalid(reasonStore, "address", "a store is oci:DIR or archive:FILE, not %s", domain.Quote(address))
}

// disk is where a store keeps images.
type disk interface {
	// look reads what is there; nothing at all is empty. The caller closes it.
	look(ctx context.Context) (*content, error)
	// receive prepares for the content of an image.
	receive(ctx context.Context, in incoming) (receiving, error)
	// String names it in errors.
	String() string
}

// incoming is an image that is about to come in under a name.
type incoming struct {
	name string
	top  descriptor // of what the name is to stand for
	tree tree
}

// receiving takes the blobs of one image, from several goroutines, and installs
// it once they are there.
type receiving interface {
	// take gives a place for a blob, nil when it is there.
	take(ctx context.Context, d descriptor) (place, error)
	// install makes the name stand for the image.
	install(ctx context.Context) error
	// close gives back what was held, installed or not.
	close()
}

// place is where one blob goes. One of keep and drop ends it.
type place interface {
	Write(p []byte) (int, error)
	keep() error // it was verified
	drop()
}

// store implements port.Local over a disk.
type store struct {
	disk    disk
	jobs    int
	clients clients
}

func newStore(d disk, o Options) *store {
	return &store{disk: d, jobs: o.Jobs, clients: clients{options: o.Registry}}
}

// Close drops idle connections. Calls under way go on.
func (s *store) Close() error {
	s.clients.close()
	return nil
}
