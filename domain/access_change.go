package domain

import "slices"

// RuleOf is a rule with the role that it is of.
type RuleOf struct {
	Role Role `json:"role"`
	RoleRule
}

// PolicyChange is a change that somebody thinks about.
type PolicyChange struct {
	AddRules       []RuleOf  `json:"add_rules,omitempty" doc:"rules to be added to custom roles, of which some may be new"`
	RemoveRules    []RuleOf  `json:"remove_rules,omitempty" doc:"rules of custom roles to be removed"`
	AddBindings    []Binding `json:"add_bindings,omitempty" doc:"users to be given a role"`
	RemoveBindings []Binding `json:"remove_bindings,omitempty" doc:"bindings to be removed"`
}

// Flip is a decision that a change would turn round.
type Flip struct {
	// Role is whose decision it is, or User: what their bindings grant. What
	// their token brings comes on top.
	Role Role   `json:"role,omitempty"`
	User UserID `json:"user,omitempty"`
	// Domain is the actor's; "": one that no rule and no binding names.
	Domain     string `json:"domain,omitempty"`
	Permission string `json:"permission"`
	Before     Grant  `json:"before"`
	After      Grant  `json:"after"`
}

// Flips are decisions by role or user, domain and permission. Truncated: there
// are more.
type Flips struct {
	Flips     []Flip `json:"flips"`
	Truncated bool   `json:"truncated,omitempty"`
}

// AccessQuery asks who has a permission.
type AccessQuery struct {
	Permission string
	Domain     string // of the actor; "": any, each named
	Project    string // whose rows are meant; "": whatever
	Limit      int    // of the answer
}

// Holder is a role, or a user bound to one, that has a permission.
type Holder struct {
	Role Role `json:"role"`
	// User is bound to the role; "": whoever's token carries it.
	User UserID `json:"user,omitempty"`
	// Domain is where it holds; "": in every domain.
	Domain string `json:"domain,omitempty"`
	Reach  Reach  `json:"reach"`
	Rule   string `json:"rule"`
	// NeedsProject: only members of the project that was asked about reach its
	// rows.
	NeedsProject bool `json:"needs_project,omitempty"`
}

// Holders are the roles by name, then the bound users. Truncated: there are
// more. Revision is that of the policy that answered.
type Holders struct {
	Holders   []Holder `json:"holders"`
	Truncated bool     `json:"truncated,omitempty"`
	Revision  int64    `json:"revision"`
}

// Check tests names and reaches. Errors: invalid.
func (c PolicyChange) Check() error {
	for _, r := range slices.Concat(c.AddRules, c.RemoveRules) {
		if err := CheckRole(r.Role); err != nil {
			return err
		}
		if err := r.Check(); err != nil {
			return err
		}
	}
	for _, b := range slices.Concat(c.AddBindings, c.RemoveBindings) {
		if err := b.Check(); err != nil {
			return err
		}
	}
	return nil
}

// With returns the rows as the change would leave them; p stays as it is. What
// is to be removed goes first. Errors: not_found for a rule or a binding to be
// removed that is not there.
func (p PolicyRows) With(c PolicyChange) (PolicyRows, error) {
	out := PolicyRows{Roles: slices.Clone(p.Roles), Bindings: slices.Clone(p.Bindings)}
	for _, r := range c.RemoveRules {
		role := out.role(r.Role)
		if role == nil || !slices.Contains(role.Rules, r.RoleRule) {
			return PolicyRows{}, NotFound("rule", string(r.Role)+" "+r.Permission+" "+r.Reach.String())
		}
		role.Rules = slices.DeleteFunc(slices.Clone(role.Rules), func(have RoleRule) bool { return have == r.RoleRule })
	}
	for _, r := range c.AddRules {
		if out.role(r.Role) == nil {
			out.Roles = append(out.Roles, PolicyRole{Name: r.Role})
		}
		role := out.role(r.Role)
		role.Rules = append(slices.Clone(role.Rules), r.RoleRule)
	}
	for _, b := range c.RemoveBindings {
		i := slices.IndexFunc(out.Bindings, func(have RoleBinding) bool { return have.Binding == b })
		if i < 0 {
			return PolicyRows{}, NotFound("binding", string(b.User)+" "+string(b.Role))
		}
		out.Bindings = slices.Delete(out.Bindings, i, i+1)
	}
	for _, b := range c.AddBindings {
		out.Bindings = append(out.Bindings, RoleBinding{Binding: b})
	}
	return out, nil
}

func (p PolicyRows) role(name Role) *PolicyRole {
	i := slices.IndexFunc(p.Roles, func(r PolicyRole) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &p.Roles[i]
}

// Role returns a stored role, false when there is none.
func (p PolicyRows) Role(name Role) (PolicyRole, bool) {
	if r := p.role(name); r != nil {
		return *r, true
	}
	return PolicyRole{}, false
}

// BindingsOf returns the bindings of a role.
func (p PolicyRows) BindingsOf(name Role) []RoleBinding {
	list := []RoleBinding{}
	for _, b := range p.Bindings {
		if b.Role == name {
			list = append(list, b)
		}
	}
	return list
}

// HeirsOf returns the stored roles that inherit from a role directly.
func (p PolicyRows) HeirsOf(name Role) []Role {
	list := []Role{}
	for _, r := range p.Roles {
		if slices.Contains(r.Inherits, name) {
			list = append(list, r.Name)
		}
	}
	return list
}

// Reaches reports whether a way of inheritance leads from one stored role to
// another.
func (p PolicyRows) Reaches(from, to Role) bool {
	seen := map[Role]bool{}
	for queue := []Role{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			return true
		}
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		if r := p.role(queue[0]); r != nil {
			queue = append(queue, r.Inherits...)
		}
	}
	return false
}
