package repository

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// RegistryRepository is the registries that a scope can see: all for reach any,
// else those allowed for the actor's domain (and projects, unless global).
// Passwords are as stored: sealed.
type RegistryRepository interface {
	Get(ctx context.Context, id domain.RegistryID) (domain.Registry, error)
	// Find returns the registry row that an image belongs to: the same host and
	// the longest project that the repository lies in. not_found when the host
	// is not registered for it.
	Find(ctx context.Context, host, repo string) (domain.Registry, error)
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Registry, domain.PageInfo, error)
	// Claims returns which parts of a host are whose, also of rows that the scope
	// cannot see: a repository of theirs is nobody else's.
	Claims(ctx context.Context, host string) ([]RegistryClaim, error)
	// Holds says whether a repository of a row that the scope sees is in its
	// reach: own is one of a project of the actor, see [domain.Actor.Holds]. It
	// reads nothing.
	Holds(r domain.Registry, repo string) bool
}

// RegistryClaim is what a registry row stands for.
type RegistryClaim struct {
	ID      domain.RegistryID
	Project string
	Visible bool
}

// AdminRegistryRepository is all registries.
type AdminRegistryRepository interface {
	RegistryRepository
	// Named returns the rows with this host, and with this project unless it is
	// nil, ordered by project; none is an empty slice.
	Named(ctx context.Context, host string, project *string) ([]domain.Registry, error)
	// Create adds a row; the same host and project is conflict (registry_exists).
	Create(ctx context.Context, r domain.Registry) error
	// Save replaces a row of the given revision, but not its domains and
	// projects; conflict (revision_changed) when it has another one.
	Save(ctx context.Context, r domain.Registry) (domain.Registry, error)
	// Delete removes a row; one that still has images is precondition
	// (registry_in_use).
	Delete(ctx context.Context, id domain.RegistryID) error
	// Allow and Disallow change for which domains a registry is allowed,
	// Associate and Disassociate with which projects it is associated. They say
	// whether that changed anything.
	Allow(ctx context.Context, id domain.RegistryID, domainName string) (bool, error)
	Disallow(ctx context.Context, id domain.RegistryID, domainName string) (bool, error)
	Associate(ctx context.Context, id domain.RegistryID, project string) (bool, error)
	Disassociate(ctx context.Context, id domain.RegistryID, project string) (bool, error)
}
