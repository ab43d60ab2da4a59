package actions

import "github.com/wharf-project/wharf/domain"

// CreateRoleAction makes a role beside those of the configured policy. Nobody
// can put into a role what they do not have themselves.
type CreateRoleAction struct {
	Name     domain.Role       `json:"name" doc:"1-64 letters, digits, '.', '_', '-' or ':'"`
	Rules    []domain.RoleRule `json:"rules,omitempty" doc:"what the role may do: permission (image.get, image.*, *), reach (own, visible, any), and the domain that it is for, if for one"`
	Inherits []domain.Role     `json:"inherits,omitempty" doc:"roles whose rules it has as well"`
}

// Role returns the role that the action asks for.
func (a CreateRoleAction) Role() domain.PolicyRole {
	return domain.PolicyRole{Name: a.Name, Rules: a.Rules, Inherits: a.Inherits}
}

// RoleResult is a role as stored.
type RoleResult struct {
	Role domain.PolicyRole `json:"role"`
}

// CreateRoleResult is the new role.
type CreateRoleResult RoleResult

// Spec of role.create.
func (CreateRoleAction) Spec() Spec {
	return Spec{Name: "role.create", Summary: "Make a role of your own", Effect: Write}
}

// Validate checks the role by itself.
func (a CreateRoleAction) Validate() error { return a.Role().Check() }

// ModifyRoleAction changes a custom role; absent fields stay. Whoever has the
// role is affected within two seconds.
type ModifyRoleAction struct {
	Name     domain.Role                     `json:"name" doc:"name of the role"`
	Rules    domain.Patch[[]domain.RoleRule] `json:"rules,omitzero" doc:"all rules that the role is to have"`
	Inherits domain.Patch[[]domain.Role]     `json:"inherits,omitzero" doc:"all roles that it is to inherit from"`
	Revision int64                           `json:"revision,omitempty" doc:"change it only while it has this revision; none: whatever it has"`
}

// ModifyRoleResult is the role as stored.
type ModifyRoleResult RoleResult

// Spec of role.modify.
func (ModifyRoleAction) Spec() Spec {
	return Spec{Name: "role.modify", Summary: "Change a role of your own", Effect: Write}
}

// Validate checks what there is of the role.
func (a ModifyRoleAction) Validate() error {
	role := domain.PolicyRole{Name: a.Name, Rules: []domain.RoleRule{{Permission: "*", Reach: domain.ReachAny}}} // stands for what stays
	if rules, ok := a.Rules.Get(); ok && len(rules) > 0 {
		role.Rules = rules
	}
	a.Inherits.Apply(&role.Inherits)
	return role.Check()
}

// DeleteRoleAction removes a custom role that nobody is bound to and that no
// other role inherits from.
type DeleteRoleAction struct {
	Name   domain.Role `json:"name" doc:"name of the role"`
	Force  bool        `json:"force,omitempty" doc:"also when users are bound to it: their bindings go too"`
	DryRun bool        `json:"dry_run,omitempty" doc:"only tell what would be removed"`
}

// DeleteRoleResult is the role that was removed, and what held on to it: in a
// dry run what stands in the way, else the bindings that went with it.
type DeleteRoleResult struct {
	Role        domain.PolicyRole    `json:"role"`
	Bindings    []domain.RoleBinding `json:"bindings"`
	InheritedBy []domain.Role        `json:"inherited_by"`
	DryRun      bool                 `json:"dry_run,omitempty"`
}

// Spec of role.delete.
func (DeleteRoleAction) Spec() Spec {
	return Spec{Name: "role.delete", Summary: "Remove a role of your own", Effect: Write}
}

// Validate needs a name.
func (a DeleteRoleAction) Validate() error { return domain.CheckRole(a.Name) }

// GetRoleAction returns one role, of the configured policy or a custom one.
type GetRoleAction struct {
	Name domain.Role `json:"name" doc:"name of the role"`
}

// GetRoleResult is the role with the rules of its own.
type GetRoleResult RoleResult

// Spec of role.get.
func (GetRoleAction) Spec() Spec {
	return Spec{Name: "role.get", Summary: "Show a role and its rules", Effect: Read}
}

// Validate needs a name.
func (a GetRoleAction) Validate() error { return domain.CheckRole(a.Name) }

// ListRolesAction lists custom roles, page by page.
type ListRolesAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over name, domain, created_at"`
	domain.Page
}

// ListRolesResult is one page.
type ListRolesResult struct {
	Roles []domain.PolicyRole `json:"roles"`
	domain.PageInfo
}

// Spec of role.list.
func (ListRolesAction) Spec() Spec {
	return Spec{Name: "role.list", Summary: "List the roles beside the built-in ones", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListRolesAction) Validate() error {
	return needList(a.Where, a.Page, domain.RoleFields, "name")
}
