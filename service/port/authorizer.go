package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Authorizer decides what an actor may do, and to which rows. It never says
// yes by mistake: without a rule the answer is the zero Grant (reach none), and
// a failure to decide is an error with code internal or unavailable.
type Authorizer interface {
	Authorize(ctx context.Context, a domain.Actor, permission string) (domain.Grant, error)
}

// Explainer is an Authorizer that can tell why.
type Explainer interface {
	Explain(ctx context.Context, a domain.Actor, permission string) (domain.Decision, error)
}
