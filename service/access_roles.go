package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// CreateRole makes a custom role. Errors: invalid for unknown permissions and
// reserved names, conflict for a name that is taken, not_found for a parent,
// forbidden for what the caller does not have itself, precondition when this
// installation takes no roles from its database.
func (s *AccessService) CreateRole(ctx context.Context, a actions.CreateRoleAction) (actions.CreateRoleResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.CreateRoleResult, error) {
		return s.createRole(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

// ModifyRole changes a custom role. Errors: those of CreateRole, not_found,
// conflict for another revision, precondition for a role of the configured
// policy.
func (s *AccessService) ModifyRole(ctx context.Context, a actions.ModifyRoleAction) (actions.ModifyRoleResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.ModifyRoleResult, error) {
		return s.modifyRole(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

// DeleteRole removes a custom role. Errors: not_found, precondition while
// somebody is bound to it or another role inherits from it, forbidden for a
// role that the caller could not have made.
func (s *AccessService) DeleteRole(ctx context.Context, a actions.DeleteRoleAction) (actions.DeleteRoleResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.DeleteRoleResult, error) {
		return s.deleteRole(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

// GetRole returns a role, custom or built in. Errors: not_found.
func (s *AccessService) GetRole(ctx context.Context, a actions.GetRoleAction) (actions.GetRoleResult, error) {
	return scoped(ctx, s.door, a, s.getRole)
}

// ListRoles returns a page of custom roles: all, or those of the caller's
// domain.
func (s *AccessService) ListRoles(ctx context.Context, a actions.ListRolesAction) (actions.ListRolesResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListRolesAction) (res actions.ListRolesResult, err error) {
		res.Roles, res.PageInfo, err = db.Read().Access.Roles(ctx, a.Where, a.Page)
		return res, err
	})
}

func (s *AccessService) createRole(ctx context.Context, db repository.Scoped, who caller, a actions.CreateRoleAction) (res actions.CreateRoleResult, err error) {
	row := a.Role()
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		g, err := s.changing(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := g.custom(row.Name); domain.ReasonOf(err) == "role_built_in" {
			return domain.Errorf(domain.CodeConflict, "role_exists", string(row.Name), "the role %s is there already, in the configured policy", row.Name)
		} else if err != nil {
			return err
		}
		if err := g.mayMake(ctx, tx, row); err != nil {
			return err
		}
		res.Role, err = tx.Access.CreateRole(ctx, row)
		return err
	})
	return res, err
}

func (s *AccessService) modifyRole(ctx context.Context, db repository.Scoped, who caller, a actions.ModifyRoleAction) (res actions.ModifyRoleResult, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		g, err := s.changing(ctx, tx, who)
		if err != nil {
			return err
		}
		row, err := g.ofCaller(ctx, tx, a.Name)
		if err != nil {
			return err
		}
		if err := atRevision(a.Revision, row.Revision, "the role "+string(row.Name)); err != nil {
			return err
		}
		a.Rules.Apply(&row.Rules)
		a.Inherits.Apply(&row.Inherits)
		if err := g.mayMake(ctx, tx, row); err != nil {
			return err
		}
		res.Role, err = tx.Access.SaveRole(ctx, row)
		return err
	})
	return res, err
}

// mayMake refuses a role that is not in order, or gives more than the caller
// has, by its own rules or by those that it inherits.
func (g *guard) mayMake(ctx context.Context, tx repository.View, row domain.PolicyRole) error {
	if err := row.Check(); err != nil {
		return err
	}
	if err := domain.CheckPatterns(row.Patterns(), Permissions()); err != nil {
		return err
	}
	rules := row.Rules
	for _, parent := range row.Inherits {
		if err := g.usable(ctx, tx, parent); err != nil {
			return err
		}
		if g.rows.Reaches(parent, row.Name) {
			return domain.Invalid("role_cycle", string(row.Name), "%s inherits from %s already: they cannot inherit from each other", parent, row.Name)
		}
		rules = append(rules[:len(rules):len(rules)], g.policy.Rules(parent)...)
	}
	return g.covers(rules)
}

// ofCaller returns a role that the caller may change: one that it could have
// made. Who cannot give what a role gives does not take it away either.
func (g *guard) ofCaller(ctx context.Context, tx repository.View, name domain.Role) (domain.PolicyRole, error) {
	if err := g.custom(name); err != nil {
		return domain.PolicyRole{}, err
	}
	row, err := tx.Access.Role(ctx, name)
	if err != nil {
		return domain.PolicyRole{}, err
	}
	return row, g.covers(row.Rules)
}

func (s *AccessService) deleteRole(ctx context.Context, db repository.Scoped, who caller, a actions.DeleteRoleAction) (res actions.DeleteRoleResult, err error) {
	if a.DryRun {
		rows, err := db.Read().Access.Rows(ctx)
		if err != nil {
			return res, err
		}
		g, err := s.guard(rows, who)
		if err != nil {
			return res, err
		}
		res, err = g.deletion(ctx, db.Read(), a)
		return res, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		g, err := s.changing(ctx, tx, who)
		if err != nil {
			return err
		}
		if res, err = g.deletion(ctx, tx, a); err != nil {
			return err
		}
		if err := inUse(res, a.Force); err != nil {
			return err
		}
		for _, b := range res.Bindings {
			if _, err := tx.Access.Unbind(ctx, b.Binding); err != nil {
				return err
			}
		}
		return tx.Access.DeleteRole(ctx, a.Name)
	})
	return res, err
}

// deletion tells what a deletion is about.
func (g *guard) deletion(ctx context.Context, v repository.View, a actions.DeleteRoleAction) (actions.DeleteRoleResult, error) {
	row, err := g.ofCaller(ctx, v, a.Name)
	return actions.DeleteRoleResult{
		Role: row, Bindings: g.rows.BindingsOf(a.Name), InheritedBy: g.rows.HeirsOf(a.Name), DryRun: a.DryRun,
	}, err
}

func inUse(r actions.DeleteRoleResult, force bool) error {
	var names []string
	for _, heir := range r.InheritedBy {
		names = append(names, "the role "+string(heir)+", which inherits from it")
	}
	if !force {
		for _, b := range r.Bindings {
			name := string(b.User)
			if b.Domain != "" {
				name += " (" + b.Domain + ")"
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	const most = 10
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	return domain.Errorf(domain.CodePrecondition, "role_in_use", string(r.Role.Name), "the role %s is in use by %s", r.Role.Name, strings.Join(names, ", "))
}

func (s *AccessService) getRole(ctx context.Context, db repository.Scoped, a actions.GetRoleAction) (res actions.GetRoleResult, err error) {
	res.Role, err = db.Read().Access.Role(ctx, a.Name)
	if domain.CodeOf(err) != domain.CodeNotFound {
		return res, err
	}
	policy, unavailable := s.policy(domain.PolicyRows{})
	if unavailable != nil {
		return res, err
	}
	if role, ok := policy.Role(a.Name); ok {
		return actions.GetRoleResult{Role: role}, nil
	}
	return res, err
}
