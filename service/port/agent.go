package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Agent is one node that holds images. Implementations are safe for concurrent
// use. Errors are coded: unavailable when the node cannot be reached, timeout
// and canceled by the context, precondition when the node refuses this
// installation's certificates or keys (agent_tls, agent_ssh), not_found and
// conflict as said below.
type Agent interface {
	// Inventory returns everything that the node holds; it is complete or an
	// error.
	Inventory(ctx context.Context) (domain.Inventory, error)
	// Pull makes the node hold the image of r, and returns only after the
	// content was verified against the digests of the registry. What is there
	// already is left alone (Unchanged). Progress may be nil. A digest that
	// does not match is precondition, reason digest_mismatch; what the registry
	// says has the codes and reasons of [Registry].
	Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error)
	// Remove removes one image by canonical and architecture and nothing else.
	// An image that a container uses is conflict, reason image_in_use, unless
	// forced; one that is not there is not_found, reason image_not_found.
	Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error)
}

// OpenAgent opens the agent of a row. The service keeps what it opened by the
// row's id and revision; it closes an Agent that is an io.Closer when a newer
// revision replaces it. Errors: invalid when the row does not fit the adapter.
type OpenAgent func(ctx context.Context, a domain.Agent) (Agent, error)
