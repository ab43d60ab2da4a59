package rbac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

var (
	_ port.Evaluator = (*rbac.Authorizer)(nil)
	_ port.Searcher  = (*rbac.Authorizer)(nil)
	_ port.Simulator = (*rbac.Authorizer)(nil)
)

func stored(roles ...domain.PolicyRole) domain.PolicyRows { return domain.PolicyRows{Roles: roles} }

func bindings(p domain.PolicyRows, list ...domain.Binding) domain.PolicyRows {
	for _, b := range list {
		p.Bindings = append(p.Bindings, domain.RoleBinding{Binding: b})
	}
	return p
}

func TestPolicySaysWhatRowsMeanWithoutPuttingThemInForce(t *testing.T) {
	r := &rows{}
	a := mustNew(t, newClock().cfg(r))
	p, err := a.Policy(bindings(stored(
		domain.PolicyRole{Name: "scanner", Rules: []domain.RoleRule{{Permission: "image.scan", Reach: domain.ReachAny, Domain: "a"}, {Permission: "image.get", Reach: domain.ReachOwn}}},
		domain.PolicyRole{Name: "lead", Inherits: []domain.Role{"scanner", "monitor", "lead"}},
		domain.PolicyRole{Name: "broken", Rules: []domain.RoleRule{{Permission: "image.steal", Reach: domain.ReachAny}}},
		domain.PolicyRole{Name: "mole", Inherits: []domain.Role{"superadmin"}},
	), domain.Binding{User: "alice", Role: "lead", Domain: "a"}, domain.Binding{User: "eve", Role: "mole"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		actor      domain.Actor
		permission string
		want       domain.Reach
	}{
		{domain.Actor{ID: "alice", Domain: "a"}, "image.scan", domain.ReachAny},
		{domain.Actor{ID: "alice", Domain: "a"}, "audit.search", domain.ReachAny},
		{domain.Actor{ID: "alice", Domain: "b"}, "audit.search", domain.ReachNone},
		{domain.Actor{ID: "x", Role: "lead", Domain: "b"}, "image.scan", domain.ReachNone},
		{domain.Actor{ID: "x", Role: "scanner"}, "image.get", domain.ReachOwn},
		{domain.Actor{ID: "eve"}, "image.get", domain.ReachNone},
		{domain.Actor{ID: "x", Role: "broken"}, "image.get", domain.ReachNone},
		{domain.Actor{ID: "x", Role: "user"}, "image.forget", domain.ReachOwn},
	} {
		g, err := p.Grants(tt.actor)
		if err != nil || g[tt.permission].Reach != tt.want {
			t.Errorf("%+v, %s: %+v, %v; want %s", tt.actor, tt.permission, g[tt.permission], err, tt.want)
		}
	}
	want(t, a, domain.Actor{ID: "alice", Domain: "a"}, "image.scan", domain.ReachNone)

	rules := p.Rules("lead")
	for _, r := range []domain.RoleRule{
		{Permission: "image.scan", Reach: domain.ReachAny, Domain: "a"}, {Permission: "image.get", Reach: domain.ReachOwn}, {Permission: "audit.search", Reach: domain.ReachAny},
	} {
		if !slices.Contains(rules, r) {
			t.Errorf("the rules of lead lack %+v", r)
		}
	}
	lead, ok := p.Role("lead")
	if d := cmp.Diff(domain.PolicyRole{Name: "lead", Rules: []domain.RoleRule{}, Inherits: []domain.Role{"scanner", "monitor", "lead"}}, lead); d != "" || !ok {
		t.Errorf("lead, -want +got:\n%s", d)
	}
	admin, ok := p.Role(domain.RoleAdmin)
	if !ok || !admin.BuiltIn || !slices.Contains(admin.Inherits, domain.RoleUser) {
		t.Errorf("admin: %+v", admin)
	}
	for role, want := range map[domain.Role][3]bool{ // there, built in, reserved
		"superadmin": {true, true, true}, "system": {true, true, true}, "agent": {true, true, true}, "webhook": {true, true, true},
		"user": {true, true, false}, "scanner": {true, false, false}, "broken": {false, false, false}, "nobody": {false, false, false}, "mole": {false, false, false},
	} {
		r, ok := p.Role(role)
		if got := [3]bool{ok, r.BuiltIn, p.Reserved(role)}; got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
}

func TestRowsThatHaveNoEffectAreNotEvaluated(t *testing.T) {
	a := mustNew(t, rbac.Config{Permissions: permissions})
	_, err := a.Policy(domain.PolicyRows{})
	if domain.CodeOf(err) != domain.CodePrecondition || domain.ReasonOf(err) != "roles_unavailable" {
		t.Errorf("Policy: %v", err)
	}
	_, err = a.Simulate(t.Context(), domain.PolicyRows{}, domain.PolicyRows{}, 1)
	if domain.ReasonOf(err) != "roles_unavailable" {
		t.Errorf("Simulate: %v", err)
	}
	var configured strings.Builder
	fmt.Fprint(&configured, rbac.DefaultPolicy(), "\ng, root, superadmin\n")
	r := mustNew(t, rbac.Config{Permissions: permissions, Policy: configured.String(), Rows: &rows{}})
	p, err := r.Policy(domain.PolicyRows{})
	if err != nil || !p.Reserved("root") {
		t.Errorf("who inherits from superadmin is not reserved: %v", err)
	}
}

// drawRows makes small policies of a few names, so that they meet.
func drawRows(t *rapid.T, label string) domain.PolicyRows {
	names := []domain.Role{"r1", "r2", "r3", "user", "monitor"}
	homes := rapid.SampledFrom([]string{"", "", "a", "b"})
	var p domain.PolicyRows
	for _, name := range names[:3] {
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) domain.RoleRule {
			return domain.RoleRule{
				Permission: rapid.SampledFrom([]string{"image.get", "image.forget", "image.*", "agent.list", "audit.*", "*"}).Draw(t, "permission"),
				Reach:      rapid.SampledFrom([]domain.Reach{domain.ReachOwn, domain.ReachVisible, domain.ReachAny}).Draw(t, "reach"),
				Domain:     homes.Draw(t, "domain"),
			}
		}), 0, 3).Draw(t, label+" rules")
		p.Roles = append(p.Roles, domain.PolicyRole{Name: name, Rules: rules, Inherits: rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID).Draw(t, label+" inherits")})
	}
	for range rapid.IntRange(0, 4).Draw(t, label+" bindings") {
		p = bindings(p, domain.Binding{
			User: rapid.SampledFrom([]domain.UserID{"u1", "u2"}).Draw(t, "user"), Role: rapid.SampledFrom(names).Draw(t, "role"), Domain: homes.Draw(t, "limit"),
		})
	}
	return p
}

