package porttest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// AuthorizerHarness makes the authorizers that [RunAuthorizer] looks at.
type AuthorizerHarness struct {
	// New returns one that has the permissions g names and gives exactly g.
	New func(tb testing.TB, g Grants) port.Authorizer
	// Failing returns one that would give g, but cannot reach what it decides
	// by. Nil when the authorizer decides by nothing that can fail.
	Failing func(tb testing.TB, g Grants) port.Authorizer
}

// RunAuthorizer checks the contract of [port.Authorizer], and of
// [port.Explainer] where the authorizer is one.
func RunAuthorizer(t *testing.T, h AuthorizerHarness) {
	g := Grants{
		"reader":  {"image.get": domain.ReachVisible, "image.list": domain.ReachVisible},
		"owner":   {"image.get": domain.ReachVisible, "image.forget": domain.ReachOwn},
		"root":    {"image.get": domain.ReachAny, "image.list": domain.ReachAny, "image.forget": domain.ReachAny, "agent.list": domain.ReachAny},
		"nothing": {"agent.list": domain.ReachNone},
	}
	permissions := []string{"image.get", "image.list", "image.forget", "agent.list"}

	t.Run("gives each role what it has and nothing else", func(t *testing.T) {
		a := h.New(t, g)
		for _, role := range slices.Sorted(maps.Keys(g)) {
			for _, p := range permissions {
				checkGrant(t, a, domain.Actor{ID: "u1", Role: role, Domain: "default"}, p, g[role][p])
			}
		}
	})
	t.Run("refuses actors without a role that exists", func(t *testing.T) {
		a := h.New(t, g)
		for _, actor := range strangers() {
			for _, p := range permissions {
				checkGrant(t, a, actor, p, domain.ReachNone)
			}
		}
	})
	t.Run("decides by the role, not by what else the actor brings", func(t *testing.T) {
		a := h.New(t, g)
		for _, actor := range []domain.Actor{
			{Role: "owner"},
			{ID: "root", Role: "owner", Domain: "root", Projects: []string{"root"}},
			{ID: "*", Role: "owner", Domain: "*", Projects: []string{"*"}},
		} {
			checkGrant(t, a, actor, "image.forget", domain.ReachOwn)
			checkGrant(t, a, actor, "agent.list", domain.ReachNone)
		}
	})
	t.Run("a permission that does not exist is an internal error", func(t *testing.T) {
		a := h.New(t, g)
		for _, p := range []string{"", "*", "image", "image.", "image.*", ".*", "IMAGE.GET", "image.get ", "image.get,image.list", "image.steal"} {
			for _, role := range []domain.Role{"root", "reader", ""} {
				got, err := a.Authorize(t.Context(), domain.Actor{ID: "u1", Role: role}, p)
				if domain.CodeOf(err) != domain.CodeInternal || got != (domain.Grant{}) {
					t.Errorf("Authorize(%s, %q) = %+v, %v; want the zero grant and internal", role, p, got, err)
				}
			}
		}
	})
	t.Run("a context that has ended never widens", func(t *testing.T) {
		a := h.New(t, g)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, p := range permissions {
			got, err := a.Authorize(ctx, domain.Actor{ID: "u1", Role: "owner"}, p)
			switch {
			case err != nil && (got != domain.Grant{} || domain.CodeOf(err) != domain.CodeCanceled):
				t.Errorf("Authorize(owner, %s) = %+v, %v; want the zero grant with canceled", p, got, err)
			case err == nil && got.Reach != g["owner"][p]:
				t.Errorf("Authorize(owner, %s) = %s, want %s", p, got.Reach, g["owner"][p])
			}
		}
	})
	t.Run("many at once are told the same", func(t *testing.T) {
		a := h.New(t, g)
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				role := slices.Sorted(maps.Keys(g))[i%len(g)]
				for _, p := range permissions {
					checkGrant(t, a, domain.Actor{ID: "u1", Role: role}, p, g[role][p])
					checkGrant(t, a, domain.Actor{ID: "u1", Role: "stranger"}, p, domain.ReachNone)
				}
			})
		}
		wg.Wait()
	})
	t.Run("explains what it decides", func(t *testing.T) {
		a := h.New(t, g)
		if _, ok := a.(port.Explainer); !ok {
			t.Skip("does not explain")
		}
		for _, actor := range append(strangers(), domain.Actor{ID: "u1", Role: "owner"}, domain.Actor{ID: "u2", Role: "root"}) {
			for _, p := range permissions {
				checkExplained(t, a, actor, p)
			}
		}
		d, err := a.(port.Explainer).Explain(t.Context(), domain.Actor{Role: "root"}, "image.steal")
		if domain.CodeOf(err) != domain.CodeInternal || d.Grant != (domain.Grant{}) {
			t.Errorf("Explain of an unknown permission = %+v, %v; want internal", d, err)
		}
	})
	t.Run("a failure to decide never allows", func(t *testing.T) {
		if h.Failing == nil {
			t.Skip("nothing to fail")
		}
		a := h.Failing(t, g)
		for _, p := range permissions {
			got, err := a.Authorize(t.Context(), domain.Actor{ID: "u1", Role: "root"}, p)
			code := domain.CodeOf(err)
			if got != (domain.Grant{}) || code != domain.CodeInternal && code != domain.CodeUnavailable {
				t.Errorf("Authorize(root, %s) = %+v, %v; want the zero grant with internal or unavailable", p, got, err)
			}
		}
	})
}

// strangers are actors that no policy knows, some of them hostile.
func strangers() []domain.Actor {
	actors := []domain.Actor{{}, {ID: "root"}, {Domain: "root", Projects: []string{"root"}}}
	for _, role := range []domain.Role{
		"stranger", "*", ".*", "r*", "roo?", "root,reader", "reader,root", "root\nreader", "root\x00", " root", "root ", "ROOT",
		"ro", "roots", `"root"`, "root*", "(root)", "p, root, *, any", "g, root", "reader||true", "none", "any",
	} {
		actors = append(actors, domain.Actor{ID: "u1", Role: role, Domain: "default"})
	}
	return actors
}

func checkGrant(t *testing.T, a port.Authorizer, actor domain.Actor, permission string, want domain.Reach) {
	t.Helper()
	got, err := a.Authorize(t.Context(), actor, permission)
	if err != nil || got.Reach != want {
		t.Errorf("Authorize(%q of %q, %s) = %s, %v; want %s", actor.Role, actor.ID, permission, got.Reach, err, want)
	}
	if (got.Rule == "") != (want == domain.ReachNone) {
		t.Errorf("Authorize(%q, %s): rule %q; a grant names its rule, a refusal has none", actor.Role, permission, got.Rule)
	}
}

func checkExplained(t *testing.T, a port.Authorizer, actor domain.Actor, permission string) {
	t.Helper()
	grant, err := a.Authorize(t.Context(), actor, permission)
	if err != nil {
		t.Errorf("Authorize(%q, %s): %v", actor.Role, permission, err)
		return
	}
	d, err := a.(port.Explainer).Explain(t.Context(), actor, permission)
	if err != nil {
		t.Errorf("Explain(%q, %s): %v", actor.Role, permission, err)
		return
	}
	if d.Grant != grant || d.Permission != permission || d.Actor.Role != actor.Role {
		t.Errorf("Explain(%q, %s) = %+v; Authorize gives %+v", actor.Role, permission, d, grant)
	}
	if refused := grant.Reach == domain.ReachNone; (d.Missing != "") != refused || (d.Role == "") != refused {
		t.Errorf("Explain(%q, %s): role %q, missing %q", actor.Role, permission, d.Role, d.Missing)
	}
}
