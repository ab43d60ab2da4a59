package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Pusher is a store of images (an [Agent], or a [Local]) that can send one to a
// registry.
type Pusher interface {
	// Push sends an image so that the tag of r.Remote names it. Every layer's
	// digest is verified by somebody before the tag moves; what the registry has
	// is not sent again, also not after a push that was cut off; names that the
	// push needed are gone afterwards. Events of layers go to sink, which may be
	// nil. An image that is not there is not_found, reason image_not_found; what
	// the registry says has the codes and reasons of [Registry], and a push that
	// it refuses is forbidden, reason push_denied.
	Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error)
}

// Fetcher is a store of images that can fetch one from a registry under a name
// of its own.
type Fetcher interface {
	// Fetch returns once r.Local names the image and nothing else does that did
	// not before. Content that does not have its digest is precondition, reason
	// digest_mismatch, names the digest, and leaves nothing half installed.
	Fetch(ctx context.Context, r domain.FetchRequest, sink domain.TransferSink) (domain.FetchOutcome, error)
}

// Local is a store of images at hand: an engine, an OCI layout, an archive. It
// may be a [Builder], [Containers] and [Committer] too.
type Local interface {
	Pusher
	Fetcher
}

// OpenLocal opens a store by its address: "docker", "docker:HOST", "oci:DIR",
// "archive:FILE"; "" is the engine at hand. Whoever opened it closes it, where
// it is an io.Closer. Errors: invalid, reason store_invalid; opening contacts
// nobody.
type OpenLocal func(ctx context.Context, address string) (Local, error)

// Builder is a store of images that can build one.
type Builder interface {
	// Build makes an image and names it. An image that had the name keeps its
	// content and loses the name only when the new one is there. What the build
	// says goes to sink as build events. A build that fails is precondition,
	// reason build_failed, with the last lines it said; a source that this
	// builder cannot do is precondition, reason build_unsupported.
	// One that is not there is not_found, reason build_source_not_found, and one
	// that cannot be read precondition, reason build_source_unreadable; a template
	// that would leave its folder, or is too large, is invalid, reason
	// build_template_invalid.
	Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error)
	// Untag takes a name from an image, and removes the image where nothing else
	// names or uses it. One that is gone is nil; one that a container uses is
	// conflict, reason image_in_use.
	Untag(ctx context.Context, name string) error
}

// Containers is an [Agent] that knows its containers.
type Containers interface {
	// Containers returns those made from the image with one of these
	// configurations, running or not, and no other's.
	Containers(ctx context.Context, images ...domain.Digest) ([]domain.Container, error)
	// StopContainer stops one, with the engine's grace period; one that is gone or
	// stopped is nil.
	StopContainer(ctx context.Context, id string) error
	// RemoveContainer removes one that is stopped, and no volumes; one that is gone
	// is nil, one that runs is conflict, reason container_running.
	RemoveContainer(ctx context.Context, id string) error
}

// Committer is an [Agent] that can make an image of a container.
type Committer interface {
	// Container returns one by its id, with its labels. One that is not there is
	// not_found, reason container_not_found.
	Container(ctx context.Context, id string) (domain.Container, error)
	// Commit tells commit_started and commit_finished. The container goes on. One
	// that is not there is not_found, reason container_not_found.
	Commit(ctx context.Context, r domain.CommitRequest, sink domain.TransferSink) (domain.CommitOutcome, error)
}
