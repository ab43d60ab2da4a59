package service

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// AccessService is the room of who may do what, and who did: roles, bindings
// and API keys, explanations, the audit trail.
type AccessService struct {
	door       *door
	authorizer port.Authorizer
	now        func() time.Time
	log        *slog.Logger
}

// caller is who calls. Only the handlers of this room know it: their rules are
// about what the caller may give to others.
type caller struct {
	actor      domain.Actor
	permission string // that let it in
	everywhere bool   // over everything
}

func callerOf(c *Call) caller {
	return caller{actor: c.Actor, permission: c.Spec.Requires(), everywhere: c.Grant.Reach == domain.ReachAny}
}

// SearchAudit returns a page of the trail: all of it, or the caller's own
// entries, as the grant reaches.
func (s *AccessService) SearchAudit(ctx context.Context, a actions.SearchAuditAction) (actions.SearchAuditResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.SearchAuditAction) (res actions.SearchAuditResult, err error) {
		res.Entries, res.PageInfo, err = db.Read().Audit.List(ctx, a.Where, a.Page)
		return res, err
	})
}

// Explain tells why something is allowed or refused. Errors: forbidden for
// another actor without a grant over everything, invalid for a permission that
// does not exist, precondition when the authorizer cannot explain.
func (s *AccessService) Explain(ctx context.Context, a actions.ExplainAction) (actions.ExplainResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.ExplainResult, error) {
		who := c.Actor
		if a.Actor != nil {
			if c.Grant.Reach != domain.ReachAny {
				return actions.ExplainResult{}, domain.Errorf(domain.CodeForbidden, "reach_too_small", string(a.Actor.ID), "only a grant over everything explains what others may do")
			}
			who = *a.Actor
		}
		return s.explain(ctx, who, a.Permission)
	})
}

func (s *AccessService) explain(ctx context.Context, who domain.Actor, permission string) (res actions.ExplainResult, err error) {
	if !isPermission(permission) {
		return res, domain.Invalid("permission_unknown", permission, "no such permission: %s", domain.Quote(permission))
	}
	if !who.InScope(permission) {
		res.Decision = domain.Decision{Permission: permission, Actor: who, Missing: "the scopes of the key leave out " + permission}
		return res, nil
	}
	explainer, ok := s.authorizer.(port.Explainer)
	if !ok {
		return res, domain.Errorf(domain.CodePrecondition, "explain_unavailable", "authorizer", "this installation's access control cannot explain itself")
	}
	res.Decision, err = explainer.Explain(ctx, who, permission)
	return res, err
}

func isPermission(name string) bool { return slices.Contains(Permissions(), name) }
