package repository

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// AccessRepository is the custom roles and bindings that a scope can see: all
// for reach any, else those of the actor's domain. A role is of a domain when
// all of its rules are for that one. Changing what is of another domain, or of
// none, is forbidden (domain_out_of_reach).
type AccessRepository interface {
	// Rows returns all roles and bindings, whatever the scope: what may be given
	// away is judged by all of them. They are of one moment.
	Rows(ctx context.Context) (domain.PolicyRows, error)
	// Change is Rows for a transaction that is going to change them. Whoever else
	// called it before has committed by then, whoever calls it later waits until
	// this transaction ends; it gives the rows a new revision.
	Change(ctx context.Context) (domain.PolicyRows, error)
	Role(ctx context.Context, name domain.Role) (domain.PolicyRole, error)
	Roles(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.PolicyRole, domain.PageInfo, error)
	Bindings(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.RoleBinding, domain.PageInfo, error)
	// CreateRole adds a role; a taken name is conflict (role_exists), also when
	// the scope does not see whose it is.
	CreateRole(ctx context.Context, r domain.PolicyRole) (domain.PolicyRole, error)
	// SaveRole replaces a role of the given revision; conflict (revision_changed).
	SaveRole(ctx context.Context, r domain.PolicyRole) (domain.PolicyRole, error)
	// DeleteRole removes a role; one that somebody is bound to is precondition
	// (role_in_use).
	DeleteRole(ctx context.Context, name domain.Role) error
	// Bind and Unbind say whether they changed anything.
	Bind(ctx context.Context, b domain.Binding) (bool, error)
	Unbind(ctx context.Context, b domain.Binding) (bool, error)
}

// KeyRepository is the API keys that a scope can see: all for reach any, else
// those that act as the actor. Others do not exist for it (not_found).
type KeyRepository interface {
	// Create stores a key with the hash of its secret. Without reach any, the key
	// of another user is forbidden (reach_too_small).
	Create(ctx context.Context, k domain.APIKey, hash string) (domain.APIKey, error)
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.APIKey, domain.PageInfo, error)
	// Revoke ends a key for good and says whether it was not revoked before.
	Revoke(ctx context.Context, id domain.KeyID) (domain.APIKey, bool, error)
}

// AccessReader is how authentication and authorization read what they decide
// by: not bound to a scope, since there is none before they have decided.
type AccessReader interface {
	// PolicyRevision changes with every change of roles and bindings. It is cheap.
	PolicyRevision(ctx context.Context) (int64, error)
	// PolicyRows returns all roles and bindings, of one moment.
	PolicyRows(ctx context.Context) (domain.PolicyRows, error)
	// FindKey returns a key with its hash, whether it is usable or not; not_found.
	FindKey(ctx context.Context, id domain.KeyID) (key domain.APIKey, hash string, err error)
	// KeyUsed notes when a key was last used, unless a use of less than a minute
	// before is noted: keys in steady use cost one write a minute.
	KeyUsed(ctx context.Context, id domain.KeyID, at time.Time) error
}
