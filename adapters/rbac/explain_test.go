package rbac_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

func TestExplain(t *testing.T) {
	r := &rows{revision: 42, policy: rbac.Policy{
		Rules: []rbac.Rule{
			{Role: "scanner", Permission: "image.scan", Reach: domain.ReachVisible, Domain: "a"},
			{Role: "keeper", Permission: "image.*", Reach: domain.ReachVisible, Domain: "b"},
		},
		Bindings: []rbac.Binding{{User: "alice", Role: "scanner", Domain: "a"}},
	}}
	a := mustNew(t, newClock().cfg(r))
	for name, tt := range map[string]struct {
		actor      domain.Actor
		permission string
		want       domain.Decision
	}{
		"own role": {domain.Actor{ID: "bob", Role: "user"}, "image.forget", domain.Decision{
			Grant: domain.Grant{Reach: domain.ReachOwn, Rule: "line 18: p, user, image.forget, own"}, Role: "user",
		}},
		"inherited": {domain.Actor{ID: "bob", Role: "admin"}, "image.forget", domain.Decision{
			Grant: domain.Grant{Reach: domain.ReachOwn, Rule: "line 18: p, user, image.forget, own"}, Role: "user",
		}},
		"row": {alice, "image.scan", domain.Decision{
			Grant: domain.Grant{Reach: domain.ReachVisible, Rule: "row: p, scanner, image.scan, visible, a"}, Role: "scanner",
		}},
		"nearest": {domain.Actor{ID: "m", Role: "monitor"}, "image.forget", domain.Decision{
			Missing: "image.forget needs the role user (reach own) or superadmin (reach any); the actor has monitor",
		}},
		"of another domain": {domain.Actor{ID: "alice", Role: "user", Domain: "b"}, "image.scan", domain.Decision{
			Missing: "image.scan needs the role keeper (reach visible) or superadmin (reach any); the actor has user",
		}},
		"bound": {alice, "image.modify", domain.Decision{
			Missing: "image.modify needs the role superadmin (reach any); the actor has user and scanner (bound)",
		}},
		"unknown role": {domain.Actor{ID: "x", Role: "a\nb"}, "agent.report", domain.Decision{
			Missing: `agent.report needs the role superadmin (reach any); the actor has "a\nb", which no rule knows`,
		}},
		"nobody": {domain.Actor{}, "agent.report", domain.Decision{
			Missing: "agent.report needs the role superadmin (reach any); the actor has no role",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.Actor, tt.want.Permission, tt.want.Revision = tt.actor, tt.permission, 42
			got, err := a.Explain(t.Context(), tt.actor, tt.permission)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestExplainShortensLongAdvice(t *testing.T) {
	a := mustNew(t, rbac.Config{Permissions: permissions, Policy: `
p, r1, image.get, any
p, r2, image.get, visible
p, r3, image.get, own
p, r4, image.get, any
p, r5, image.get, any
p, r6, image.get, any
p, r7, image.get, any
p, system, image.get, own
`})
	for permission, want := range map[string]string{
		"image.get": "image.get needs the role r3 (reach own) or r2 (reach visible) or r1 (reach any) or r4 (reach any) or r5 (reach any)" +
			" or 2 more; the actor has no role",
		"agent.list": "no role has agent.list; the actor has no role",
	} {
		if d, err := a.Explain(t.Context(), domain.Actor{}, permission); err != nil || d.Missing != want {
			t.Errorf("%q, %v\nwant %q", d.Missing, err, want)
		}
	}
}
