package actions

import "github.com/wharf-project/wharf/domain"

// Sizes of what WhoCan answers.
const (
	defaultHolders = 100
	maxHolders     = 1000
)

// WhoCanAction asks which roles have a permission, and which users are bound to
// them. Who carries a role by token is known to those who give out the tokens.
type WhoCanAction struct {
	Permission string `json:"permission" doc:"such as image.forget"`
	Domain     string `json:"domain,omitempty" doc:"of the actor; none: any"`
	Project    string `json:"project,omitempty" doc:"mark those who reach its rows as members only"`
	Limit      int    `json:"limit,omitempty" doc:"items of the answer, 1-1000 (default 100)"`
}

// Query is the question with its defaults.
func (a WhoCanAction) Query() domain.AccessQuery {
	q := domain.AccessQuery{Permission: a.Permission, Domain: a.Domain, Project: a.Project, Limit: a.Limit}
	if q.Limit == 0 {
		q.Limit = defaultHolders
	}
	return q
}

// WhoCanResult names those who have the permission, with how far it reaches and
// the rule that grants it.
type WhoCanResult domain.Holders

// Spec of access.who_can.
func (WhoCanAction) Spec() Spec {
	return Spec{Name: "access.who_can", Summary: "Tell who has a permission", Effect: Read}
}

// Validate checks names and the limit.
func (a WhoCanAction) Validate() error {
	if a.Limit < 0 || a.Limit > maxHolders {
		return domain.Invalid("page_invalid", "limit", "an answer has 1-%d items, not %d", maxHolders, a.Limit)
	}
	return firstError(need("permission", a.Permission), optionalName("domain", a.Domain), optionalName("project", a.Project))
}

func optionalName(kind, s string) error {
	if s == "" {
		return nil
	}
	return domain.CheckName(kind, s)
}

// SimulateAccessAction asks what a change of custom roles and bindings would
// change for whom. It changes nothing; who may ask is who may make the change.
type SimulateAccessAction struct {
	domain.PolicyChange
}

// SimulateAccessResult names the decisions that would come out differently.
type SimulateAccessResult domain.Flips

// Spec of access.simulate.
func (SimulateAccessAction) Spec() Spec {
	return Spec{Name: "access.simulate", Permission: "role.modify", Summary: "Tell what a change of roles would allow and refuse", Effect: Read}
}

// Validate needs a change of a bearable size.
func (a SimulateAccessAction) Validate() error {
	n := len(a.AddRules) + len(a.RemoveRules) + len(a.AddBindings) + len(a.RemoveBindings)
	if n == 0 || n > MaxBulk {
		return domain.Invalid("field_required", "add_rules", "a change has 1-%d rules and bindings, not %d", MaxBulk, n)
	}
	return a.Check()
}
