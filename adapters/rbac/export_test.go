package rbac

import "github.com/wharf-project/wharf/domain"

// Builds tells how many tables were made so far.
func (a *Authorizer) Builds() int64 { return a.engine.builds.Load() }

// Tables tells how many tables the current view keeps.
func (a *Authorizer) Tables() int {
	s := a.held.Load().snap
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.tables)
}

// NewWithModel is New with another casbin model.
func NewWithModel(cfg Config, model string) (*Authorizer, error) { return newAuthorizer(cfg, model) }

// MaxTables bounds the cache of tables.
const MaxTables = maxTables

// Model returns the embedded casbin model.
func Model() string { return modelText }

// SharesSlots reports whether two checks of an actor that both found no table
// at the same moment would wait for one.
func (a *Authorizer) SharesSlots(actor domain.Actor) bool {
	s := a.held.Load().snap
	k := s.keyOf(&actor)
	first, second := s.slot(k), s.slot(k)
	return first == second
}
