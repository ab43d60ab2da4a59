package rbac

import (
	"slices"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// FromRows is stored roles and bindings in the form of [Rows].
func FromRows(rows domain.PolicyRows) Policy {
	var p Policy
	for _, role := range rows.Roles {
		for _, r := range role.Rules {
			p.Rules = append(p.Rules, Rule{Role: role.Name, Permission: r.Permission, Reach: r.Reach, Domain: r.Domain})
		}
		for _, parent := range role.Inherits {
			p.Links = append(p.Links, Link{Role: role.Name, Parent: parent})
		}
	}
	for _, b := range rows.Bindings {
		p.Bindings = append(p.Bindings, Binding{User: b.User, Role: b.Role, Domain: b.Domain})
	}
	return p
}

// evaluation is what some rows mean.
type evaluation struct {
	a    *Authorizer
	snap *snapshot
}

var _ port.Policy = evaluation{}

// Policy evaluates rows beside the configured policy, in force or not; see
// [port.Evaluator]. Errors: precondition, reason roles_unavailable, for an
// Authorizer without [Rows].
func (a *Authorizer) Policy(rows domain.PolicyRows) (port.Policy, error) {
	if a.rows == nil {
		return nil, domain.Errorf(domain.CodePrecondition, "roles_unavailable", "policy", "this installation takes no roles from its database")
	}
	return evaluation{a, a.snapshotOf(rows)}, nil
}

func (a *Authorizer) snapshotOf(rows domain.PolicyRows) *snapshot {
	extra, _ := a.judge(FromRows(rows)) // what is not in order means nothing
	return newSnapshot(a.engine, 0, a.base, extra)
}

func (e evaluation) Role(name domain.Role) (domain.PolicyRole, bool) {
	if !e.snap.known[name] && !e.a.guarded[name] {
		return domain.PolicyRole{}, false
	}
	return domain.PolicyRole{
		Name: name, Rules: e.snap.rulesOf(name), Inherits: append([]domain.Role{}, e.snap.links[name]...),
		BuiltIn: e.a.known[name] || e.a.guarded[name],
	}, true
}

func (e evaluation) Reserved(name domain.Role) bool { return e.a.guarded[name] }

func (e evaluation) Rules(name domain.Role) []domain.RoleRule {
	return e.snap.rulesOf(e.snap.ancestors(name)...)
}

func (e evaluation) Grants(actor domain.Actor) (map[string]domain.Grant, error) {
	t, err := e.snap.table(&actor)
	if err != nil {
		return nil, err
	}
	grants := map[string]domain.Grant{}
	for i, r := range t {
		if r != nil {
			grants[e.a.engine.names[i]] = domain.Grant{Reach: r.Reach, Rule: r.text}
		}
	}
	return grants, nil
}

// rulesOf returns the own rules of roles, those for all domains first.
func (s *snapshot) rulesOf(roles ...domain.Role) []domain.RoleRule {
	list := []domain.RoleRule{}
	for _, name := range s.domains() {
		for _, role := range roles {
			for _, r := range s.shards[name][role] {
				list = append(list, domain.RoleRule{Permission: r.Permission, Reach: r.Reach, Domain: r.Domain})
			}
		}
	}
	return list
}

// domains are those that rules name, sorted; "" is first where a rule is for all.
func (s *snapshot) domains() []string {
	names := make([]string, 0, len(s.shards))
	for name := range s.shards {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ancestors returns a role and all that it inherits from, each once.
func (s *snapshot) ancestors(role domain.Role) []domain.Role {
	return closure(role, func(r domain.Role) []domain.Role { return s.links[r] })
}

// heirs tells which roles inherit from each directly.
func (s *snapshot) heirs() map[domain.Role][]domain.Role {
	heirs := map[domain.Role][]domain.Role{}
	for role, parents := range s.links {
		for _, p := range parents {
			heirs[p] = append(heirs[p], role)
		}
	}
	return heirs
}

func closure(from domain.Role, next func(domain.Role) []domain.Role) []domain.Role {
	seen := map[domain.Role]bool{from: true}
	list := []domain.Role{from}
	for i := 0; i < len(list); i++ {
		for _, r := range next(list[i]) {
			if !seen[r] {
				seen[r] = true
				list = append(list, r)
			}
		}
	}
	return list
}
