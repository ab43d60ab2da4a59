package port

import (
	"context"
	"iter"

	"github.com/wharf-project/wharf/domain"
)

// Registry is one opened registry row. Implementations are safe for concurrent
// use and share tokens and connections between calls.
//
// Errors are coded, and a failure to find out never looks like absence: 404 is
// not_found (reason repository_not_found, tag_not_found), 429 is rate_limited
// (reason registry_limited) with RetryAfter, 401 and 403 on stored credentials
// are precondition (reason registry_credentials), a token realm or an address
// that is not permitted too (registry_realm, registry_address), everything else
// that the registry does wrong is unavailable (reason registry_failed), a
// malformed answer too (reason registry_malformed).
type Registry interface {
	// Repositories yields the repositories of the row: its project's own path and
	// those below it, all of them without a project. A registry that cannot list
	// is precondition, reason catalog_unsupported. A sequence that ends without an error was
	// complete.
	Repositories(ctx context.Context) iter.Seq2[string, error]
	// Tags yields the tags of a repository; repo is the path below the host. A
	// repository without tags yields nothing. A sequence that ends without an
	// error was complete.
	Tags(ctx context.Context, repo string) iter.Seq2[domain.TagRow, error]
	// Describe reads what is behind one reference. When known is not empty and
	// the reference still has that digest, the answer is Unchanged and costs
	// one HEAD.
	Describe(ctx context.Context, r domain.Reference, known domain.Digest) (domain.Description, error)
}

// TagDeleter is a Registry that can remove one tag and leave its digest and
// the digest's other tags alone.
type TagDeleter interface {
	// DeleteTag removes one tag. A tag that is gone already is nil. A registry
	// that cannot is precondition, reason tag_delete_unsupported.
	DeleteTag(ctx context.Context, r domain.Reference) error
}

// DigestDeleter is a Registry that can remove a manifest with every tag that
// points to it.
type DigestDeleter interface {
	// DeleteDigest removes the manifest; one that is gone already is nil. A
	// registry where deletion is off is precondition, reason delete_disabled.
	DeleteDigest(ctx context.Context, repo string, d domain.Digest) error
}

// OpenRegistry opens a registry row; its password is in the clear. The service
// keeps what it opened by the row's id and revision. Errors: invalid when the
// row does not fit the adapter. Opening contacts nobody.
type OpenRegistry func(ctx context.Context, r domain.Registry) (Registry, error)
