package service_test

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// The repositories of roles and keys of fleetFlaky, and the writes to them.

type fleetFlakyAccess struct {
	f *fleetFlaky
	repository.AccessRepository
}

func (r fleetFlakyAccess) Change(ctx context.Context) (domain.PolicyRows, error) {
	return fleetCall(r.f, "access.change", func() (domain.PolicyRows, error) { return r.AccessRepository.Change(ctx) })
}

func (r fleetFlakyAccess) Role(ctx context.Context, name domain.Role) (domain.PolicyRole, error) {
	return fleetCall(r.f, "access.role", func() (domain.PolicyRole, error) { return r.AccessRepository.Role(ctx, name) })
}

func (r fleetFlakyAccess) CreateRole(ctx context.Context, row domain.PolicyRole) (domain.PolicyRole, error) {
	return fleetCall(r.f, "access.create_role", func() (domain.PolicyRole, error) { return r.AccessRepository.CreateRole(ctx, row) })
}

func (r fleetFlakyAccess) SaveRole(ctx context.Context, row domain.PolicyRole) (domain.PolicyRole, error) {
	return fleetCall(r.f, "access.save_role", func() (domain.PolicyRole, error) { return r.AccessRepository.SaveRole(ctx, row) })
}

func (r fleetFlakyAccess) DeleteRole(ctx context.Context, name domain.Role) error {
	if err := r.f.tick("access.delete_role"); err != nil {
		return err
	}
	return r.AccessRepository.DeleteRole(ctx, name)
}

func (r fleetFlakyAccess) Bind(ctx context.Context, b domain.Binding) (bool, error) {
	return fleetCall(r.f, "access.bind", func() (bool, error) { return r.AccessRepository.Bind(ctx, b) })
}

func (r fleetFlakyAccess) Unbind(ctx context.Context, b domain.Binding) (bool, error) {
	return fleetCall(r.f, "access.unbind", func() (bool, error) { return r.AccessRepository.Unbind(ctx, b) })
}

type fleetFlakyKeys struct {
	f *fleetFlaky
	repository.KeyRepository
}

func (r fleetFlakyKeys) Create(ctx context.Context, k domain.APIKey, hash string) (domain.APIKey, error) {
	return fleetCall(r.f, "keys.create", func() (domain.APIKey, error) { return r.KeyRepository.Create(ctx, k, hash) })
}

func (r fleetFlakyKeys) Revoke(ctx context.Context, id domain.KeyID) (k domain.APIKey, changed bool, err error) {
	if err := r.f.tick("keys.revoke"); err != nil {
		return k, false, err
	}
	return r.KeyRepository.Revoke(ctx, id)
}

// fleetAccessWrites happen in one transaction. What they need is there from the
// start: the world's role ops, with alice bound to it, and a key.
func fleetAccessWrites() []fleetWrite {
	ops := domain.Binding{User: "alice", Role: "ops"}
	rules := []domain.RoleRule{{Permission: "image.get", Reach: domain.ReachOwn}}
	return []fleetWrite{
		{name: "create a role", action: "role.create", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.CreateRole(w.root, actions.CreateRoleAction{Name: "new", Rules: rules, Inherits: []domain.Role{"ops"}}))
		}},
		{name: "modify a role", action: "role.modify", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ModifyRole(w.root, actions.ModifyRoleAction{Name: "ops", Rules: domain.Set(rules)}))
		}},
		{name: "delete a role", action: "role.delete", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.DeleteRole(w.root, actions.DeleteRoleAction{Name: "ops", Force: true}))
		}},
		{name: "bind a role", action: "role.bind", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.BindRole(w.root, actions.BindRoleAction{Binding: domain.Binding{User: "bob", Role: "ops", Domain: "d"}}))
		}},
		{name: "unbind a role", action: "role.unbind", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.UnbindRole(w.root, actions.UnbindRoleAction{Binding: ops}))
		}},
		{name: "create a key", action: "key.create", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.CreateKey(w.root, actions.CreateKeyAction{Name: "new", User: "bob", Role: domain.RoleUser, Scopes: []string{"image.get"}}))
		}},
		{name: "revoke a key", action: "key.revoke", do: func(w *fleetWorld) error {
			list, err := w.ListKeys(w.root, actions.ListKeysAction{})
			if err != nil {
				return err
			}
			return fleetErr(w.svc.RevokeKey(w.root, actions.RevokeKeyAction{KeyID: list.Keys[0].ID}))
		}},
	}
}
