package repository

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// AgentRepository is the agents that a scope can see: all for reach any, for
// visible those in scaling groups that the actor's domain and projects may use,
// for own the agent that the actor is ("agent:<id>").
type AgentRepository interface {
	Get(ctx context.Context, id domain.AgentID) (domain.Agent, error)
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Agent, domain.PageInfo, error)
	// Replace takes a full inventory for an agent: what is not in it is gone,
	// also when it is empty. An inventory older than the stored one is conflict
	// (inventory_outdated). It sets the agent online; one that was not is back,
	// and its intents are due at once.
	Replace(ctx context.Context, id domain.AgentID, inv domain.Inventory) (domain.InventoryChange, error)
	// SetStatus says whether an agent answers; one that is back has its intents
	// due at once.
	SetStatus(ctx context.Context, id domain.AgentID, status domain.AgentStatus) error
}

// AdminAgentRepository is all agents.
type AdminAgentRepository interface {
	AgentRepository
	// Many returns the agents of ids that exist, in the order of ids.
	Many(ctx context.Context, ids []domain.AgentID) ([]domain.Agent, error)
	// Create adds an agent; a taken id is conflict (agent_exists).
	Create(ctx context.Context, a domain.Agent) error
	// Save replaces an agent of the given revision; conflict (revision_changed).
	Save(ctx context.Context, a domain.Agent) (domain.Agent, error)
	// Delete removes an agent and what the catalogue knows of its images.
	Delete(ctx context.Context, id domain.AgentID) error
	// Installed returns what the catalogue knows of an agent's images.
	Installed(ctx context.Context, id domain.AgentID) ([]domain.InstalledImage, error)
	// Hold and Drop record images more or less on an agent, after pulls and
	// removals that went through. Hold on an agent that was removed meanwhile is
	// not_found.
	Hold(ctx context.Context, id domain.AgentID, images []domain.InventoryImage) error
	Drop(ctx context.Context, id domain.AgentID, images []domain.InventoryImage) error

	// Defer stores what agents are to do when they are back. One that is there
	// for the same image on the same agent is replaced, but keeps its wait (Tries,
	// NotBefore) when it means the same. The actor is the scope's. Agents that were
	// removed are left out.
	Defer(ctx context.Context, intents []domain.Intent) error
	// DropIntents drops the intents for images of an agent that came up before this
	// call: they are served, or not wanted any more. It returns how many.
	DropIntents(ctx context.Context, id domain.AgentID, images []domain.ImageKey) (int, error)
	// Intents returns a page of what waits for agents.
	Intents(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Intent, domain.PageInfo, error)
}

// TenancyRepository answers which scaling groups may be used.
type TenancyRepository interface {
	Tenancy
	// List returns the permissions of scaling groups that a scope can see: all
	// for reach any, else those of the actor's domain and projects.
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.ScalingGroupGrant, domain.PageInfo, error)
}

// AdminTenancyRepository changes which scaling groups may be used.
type AdminTenancyRepository interface {
	TenancyRepository
	// Allow and Disallow say whether they changed anything.
	Allow(ctx context.Context, g domain.ScalingGroupGrant) (bool, error)
	Disallow(ctx context.Context, g domain.ScalingGroupGrant) (bool, error)
}

// AuditRepository reads the trail: all of it for reach any, else the actor's
// own entries.
type AuditRepository interface {
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.AuditEntry, domain.PageInfo, error)
}