var drawnDomains = []string{"", "a", "b"}

// TestWhoCanAgreesWithWhatChecksDecide: WhoCan follows rules and inheritance by
// itself, where checks ask casbin.
func TestWhoCanAgreesWithWhatChecksDecide(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawRows(rt, "rows")
		a := mustNew(t, newClock().cfg(&rows{policy: rbac.FromRows(p)}))
		permission := rapid.SampledFrom([]string{"image.get", "image.forget", "agent.list", "audit.search"}).Draw(rt, "permission")
		reach := func(actor domain.Actor) domain.Reach {
			g, err := a.Authorize(t.Context(), actor, permission)
			if err != nil {
				rt.Fatal(err)
			}
			return g.Reach
		}
		all, err := a.WhoCan(t.Context(), domain.AccessQuery{Permission: permission})
		if err != nil {
			rt.Fatal(err)
		}
		for _, name := range drawnDomains {
			here := all
			if name != "" {
				if here, err = a.WhoCan(t.Context(), domain.AccessQuery{Permission: permission, Domain: name}); err != nil {
					rt.Fatal(err)
				}
			}
			for _, list := range [][]domain.Holder{all.Holders, here.Holders} {
				roles, users := map[domain.Role]domain.Reach{}, map[domain.UserID]domain.Reach{}
				for _, h := range list {
					switch {
					case h.Domain != "" && h.Domain != name:
					case h.User == "":
						roles[h.Role] = max(roles[h.Role], h.Reach)
					default:
						users[h.User] = max(users[h.User], h.Reach)
					}
				}
				for _, role := range []domain.Role{"r1", "r2", "r3", "user", "admin", "monitor", "superadmin", "system", "nobody"} {
					if got := reach(domain.Actor{ID: "x", Role: role, Domain: name}); got != roles[role] {
						rt.Fatalf("%s in %q: WhoCan says %s, a check %s", role, name, roles[role], got)
					}
				}
				for _, u := range []domain.UserID{"u1", "u2", "u3"} {
					if got := reach(domain.Actor{ID: u, Domain: name}); got != users[u] {
						rt.Fatalf("%s in %q: WhoCan says %s, a check %s", u, name, users[u], got)
					}
				}
			}
		}
	})
}

func TestWhoCan(t *testing.T) {
	r := &rows{revision: 7, policy: rbac.FromRows(bindings(stored(
		domain.PolicyRole{Name: "scanner", Rules: []domain.RoleRule{{Permission: "image.scan", Reach: domain.ReachVisible, Domain: "a"}}},
		domain.PolicyRole{Name: "lead", Inherits: []domain.Role{"scanner"}},
	), domain.Binding{User: "bob", Role: "lead"}, domain.Binding{User: "alice", Role: "scanner", Domain: "a"}, domain.Binding{User: "carl", Role: "scanner", Domain: "b"}))}
	a := mustNew(t, newClock().cfg(r))
	const line = "row: p, scanner, image.scan, visible, a"
	got, err := a.WhoCan(t.Context(), domain.AccessQuery{Permission: "image.scan", Domain: "a", Project: "p"})
	if err != nil {
		t.Fatal(err)
	}
	got.Holders = slices.DeleteFunc(got.Holders, func(h domain.Holder) bool { return h.Reach == domain.ReachAny })
	if d := cmp.Diff(domain.Holders{Revision: 7, Holders: []domain.Holder{
		{Role: "lead", Domain: "a", Reach: domain.ReachVisible, Rule: line, NeedsProject: true},
		{Role: "scanner", Domain: "a", Reach: domain.ReachVisible, Rule: line, NeedsProject: true},
		{User: "alice", Role: "scanner", Domain: "a", Reach: domain.ReachVisible, Rule: line, NeedsProject: true},
		{User: "bob", Role: "lead", Domain: "a", Reach: domain.ReachVisible, Rule: line, NeedsProject: true},
	}}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for limit, cut := range map[int]bool{1: true, 6: true, 7: false, 100: false} { // superadmin, system and webhook have it too
		got, err := a.WhoCan(t.Context(), domain.AccessQuery{Permission: "image.scan", Limit: limit})
		if err != nil || got.Truncated != cut || len(got.Holders) != min(limit, 7) {
			t.Errorf("limit %d: %d, truncated %t, %v", limit, len(got.Holders), got.Truncated, err)
		}
	}
	if _, err := a.WhoCan(t.Context(), domain.AccessQuery{Permission: "image.steal"}); domain.CodeOf(err) != domain.CodeInternal {
		t.Errorf("an unknown permission: %v", err)
	}
}
