package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// The small world of the property: few names, so that they meet.
var (
	propertyActors = []domain.Actor{
		{ID: "u1", Role: domain.RoleAdmin, Domain: "a"}, {ID: "u2", Role: "officer", Domain: "b"}, {ID: "u3", Role: domain.RoleUser, Domain: "a"},
		{ID: "u4", Role: "r1", Domain: "b"}, {ID: "u5", Role: "officer"}, {ID: "u6", Role: "officer", Domain: "a", Scopes: []string{"role.*", "image.get"}},
	}
	propertyUsers   = []domain.UserID{"u1", "u2", "u3", "u4", "u5", "u6", "u7"}
	propertyRoles   = []domain.Role{"r1", "r2", "r3", "user", "admin", "monitor", "officer"}
	propertyDomains = []string{"", "a", "b", "c"}
)

// propertyPermissions are looked at in the end; rules are about them too.
var propertyPermissions = []string{"image.get", "image.forget", "agent.list", "role.create", "key.create"}

func drawRule(t *rapid.T) domain.RoleRule {
	return domain.RoleRule{
		Permission: rapid.SampledFrom(append([]string{"role.*", "*"}, propertyPermissions...)).Draw(t, "permission"),
		Reach:      rapid.SampledFrom([]domain.Reach{domain.ReachOwn, domain.ReachVisible, domain.ReachAny}).Draw(t, "reach"),
		Domain:     rapid.SampledFrom(propertyDomains).Draw(t, "rule domain"),
	}
}

func drawRules(t *rapid.T) []domain.RoleRule {
	return rapid.SliceOfN(rapid.Custom(drawRule), 1, 2).Draw(t, "rules")
}

func drawBinding(t *rapid.T) domain.Binding {
	return domain.Binding{
		User: rapid.SampledFrom(propertyUsers).Draw(t, "user"), Role: rapid.SampledFrom(propertyRoles).Draw(t, "role"),
		Domain: rapid.SampledFrom(propertyDomains).Draw(t, "domain"),
	}
}

func drawParents(t *rapid.T) []domain.Role {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(propertyRoles), 0, 2, rapid.ID).Draw(t, "inherits")
}

// policyOf is what the rows of the store mean.
func policyOf(t *rapid.T, f *fleet) port.Policy {
	rows, err := f.store.PolicyRows(f.tb.Context())
	require.NoError(t, err)
	az, err := rbac.New(rbac.Config{Permissions: service.Permissions(), Policy: rbac.DefaultPolicy() + fleetPolicy, Rows: noRows{}})
	require.NoError(t, err)
	p, err := az.Policy(rows)
	require.NoError(t, err)
	return p
}

func reachOf(t *rapid.T, p port.Policy, a domain.Actor, permission string) domain.Reach {
	g, err := p.Grants(a)
	require.NoError(t, err)
	if !a.InScope(permission) {
		return domain.ReachNone
	}
	return g[permission].Reach
}

// heldBy is how far an actor has a permission for those of a domain: in its own,
// all that it has; beyond, what reaches every row, and what it is bound to
// everywhere. Who is of no domain is limited by none.
func heldBy(t *rapid.T, p port.Policy, a domain.Actor, home, permission string) domain.Reach {
	if a.Domain == "" || a.Domain == home {
		return reachOf(t, p, a, permission)
	}
	a.Domain = ""
	if reach := reachOf(t, p, a, permission); reach == domain.ReachAny {
		return reach
	}
	a.Role = ""
	return reachOf(t, p, a, permission)
}

// emptied removes all roles and bindings.
func (f *fleet) emptied(t *rapid.T) {
	err := f.admin().InTx(f.tb.Context(), func(ctx context.Context, tx repository.AdminView) error {
		rows, err := tx.Access.Change(ctx)
		if err != nil {
			return err
		}
		for _, b := range rows.Bindings {
			if _, err := tx.Access.Unbind(ctx, b.Binding); err != nil {
				return err
			}
		}
		for _, r := range rows.Roles {
			if err := tx.Access.DeleteRole(ctx, r.Name); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
}

// step is one action of one of the actors; whether it is let is not asked.
func (f *fleet) step(t *rapid.T, actors []domain.Actor) error {
	ctx := f.as(rapid.SampledFrom(actors).Draw(t, "actor"))
	name := rapid.SampledFrom(propertyRoles[:3]).Draw(t, "name")
	switch rapid.SampledFrom([]string{"create", "create", "modify", "modify", "bind", "bind", "bind", "delete", "unbind"}).Draw(t, "do") {
	case "create":
		return fleetErr(f.CreateRole(ctx, actions.CreateRoleAction{Name: name, Rules: drawRules(t), Inherits: drawParents(t)}))
	case "modify":
		return fleetErr(f.ModifyRole(ctx, actions.ModifyRoleAction{Name: name, Rules: domain.Set(drawRules(t)), Inherits: domain.Set(drawParents(t))}))
	case "delete":
		return fleetErr(f.DeleteRole(ctx, actions.DeleteRoleAction{Name: name, Force: true}))
	case "bind":
		return fleetErr(f.BindRole(ctx, actions.BindRoleAction{Binding: drawBinding(t)}))
	}
	return fleetErr(f.UnbindRole(ctx, actions.UnbindRoleAction{Binding: drawBinding(t)}))
}

// TestNobodyGetsWhatNoneOfThoseWhoActHad: whatever some actors that are no
// superadmins do together, nobody may do more in the end than they could before,
// or than one of the actors could give.
func TestNobodyGetsWhatNoneOfThoseWhoActHad(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	let := 0
	rapid.Check(t, func(rt *rapid.T) {
		f.emptied(rt)
		for _, name := range propertyRoles[:rapid.IntRange(0, 2).Draw(rt, "roles")] {
			_ = fleetErr(f.CreateRole(f.root, actions.CreateRoleAction{Name: name, Rules: drawRules(rt), Inherits: drawParents(rt)}))
		}
		for range rapid.IntRange(0, 4).Draw(rt, "bindings") {
			_ = fleetErr(f.BindRole(f.root, actions.BindRoleAction{Binding: drawBinding(rt)}))
		}
		before := policyOf(rt, f)
		// A few at a time: one who has a lot would excuse the others.
		actors := rapid.SliceOfNDistinct(rapid.SampledFrom(propertyActors), 1, 2, func(a domain.Actor) domain.UserID { return a.ID }).Draw(rt, "actors")
		for range rapid.IntRange(4, 20).Draw(rt, "steps") {
			err := f.step(rt, actors)
			require.NotEqual(rt, domain.CodeInternal, domain.CodeOf(err), "%v", err)
			if err == nil {
				let++
			}
		}
		after := policyOf(rt, f)
		for _, who := range propertySubjects() {
			for _, p := range propertyPermissions {
				most := reachOf(rt, before, who, p)
				for _, actor := range actors {
					most = max(most, heldBy(rt, before, actor, who.Domain, p))
				}
				if got := reachOf(rt, after, who, p); got > most {
					rt.Fatalf("%+v has %s with reach %s, where %s is all there was", who, p, got, most)
				}
			}
		}
	})
	require.Positive(t, let, "every step was refused: the property says nothing")
}

// propertySubjects are roles as tokens carry them, and users by their bindings.
func propertySubjects() []domain.Actor {
	var list []domain.Actor
	for _, home := range propertyDomains {
		for _, role := range propertyRoles {
			list = append(list, domain.Actor{ID: "x", Role: role, Domain: home})
		}
		for _, user := range propertyUsers {
			list = append(list, domain.Actor{ID: user, Domain: home})
		}
	}
	return list
}
