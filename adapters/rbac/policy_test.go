package rbac_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

func TestPolicyErrors(t *testing.T) {
	tests := map[string]struct{ policy, on, message string }{
		"unknown permission":   {"p, user, image.steal, any", "line 1", `"image.steal"`},
		"unknown kind":         {"# c\n\np, user, pod.*, any", "line 3", `"pod.*"`},
		"part of a kind":       {"p, user, im*, any", "line 1", `"im*"`},
		"part of a verb":       {"p, user, image.g*, any", "line 1", `"image.g*"`},
		"verb of all kinds":    {"p, user, *.get, any", "line 1", `"*.get"`},
		"two stars":            {"p, user, **, any", "line 1", `"**"`},
		"no pattern":           {"p, user, , any", "line 1", `""`},
		"bare dot star":        {"p, user, .*, any", "line 1", `".*"`},
		"unknown reach":        {"p, user, image.get, all", "line 1", `"all"`},
		"reach none":           {"p, user, image.get, none", "line 1", "not none"},
		"too few fields":       {"p, user, image.get", "line 1", "a line is"},
		"too many fields":      {"p, user, image.get, own, d, e", "line 1", "a line is"},
		"unknown kind of line": {"p, user, image.get, own\nx, user, admin", "line 2", "a line is"},
		"binding in the file":  {"p, user, image.get, own\ng, alice, user, d", "line 2", "a line is"},
		"no role":              {"p, , image.get, own", "line 1", "a role has"},
		"wildcard role":        {"p, *, image.get, own", "line 1", "a role has"},
		"comma in a role":      {`p, "user,admin", image.get, own`, "line 1", "a role has"},
		"newline in a role":    {"p, \"user\nadmin\", image.get, own", "line 1", "a role has"},
		"long role":            {"p, " + strings.Repeat("r", 65) + ", image.get, own", "line 1", "a role has"},
		"unknown parent":       {"p, user, image.get, own\ng, admin, usr", "line 2", "usr"},
		"wildcard parent":      {"p, user, image.get, own\ng, admin, *", "line 2", "a role has"},
		"wildcard domain":      {"p, user, image.get, own, *", "line 1", "leave the domain empty"},
		"space in a domain":    {"p, user, image.get, own, a b", "line 1", "white space"},
		"open quote":           {"p, user, \"image.get, own", "line 1", "quote"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := rbac.New(rbac.Config{Permissions: permissions, Policy: tt.policy})
			if domain.CodeOf(err) != domain.CodeInvalid || domain.ReasonOf(err) != "policy_invalid" || domain.OnOf(err) != tt.on {
				t.Fatalf("%v; want invalid, policy_invalid, on %s", err, tt.on)
			}
			if m := domain.MessageOf(err); !strings.Contains(m, tt.message) || !strings.HasPrefix(m, tt.on) {
				t.Errorf("message %q; want it to begin with %q and tell %q", m, tt.on, tt.message)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for name, names := range map[string][]string{
		"none": nil, "twice": {"image.get", "image.get"}, "pattern": {"image.*"}, "star": {"*"}, "no verb": {"image"},
		"empty verb": {"image."}, "three parts": {"image.get.all"}, "case": {"Image.get"}, "space": {"image.get "}, "comma": {"image.get,x"},
	} {
		if _, err := rbac.New(rbac.Config{Permissions: names, Policy: "# none"}); domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("permissions, %s: %v; want invalid", name, err)
		}
	}
	if _, err := rbac.Default([]string{"image.get"}); domain.ReasonOf(err) != "policy_invalid" {
		t.Errorf("default policy over a shorter list: %v; want policy_invalid", err)
	}
	for _, d := range []time.Duration{-1, rbac.Bound + 1} {
		if _, err := rbac.New(rbac.Config{Permissions: permissions, Refresh: d}); domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("refresh %s: %v; want invalid", d, err)
		}
	}
}

func TestWidestMatchingRuleDecides(t *testing.T) {
	a := mustNew(t, rbac.Config{Permissions: permissions, Policy: `
p, base, image.get, own
p, base, image.*, visible
p, base, *, own
p, top, image.get, visible
p, wide, image.*, any
p, wide, image.get, own
g, top, middle
g, middle, base
g, deep1, deep2
g, deep2, deep3
g, deep3, deep4
g, deep4, deep5
g, deep5, deep6
g, deep6, deep7
g, deep7, deep8
g, deep8, deep9
g, deep9, deep10
g, deep10, deep11
g, deep11, deep12
g, deep12, deep13
g, deep13, wide
g, round, about
g, about, round
p, about, alias.search, own
`})
	for _, tt := range []struct {
		role       domain.Role
		permission string
		reach      domain.Reach
		rule       string
	}{
		{"base", "image.get", domain.ReachVisible, "line 3: p, base, image.*, visible"},
		{"base", "agent.list", domain.ReachOwn, "line 4: p, base, *, own"},
		{"top", "image.get", domain.ReachVisible, "line 5: p, top, image.get, visible"},
		{"top", "audit.search", domain.ReachOwn, "line 4: p, base, *, own"},
		{"wide", "image.get", domain.ReachAny, "line 6: p, wide, image.*, any"},
		{"wide", "agent.list", domain.ReachNone, ""},
		{"deep1", "image.purge", domain.ReachAny, "line 6: p, wide, image.*, any"},
		{"round", "alias.search", domain.ReachOwn, "line 25: p, about, alias.search, own"},
		{"round", "image.get", domain.ReachNone, ""},
	} {
		got, err := a.Authorize(t.Context(), domain.Actor{ID: "u", Role: tt.role}, tt.permission)
		if err != nil || got != (domain.Grant{Reach: tt.reach, Rule: tt.rule}) {
			t.Errorf("%s, %s: %+v, %v; want %s by %q", tt.role, tt.permission, got, err, tt.reach, tt.rule)
		}
	}
}

func TestRulesOfADomainStayInIt(t *testing.T) {
	a := mustNew(t, rbac.Config{Permissions: permissions, Policy: `
p, dev, image.get, own
p, dev, image.get, any, research
p, ops, agent.list, visible, research
`})
	want(t, a, domain.Actor{Role: "dev", Domain: "research"}, "image.get", domain.ReachAny)
	for _, d := range []string{"", "other", "*", "RESEARCH", "research ", "research\n"} {
		want(t, a, domain.Actor{Role: "dev", Domain: d}, "image.get", domain.ReachOwn)
		want(t, a, domain.Actor{Role: "ops", Domain: d}, "agent.list", domain.ReachNone)
	}
}

func TestBindings(t *testing.T) {
	r := &rows{policy: rbac.Policy{
		Rules: []rbac.Rule{{Role: "scanner", Permission: "image.scan", Reach: domain.ReachAny}},
		Links: []rbac.Link{{Role: "lead", Parent: "scanner"}},
		Bindings: []rbac.Binding{
			{User: "alice", Role: "scanner", Domain: "a"},
			{User: "alice", Role: "monitor"},
			{User: "bob", Role: "lead", Domain: "a"},
		},
	}}
	a := mustNew(t, newClock().cfg(r))
	alice := func(d string) domain.Actor { return domain.Actor{ID: "alice", Role: "user", Domain: d} }
	want(t, a, alice("a"), "image.scan", domain.ReachAny)
	want(t, a, alice("b"), "image.scan", domain.ReachNone)
	want(t, a, alice(""), "image.scan", domain.ReachNone)
	for _, d := range []string{"a", "b", ""} {
		want(t, a, alice(d), "audit.search", domain.ReachAny) // bound everywhere
		want(t, a, alice(d), "image.purge", domain.ReachOwn)  // her own role still counts
	}
	want(t, a, domain.Actor{ID: "bob", Role: "nobody", Domain: "a"}, "image.scan", domain.ReachAny)
	want(t, a, domain.Actor{ID: "bob", Role: "nobody", Domain: "b"}, "image.scan", domain.ReachNone)
	for _, id := range []domain.UserID{"", "*", "alic", "Alice", "alice,bob", "alice\n"} {
		want(t, a, domain.Actor{ID: id, Role: "user", Domain: "a"}, "image.scan", domain.ReachNone)
	}
}

// badRows are rows that must give nothing, whatever stands beside them.
func badRows() map[string]rbac.Policy {
	guarded := map[string]rbac.Policy{}
	for _, role := range []domain.Role{"superadmin", "system", "agent", "webhook", "root"} {
		guarded["bind to "+string(role)] = rbac.Policy{Bindings: []rbac.Binding{{User: "eve", Role: role}}}
		guarded["bind in a domain to "+string(role)] = rbac.Policy{Bindings: []rbac.Binding{{User: "eve", Role: role, Domain: "a"}}}
		guarded["inherit from "+string(role)] = rbac.Policy{
			Links: []rbac.Link{{Role: "mole", Parent: role}}, Bindings: []rbac.Binding{{User: "eve", Role: "mole"}},
		}
		guarded["extend "+string(role)] = rbac.Policy{Links: []rbac.Link{{Role: role, Parent: "user"}}}
		guarded["rule for "+string(role)] = rbac.Policy{Rules: []rbac.Rule{{Role: role, Permission: "*", Reach: domain.ReachAny}}}
	}
	for _, role := range []domain.Role{"*", "", ".*", "user,monitor", "user\nmonitor", "user ", "p, user", `"user"`, "usér", "user\x00"} {
		guarded[fmt.Sprintf("rule for %q", role)] = rbac.Policy{Rules: []rbac.Rule{{Role: role, Permission: "*", Reach: domain.ReachAny}}}
		guarded[fmt.Sprintf("bind to %q", role)] = rbac.Policy{Bindings: []rbac.Binding{{User: "eve", Role: role}}}
		guarded[fmt.Sprintf("inherit from %q", role)] = rbac.Policy{Links: []rbac.Link{{Role: "user", Parent: role}}}
	}
	guarded["unknown permission"] = rbac.Policy{Rules: []rbac.Rule{{Role: "user", Permission: "image.steal", Reach: domain.ReachAny}}}
	guarded["unknown pattern"] = rbac.Policy{Rules: []rbac.Rule{{Role: "user", Permission: "im*", Reach: domain.ReachAny}}}
	guarded["reach none"] = rbac.Policy{Rules: []rbac.Rule{{Role: "user", Permission: "*"}}}
	guarded["reach 9"] = rbac.Policy{Rules: []rbac.Rule{{Role: "user", Permission: "*", Reach: 9}}}
	guarded["domain *"] = rbac.Policy{Rules: []rbac.Rule{{Role: "user", Permission: "*", Reach: domain.ReachAny, Domain: "*"}}}
	guarded["nobody bound"] = rbac.Policy{Bindings: []rbac.Binding{{Role: "monitor"}}}
	guarded["unknown role bound"] = rbac.Policy{Bindings: []rbac.Binding{{User: "eve", Role: "nemo"}}}
	return guarded
}

func TestBadRowsGiveNothingAndStopNothing(t *testing.T) {
	policy := rbac.DefaultPolicy() + "\np, root, registry.list, any\ng, root, superadmin\n"
	for name, bad := range badRows() {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			good := rbac.Rule{Role: "scanner", Permission: "image.scan", Reach: domain.ReachAny}
			mixed := rbac.Policy{
				Rules: append([]rbac.Rule{good}, bad.Rules...), Links: bad.Links,
				Bindings: append([]rbac.Binding{{User: "carl", Role: "scanner"}}, bad.Bindings...),
			}
			cfg := newClock().cfg(&rows{policy: mixed})
			cfg.Policy = policy
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			a := mustNew(t, cfg)

			for _, role := range []domain.Role{"user", "", "*", "mole", "user,monitor"} {
				for _, d := range []string{"", "a", "*"} {
					eve := domain.Actor{ID: "eve", Role: role, Domain: d}
					want(t, a, eve, "image.modify", domain.ReachNone)
					want(t, a, eve, "audit.search", domain.ReachNone)
					want(t, a, eve, "agent.report", domain.ReachNone)
				}
			}
			want(t, a, domain.Actor{ID: "eve", Role: "agent"}, "image.get", domain.ReachNone) // not extended
			want(t, a, domain.Actor{ID: "", Role: ""}, "image.get", domain.ReachNone)
			want(t, a, domain.Actor{ID: "carl", Role: "user"}, "image.scan", domain.ReachAny)
			want(t, a, domain.Actor{ID: "op", Role: "superadmin"}, "image.modify", domain.ReachAny)
			if !strings.Contains(log.String(), "policy row left out") || !strings.Contains(log.String(), "policy_invalid") {
				t.Errorf("nothing was logged:\n%s", log.String())
			}
			if err := a.Check(mixed); domain.ReasonOf(err) != "policy_invalid" {
				t.Errorf("Check: %v; want policy_invalid", err)
			}
			if err := a.Check(rbac.Policy{Rules: []rbac.Rule{good}}); err != nil {
				t.Errorf("Check of good rows: %v", err)
			}
		})
	}
}

