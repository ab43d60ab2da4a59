package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/repository"
)

// BindRole gives a user a role. Errors: invalid for a reserved role, not_found
// for one that is not there, forbidden for one that gives what the caller does
// not have itself.
func (s *AccessService) BindRole(ctx context.Context, a actions.BindRoleAction) (actions.BindRoleResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.BindRoleResult, error) {
		return s.bindRole(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

// UnbindRole takes a role from a user, also one that is wider than the caller's
// own. Errors: forbidden in another domain.
func (s *AccessService) UnbindRole(ctx context.Context, a actions.UnbindRoleAction) (actions.UnbindRoleResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.UnbindRoleResult, error) {
		return s.unbindRole(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

// ListRoleBindings returns a page of bindings: all, or those in the caller's
// domain.
func (s *AccessService) ListRoleBindings(ctx context.Context, a actions.ListRoleBindingsAction) (actions.ListRoleBindingsResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListRoleBindingsAction) (res actions.ListRoleBindingsResult, err error) {
		res.Bindings, res.PageInfo, err = db.Read().Access.Bindings(ctx, a.Where, a.Page)
		return res, err
	})
}

func (s *AccessService) bindRole(ctx context.Context, db repository.Scoped, who caller, a actions.BindRoleAction) (res actions.BindRoleResult, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		g, err := s.changing(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := g.usable(ctx, tx, a.Role); err != nil {
			return err
		}
		if err := g.coversBinding(a.Binding); err != nil {
			return err
		}
		res.Changed, err = tx.Access.Bind(ctx, a.Binding)
		return err
	})
	return res, err
}

func (s *AccessService) unbindRole(ctx context.Context, db repository.Scoped, who caller, a actions.UnbindRoleAction) (res actions.UnbindRoleResult, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		g, err := s.changing(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := g.inHome(a.Domain); err != nil {
			return err
		}
		res.Changed, err = tx.Access.Unbind(ctx, a.Binding)
		return err
	})
	return res, err
}
