//go:build !race

package rbac_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

// 10,000 rules: 100 domains of 100 rules each, over ten roles per domain.
const domains, each = 100, 100

// coldActors are one per domain: of a role with a tenth of the domain's rules,
// and of one that has them all.
func coldActors(role domain.Role) []domain.Actor {
	actors := make([]domain.Actor, domains)
	for i := range actors {
		actors[i] = domain.Actor{ID: "u", Role: role, Domain: fmt.Sprintf("domain-%d", i)}
	}
	return actors
}

func largeAuthorizer(tb testing.TB) *rbac.Authorizer {
	tb.Helper()
	r := &rows{policy: large(domains, each)}
	for i := range 1000 {
		r.policy.Bindings = append(r.policy.Bindings, rbac.Binding{User: domain.UserID(fmt.Sprint("b", i)), Role: "role-2", Domain: "domain-1"})
	}
	a := mustNew(tb, rbac.Config{Permissions: permissions, Rows: r, Refresh: rbac.Bound})
	want(tb, a, domain.Actor{}, "image.get", domain.ReachNone) // loads
	return a
}

var warmCases = []struct {
	name       string
	actor      domain.Actor
	permission string
	reach      domain.Reach
}{
	{"allowed", domain.Actor{ID: "u", Role: "all", Domain: "domain-1"}, "image.get", domain.ReachVisible},
	{"denied", domain.Actor{ID: "u", Role: "role-1", Domain: "domain-1"}, "registry.create", domain.ReachNone},
	{"allowed_bound", domain.Actor{ID: "b7", Role: "user", Domain: "domain-1"}, "image.list", domain.ReachVisible},
	{"stranger", domain.Actor{ID: "u", Role: "none", Domain: "nowhere"}, "image.get", domain.ReachNone},
}

func TestCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	a := largeAuthorizer(t)
	for _, c := range warmCases {
		want(t, a, c.actor, c.permission, c.reach)
		check := func() { _, _ = a.Authorize(t.Context(), c.actor, c.permission) }
		if n := testing.AllocsPerRun(1000, check); n > 0 {
			t.Errorf("warm, %s: %v allocations, want none", c.name, n)
		}
		best := quickest(50, func(int) {
			for range 1000 {
				check()
			}
		}) / 1000
		if best > 2*time.Microsecond {
			t.Errorf("warm, %s: %s, want less than 2µs", c.name, best)
		}
	}
	for _, role := range []domain.Role{"role-1", "all"} {
		actors := coldActors(role)
		best := quickest(domains, func(i int) { want(t, a, actors[i], "image.get", domain.ReachVisible) })
		if best > time.Millisecond {
			t.Errorf("cold, %s: %s, want less than 1ms", role, best)
		}
	}
}

// quickest is the time that f takes when nothing else disturbs it.
func quickest(n int, f func(i int)) time.Duration {
	best := time.Hour
	for i := range n {
		began := time.Now()
		f(i)
		best = min(best, time.Since(began))
	}
	return best
}

func BenchmarkAuthorizeWarm(b *testing.B) {
	a := largeAuthorizer(b)
	for _, c := range warmCases {
		b.Run(c.name, func(b *testing.B) {
			want(b, a, c.actor, c.permission, c.reach)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = a.Authorize(b.Context(), c.actor, c.permission)
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = a.Authorize(b.Context(), warmCases[0].actor, warmCases[0].permission)
			}
		})
	})
}

// BenchmarkAuthorizeCold is the first check of one domain and role.
func BenchmarkAuthorizeCold(b *testing.B) {
	for name, role := range map[string]domain.Role{"10_of_100_rules": "role-1", "100_of_100_rules": "all"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			actors := coldActors(role)
			var a *rbac.Authorizer
			for i := 0; b.Loop(); i++ {
				if i%domains == 0 {
					b.StopTimer()
					a = largeAuthorizer(b)
					b.StartTimer()
				}
				if _, err := a.Authorize(b.Context(), actors[i%domains], "image.get"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReload is reading, checking and taking up 10,000 changed rules.
func BenchmarkReload(b *testing.B) {
	c, r := newClock(), &rows{}
	p := large(domains, each)
	a := mustNew(b, c.cfg(r))
	for b.Loop() {
		r.set(p)
		c.pass(rbac.Bound)
		if _, err := a.Authorize(b.Context(), domain.Actor{}, "image.get"); err != nil {
			b.Fatal(err)
		}
	}
}
