package actions

import "github.com/wharf-project/wharf/domain"

// BindRoleAction gives a user a role beside the one that their token carries.
// Nobody can give what they do not have themselves.
type BindRoleAction struct {
	domain.Binding
}

// BindRoleResult says whether the user was not bound before.
type BindRoleResult struct {
	Changed bool `json:"changed"`
}

// Spec of role.bind.
func (BindRoleAction) Spec() Spec {
	return Spec{Name: "role.bind", Summary: "Give a user a role", Effect: Write}
}

// Validate checks the names.
func (a BindRoleAction) Validate() error { return a.Check() }

// UnbindRoleAction takes a role from a user again, in the domain that it was
// given for.
type UnbindRoleAction struct {
	domain.Binding
}

// UnbindRoleResult says whether the user was bound.
type UnbindRoleResult struct {
	Changed bool `json:"changed"`
}

// Spec of role.unbind.
func (UnbindRoleAction) Spec() Spec {
	return Spec{Name: "role.unbind", Summary: "Take a role from a user", Effect: Write}
}

// Validate checks the names.
func (a UnbindRoleAction) Validate() error { return a.Check() }

// ListRoleBindingsAction lists who is bound to which roles, page by page. The
// roles that tokens carry are not in it.
type ListRoleBindingsAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over user, role, domain, created_at"`
	domain.Page
}

// ListRoleBindingsResult is one page.
type ListRoleBindingsResult struct {
	Bindings []domain.RoleBinding `json:"bindings"`
	domain.PageInfo
}

// Spec of role.bindings.
func (ListRoleBindingsAction) Spec() Spec {
	return Spec{Name: "role.bindings", Summary: "List who was given which roles", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListRoleBindingsAction) Validate() error {
	return needList(a.Where, a.Page, domain.BindingFields, "user")
}
