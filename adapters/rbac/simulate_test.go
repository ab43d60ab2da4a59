package rbac_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

// TestSimulateFindsEveryFlip compares with a look at every decision there is,
// before and after.
func TestSimulateFindsEveryFlip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before, after := drawRows(rt, "before"), drawRows(rt, "after")
		if rapid.Bool().Draw(rt, "small") { // one role or the bindings only
			if i := rapid.IntRange(0, 3).Draw(rt, "which"); i < 3 {
				roles := append([]domain.PolicyRole(nil), before.Roles...)
				roles[i] = after.Roles[i]
				after = domain.PolicyRows{Roles: roles, Bindings: before.Bindings}
			} else {
				after.Roles = before.Roles
			}
		}
		a := mustNew(t, newClock().cfg(&rows{}))
		got, err := a.Simulate(t.Context(), before, after, 1<<20)
		if err != nil || got.Truncated {
			rt.Fatal(got.Truncated, err)
		}
		found := map[string]string{}
		for _, f := range got.Flips {
			found[fmt.Sprint(f.Role, "|", f.User, "|", f.Domain, "|", f.Permission)] = f.Before.Reach.String() + ">" + f.After.Reach.String()
		}
		var actors []domain.Actor
		for _, r := range []domain.Role{"r1", "r2", "r3", "user", "monitor", "superadmin"} {
			actors = append(actors, domain.Actor{Role: r})
		}
		for _, u := range []domain.UserID{"u1", "u2", "u3"} {
			actors = append(actors, domain.Actor{ID: u})
		}
		named := map[string]bool{"": true}
		for _, p := range []domain.PolicyRows{before, after} {
			for _, b := range p.Bindings {
				named[b.Domain] = true
			}
			for _, r := range rbac.FromRows(p).Rules {
				named[r.Domain] = true
			}
		}
		was, is := mustNew(t, newClock().cfg(&rows{policy: rbac.FromRows(before)})), mustNew(t, newClock().cfg(&rows{policy: rbac.FromRows(after)}))
		for _, actor := range actors {
			for name := range named {
				actor.Domain = name
				for _, p := range permissions {
					old, err1 := was.Authorize(t.Context(), actor, p)
					now, err2 := is.Authorize(t.Context(), actor, p)
					if err1 != nil || err2 != nil {
						rt.Fatal(err1, err2)
					}
					key := fmt.Sprint(actor.Role, "|", actor.ID, "|", name, "|", p)
					want := ""
					if old.Reach != now.Reach {
						want = old.Reach.String() + ">" + now.Reach.String()
					}
					if found[key] != want {
						rt.Fatalf("%s: found %q, want %q", key, found[key], want)
					}
					delete(found, key)
				}
			}
		}
		if len(found) > 0 {
			rt.Fatalf("flips that are none: %v", found)
		}
	})
}

func TestSimulateSaysWhichRulesDecide(t *testing.T) {
	a := mustNew(t, newClock().cfg(&rows{}))
	before := bindings(stored(domain.PolicyRole{Name: "scanner", Rules: []domain.RoleRule{{Permission: "image.scan", Reach: domain.ReachAny}}}),
		domain.Binding{User: "bob", Role: "scanner", Domain: "a"})
	after, err := before.With(domain.PolicyChange{
		RemoveRules: []domain.RuleOf{{Role: "scanner", RoleRule: before.Roles[0].Rules[0]}},
		AddRules:    []domain.RuleOf{{Role: "scanner", RoleRule: domain.RoleRule{Permission: "image.scan", Reach: domain.ReachOwn, Domain: "a"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	anywhere := domain.Grant{Reach: domain.ReachAny, Rule: "row: p, scanner, image.scan, any"}
	inA := domain.Grant{Reach: domain.ReachOwn, Rule: "row: p, scanner, image.scan, own, a"}
	all := []domain.Flip{
		{Role: "scanner", Permission: "image.scan", Before: anywhere},
		{Role: "scanner", Domain: "a", Permission: "image.scan", Before: anywhere, After: inA},
		{User: "bob", Domain: "a", Permission: "image.scan", Before: anywhere, After: inA},
	}
	for limit := range 5 {
		got, err := a.Simulate(t.Context(), before, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(domain.Flips{Flips: all[:min(limit, 3)], Truncated: limit < 3}, got); d != "" {
			t.Errorf("limit %d, -want +got:\n%s", limit, d)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Simulate(ctx, before, after, 10); domain.CodeOf(err) != domain.CodeCanceled {
		t.Errorf("after the caller is gone: %v", err)
	}
	want(t, a, domain.Actor{ID: "bob", Domain: "a"}, "image.scan", domain.ReachNone) // nothing is in force
}
