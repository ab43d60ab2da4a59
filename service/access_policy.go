package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// maxFlips bounds the answer of SimulateAccess.
const maxFlips = 1000

// WhoCan tells which roles and bound users have a permission, by the policy in
// force. Errors: invalid for a permission that does not exist, forbidden for
// another domain than the caller's without a grant over everything,
// precondition when the authorizer cannot tell.
func (s *AccessService) WhoCan(ctx context.Context, a actions.WhoCanAction) (actions.WhoCanResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.WhoCanResult, error) {
		return s.whoCan(ctx, callerOf(c), a)
	})
}

// SimulateAccess tells which decisions a change of roles and bindings would turn
// round, for roles and for what bindings give to users. Errors: those of the
// change, but not that the caller lacks what it would give: thinking about it
// gives nothing to anyone.
func (s *AccessService) SimulateAccess(ctx context.Context, a actions.SimulateAccessAction) (actions.SimulateAccessResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.SimulateAccessResult, error) {
		return s.simulateAccess(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

func (s *AccessService) whoCan(ctx context.Context, who caller, a actions.WhoCanAction) (res actions.WhoCanResult, err error) {
	if !isPermission(a.Permission) {
		return res, domain.Invalid("permission_unknown", a.Permission, "no such permission: %s", domain.Quote(a.Permission))
	}
	q := a.Query()
	if !who.everywhere {
		if q.Domain == "" {
			q.Domain = who.actor.Domain
		}
		if q.Domain == "" || q.Domain != who.actor.Domain {
			return res, domain.Errorf(domain.CodeForbidden, "domain_out_of_reach", a.Domain, "your grant is for your own domain only")
		}
	}
	searcher, ok := s.authorizer.(port.Searcher)
	if !ok {
		return res, domain.Errorf(domain.CodePrecondition, "who_can_unavailable", "authorizer", "this installation's access control cannot tell who has a permission")
	}
	holders, err := searcher.WhoCan(ctx, q)
	return actions.WhoCanResult(holders), err
}

func (s *AccessService) simulateAccess(ctx context.Context, db repository.Scoped, who caller, a actions.SimulateAccessAction) (res actions.SimulateAccessResult, err error) {
	simulator, ok := s.authorizer.(port.Simulator)
	if !ok {
		return res, domain.Errorf(domain.CodePrecondition, "simulation_unavailable", "authorizer", "this installation's access control cannot tell what a change would do")
	}
	before, err := db.Read().Access.Rows(ctx)
	if err != nil {
		return res, err
	}
	g, err := s.guard(before, who)
	if err != nil {
		return res, err
	}
	if err := g.mayThinkOf(a.PolicyChange); err != nil {
		return res, err
	}
	for _, b := range a.AddBindings {
		if _, there := g.policy.Role(b.Role); !there {
			continue // made by the change, or rolesOf finds that it is not
		}
		if err := g.usable(ctx, db.Read(), b.Role); err != nil {
			return res, err
		}
	}
	after, err := before.With(a.PolicyChange)
	if err != nil {
		return res, err
	}
	if err := s.rolesOf(after, a.AddBindings); err != nil {
		return res, err
	}
	flips, err := simulator.Simulate(ctx, before, after, maxFlips)
	return actions.SimulateAccessResult(flips), err
}

// mayThinkOf refuses what the actions would refuse whoever calls, and changes in
// other domains, of which the answer would tell.
func (g *guard) mayThinkOf(c domain.PolicyChange) error {
	for _, list := range [][]domain.RuleOf{c.AddRules, c.RemoveRules} {
		for _, r := range list {
			if err := g.custom(r.Role); err != nil {
				return err
			}
			if err := g.inHome(r.Domain); err != nil {
				return err
			}
			if err := domain.CheckPatterns([]string{r.Permission}, Permissions()); err != nil {
				return err
			}
		}
	}
	for _, list := range [][]domain.Binding{c.AddBindings, c.RemoveBindings} {
		for _, b := range list {
			if g.policy.Reserved(b.Role) {
				return reserved(b.Role)
			}
			if err := g.inHome(b.Domain); err != nil {
				return err
			}
		}
	}
	return nil
}

// rolesOf refuses bindings to roles that would not be there.
func (s *AccessService) rolesOf(after domain.PolicyRows, added []domain.Binding) error {
	policy, err := s.policy(after)
	if err != nil {
		return err
	}
	for _, b := range added {
		if _, ok := policy.Role(b.Role); !ok {
			return domain.NotFound("role", string(b.Role))
		}
	}
	return nil
}