func TestEnforcerErrorIsInternal(t *testing.T) {
	for name, model := range map[string]string{
		"unknown function": strings.Replace(rbac.Model(), "covers(", "nothing(", 1),
		"not a boolean":    strings.Replace(rbac.Model(), "m = covers(r.permission, p.permission) && g(r.actor, p.role)", `m = "yes" + p.role`, 1),
		"other effect":     strings.Replace(rbac.Model(), "some(where (p.eft == allow))", "all(where (p.eft == allow))", 1),
		"fewer fields":     strings.Replace(rbac.Model(), "p = role, permission, reach, rule", "p = role, permission, reach", 1),
		"no rule needed":   strings.Replace(rbac.Model(), "some(where (p.eft == allow))", "!some(where (p.eft == deny))", 1),
	} {
		t.Run(name, func(t *testing.T) {
			a, err := rbac.NewWithModel(rbac.Config{Permissions: permissions}, model)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second from the cache
				for _, p := range permissions {
					wantCode(t, a, domain.Actor{ID: "op", Role: "superadmin"}, p, domain.CodeInternal)
				}
			}
		})
	}
	if _, err := rbac.NewWithModel(rbac.Config{Permissions: permissions}, "[matchers]\n"); domain.CodeOf(err) != domain.CodeInternal {
		t.Errorf("an unreadable model: %v; want internal", err)
	}
	var e *domain.Error
	a := mustNew(t, rbac.Config{Permissions: permissions})
	if _, err := a.Authorize(t.Context(), domain.Actor{Role: "superadmin"}, "image.steal"); !errors.As(err, &e) || e.Op != "rbac.Authorize" {
		t.Errorf("unknown permission: %v", err)
	}
}
