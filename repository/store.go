package repository

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// Unit is one call's hold on the store: what it may reach, what it leaves in
// the trail, and the one clock reading that all its rows share.
type Unit struct {
	Scope domain.Scope
	// Audit is written as the last statement of every transaction of the call,
	// with the ids that were touched; nil: a read, nothing is written.
	Audit *domain.AuditEntry
	Now   time.Time
	// Tenancy overrides the store's own tables; nil: the tables answer.
	Tenancy Tenancy
}

// Tenancy knows which scaling groups a domain and a project may use; it is the
// service's port of that name.
type Tenancy interface {
	ScalingGroups(ctx context.Context, domain, project string) ([]string, error)
}

// DB is one way into the store, for views of type V.
type DB[V any] interface {
	// Read returns a view outside any transaction; writes through it are
	// internal errors, and so are reads inside a callback of InTx.
	Read() V
	// InTx runs fn in one transaction. What fn returns decides: nil commits, an
	// error or a panic rolls back. A commit that fails is reported. After a
	// serialization failure or a deadlock fn runs again, at most five times in
	// all, so it must touch nothing but tx. InTx inside fn is an internal error.
	InTx(ctx context.Context, fn func(ctx context.Context, tx V) error) error
}

// Scoped is the store as one actor's grant reaches it.
type Scoped = DB[View]

// Admin is the store without row filters; only a grant over everything gets it.
type Admin = DB[AdminView]

// View is what a scoped handler can touch.
type View struct {
	Images     ImageRepository
	Saves      SaveRepository
	Aliases    AliasRepository
	Registries RegistryRepository
	Agents     AgentRepository
	Tenancy    TenancyRepository
	Audit      AuditRepository
	Tasks      TaskRepository
	Access     AccessRepository
	Keys       KeyRepository
	Builds     BuildRepository
}

// AdminView is what an admin handler can touch. Its repositories take the
// place of the View's.
type AdminView struct {
	View
	Images     AdminImageRepository
	Registries AdminRegistryRepository
	Agents     AdminAgentRepository
	Tenancy    AdminTenancyRepository
}

// Store is the persistence of one installation. Implementations are safe for
// concurrent use. After Close every call is unavailable.
type Store interface {
	Scoped(Unit) Scoped
	Admin(Unit) Admin
	AuditLog
	Idempotency
	TaskQueue
	AccessReader
}

// AuditLog writes entries that belong to no transaction of a handler: denials,
// failures, and the start of external effects.
type AuditLog interface {
	// Record writes the entry in its own transaction. An id that is there
	// already is updated: status, code and reason are replaced, targets and Count
	// are added.
	Record(ctx context.Context, e domain.AuditEntry) error
}

// Idempotency remembers the results of writes by key.
type Idempotency interface {
	// Claim takes (actor, action, key) for a call with this hash of its action.
	// The answer is the stored result of an earlier call (done), or nil when the
	// caller holds the claim now. The same key with another hash, and a key
	// whose call is still under way, are conflict (reasons idempotency_mismatch,
	// idempotency_busy). A claim that was never settled ends after busy.
	Claim(ctx context.Context, c IdempotencyClaim, busy time.Duration) (result []byte, done bool, err error)
	// Settle stores the result of a claim; a nil result gives the claim back.
	Settle(ctx context.Context, c IdempotencyClaim, result []byte) error
}

// IdempotencyClaim names one idempotent call.
type IdempotencyClaim struct {
	Actor  domain.UserID
	Action string
	Key    string
	Hash   string
	Now    time.Time
}
