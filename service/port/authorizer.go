package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Authorizer decides what an actor may do, and to which rows. It never says
// yes by mistake: without a rule the answer is the zero Grant (reach none), and
// a failure to decide is an error with code internal or unavailable. The
// actor's scopes are not its concern: the door looks at them.
type Authorizer interface {
	Authorize(ctx context.Context, a domain.Actor, permission string) (domain.Grant, error)
}

// Explainer is an Authorizer that can tell why.
type Explainer interface {
	Explain(ctx context.Context, a domain.Actor, permission string) (domain.Decision, error)
}

// Evaluator is an Authorizer that takes roles and bindings from rows, and can
// say what rows would mean before they are in force.
type Evaluator interface {
	// Policy evaluates rows beside the configured policy. It asks nobody, so that
	// it may be called inside a transaction; rows that are not in order mean
	// nothing there, as they do when they are in force. Errors: precondition,
	// reason roles_unavailable, when rows have no effect here; internal.
	Policy(rows domain.PolicyRows) (Policy, error)
}

// Policy is what one state of the rows means, with the configured policy.
type Policy interface {
	// Role returns a role with the rules of its own, false when there is none.
	Role(name domain.Role) (domain.PolicyRole, bool)
	// Reserved reports whether only the configured policy may give a role.
	Reserved(name domain.Role) bool
	// Rules returns every rule of a role, those that it inherits among them.
	Rules(name domain.Role) []domain.RoleRule
	// Grants returns what an actor may do, by permission, without a look at its
	// scopes. Permissions that it lacks are left out. Errors: internal.
	Grants(a domain.Actor) (map[string]domain.Grant, error)
}

// Searcher is an Authorizer that knows who has a permission.
type Searcher interface {
	// WhoCan looks through the policy in force. Errors: internal for an unknown
	// permission, unavailable when the policy cannot be read.
	WhoCan(ctx context.Context, q domain.AccessQuery) (domain.Holders, error)
}

// Simulator is an Authorizer that can compare two states of the rows.
type Simulator interface {
	// Simulate returns the decisions that differ, at most limit of them. Rows that
	// are not in order mean nothing. Errors: precondition, reason
	// roles_unavailable; canceled and timeout when ctx ends first; internal.
	Simulate(ctx context.Context, before, after domain.PolicyRows, limit int) (domain.Flips, error)
}
