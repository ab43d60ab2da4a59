package service

import (
	"context"
	"maps"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// guard keeps callers from giving to others what they do not have. It is made
// from the rows as they are inside the transaction that changes them, after
// [repository.AccessRepository.Change] has kept every other change out: neither
// the caller's grants nor the role in question can change before the commit.
//
// What a role gets later is guarded when it gets it: by then whoever changes
// the role must have it.
type guard struct {
	who    caller
	rows   domain.PolicyRows
	policy port.Policy
	// home is the domain that the caller is limited to, unless everywhere.
	home       string
	everywhere bool
	// held is what the caller has in its own domain, common what it has in all.
	held, common map[string]domain.Grant
}

// policy is what rows mean, where roles of the database have an effect.
func (s *AccessService) policy(rows domain.PolicyRows) (port.Policy, error) {
	e, ok := s.authorizer.(port.Evaluator)
	if !ok {
		return nil, domain.Errorf(domain.CodePrecondition, "roles_unavailable", "authorizer", "this installation's access control takes no roles from the database")
	}
	return e.Policy(rows)
}

// changing begins a change of roles or bindings.
func (s *AccessService) changing(ctx context.Context, tx repository.View, who caller) (*guard, error) {
	rows, err := tx.Access.Change(ctx)
	if err != nil {
		return nil, err
	}
	return s.guard(rows, who)
}

// guard judges a caller by rows. Errors: forbidden when the permission that let
// the caller in is not among its grants any more.
func (s *AccessService) guard(rows domain.PolicyRows, who caller) (*guard, error) {
	policy, err := s.policy(rows)
	if err != nil {
		return nil, err
	}
	g := &guard{who: who, rows: rows, policy: policy, home: who.actor.Domain}
	if g.held, err = g.grants(who.actor); err != nil {
		return nil, err
	}
	if g.common, err = g.commonGrants(); err != nil {
		return nil, err
	}
	switch reach := g.held[who.permission].Reach; {
	case reach == domain.ReachNone:
		return nil, domain.Errorf(domain.CodeForbidden, "permission_missing", who.permission, "you lack the permission %s", who.permission)
	case reach == domain.ReachAny:
		g.everywhere = true
	case g.home == "":
		return nil, domain.Errorf(domain.CodeForbidden, "domain_out_of_reach", who.permission, "your grant is for your own domain only, and you are of none")
	}
	return g, nil
}

// grants are an actor's, as far as the caller's scopes go.
func (g *guard) grants(a domain.Actor) (map[string]domain.Grant, error) {
	all, err := g.policy.Grants(a)
	maps.DeleteFunc(all, func(p string, _ domain.Grant) bool { return !g.who.actor.InScope(p) })
	return all, err
}

// commonGrants is what the caller has in every domain. A token is of one domain,
// and so is what its role grants over own and visible rows; what counts beyond
// is a grant over everything, and roles that the caller is bound to everywhere.
func (g *guard) commonGrants() (map[string]domain.Grant, error) {
	a := g.who.actor
	if a.Domain == "" {
		return g.held, nil
	}
	a.Domain = ""
	all, err := g.grants(a)
	if err != nil {
		return nil, err
	}
	a.Role = ""
	bound, err := g.grants(a)
	if err != nil {
		return nil, err
	}
	for p, grant := range all {
		if grant.Reach != domain.ReachAny {
			delete(all, p)
		}
	}
	for p, grant := range bound {
		if grant.Reach > all[p].Reach {
			all[p] = grant
		}
	}
	return all, nil
}

// inHome refuses what is for another domain than the caller's, or for all.
func (g *guard) inHome(name string) error {
	if g.everywhere || name == g.home {
		return nil
	}
	return domain.Errorf(domain.CodeForbidden, "domain_out_of_reach", name, "your grant is for the domain %s only: name it in every rule and binding", g.home)
}

// covers refuses rules that give more than the caller has.
func (g *guard) covers(rules []domain.RoleRule) error {
	permissions := Permissions()
	for _, r := range rules {
		if err := g.inHome(r.Domain); err != nil {
			return err
		}
		have := g.common
		if r.Domain == g.home {
			have = g.held
		}
		for _, p := range permissions {
			if domain.Covers(r.Permission, p) && have[p].Reach < r.Reach {
				return domain.Errorf(domain.CodeForbidden, "grant_not_held", p, "you cannot give %s with reach %s: %s", p, r.Reach, lack(have[p].Reach, r.Domain))
			}
		}
	}
	return nil
}

func lack(have domain.Reach, name string) string {
	where := " in every domain"
	if name != "" {
		where = " in the domain " + name
	}
	if have == domain.ReachNone {
		return "you do not have it" + where
	}
	return "yours reaches " + have.String() + where
}

// coversBinding refuses to bind to a role that gives more than the caller has.
// A binding in a domain gives what the role's rules give there.
func (g *guard) coversBinding(b domain.Binding) error {
	if err := g.inHome(b.Domain); err != nil {
		return err
	}
	rules := g.policy.Rules(b.Role)
	if b.Domain == "" {
		return g.covers(rules)
	}
	var there []domain.RoleRule
	for _, r := range rules {
		if r.Domain == "" || r.Domain == b.Domain {
			r.Domain = b.Domain
			there = append(there, r)
		}
	}
	return g.covers(there)
}

// custom refuses what no action may touch: roles of the configured policy.
func (g *guard) custom(name domain.Role) error {
	if g.policy.Reserved(name) {
		return reserved(name)
	}
	if r, ok := g.policy.Role(name); ok && r.BuiltIn {
		return domain.Errorf(domain.CodePrecondition, "role_built_in", string(name), "the role %s is of the configured policy, which only whoever runs the service changes", name)
	}
	return nil
}

// usable refuses roles that nobody can be given: those that the caller does not
// see, and those that only the configured policy gives.
func (g *guard) usable(ctx context.Context, tx repository.View, name domain.Role) error {
	if g.policy.Reserved(name) {
		return reserved(name)
	}
	if r, ok := g.policy.Role(name); ok && r.BuiltIn {
		return nil
	}
	_, err := tx.Access.Role(ctx, name)
	return err
}

func reserved(name domain.Role) error {
	return domain.Invalid("role_reserved", string(name), "the role %s is given by the configured policy only", name)
}
