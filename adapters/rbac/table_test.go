package rbac_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

func TestConcurrentColdChecksBuildOnce(t *testing.T) {
	a := mustNew(t, newClock().cfg(&rows{policy: large(100, 100)}))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 1000 {
		wg.Go(func() {
			<-start
			u := domain.Actor{ID: domain.UserID(fmt.Sprintf("user-%d", i)), Role: "role-1", Domain: "domain-7"}
			want(t, a, u, "image.get", domain.ReachVisible)
		})
	}
	close(start)
	wg.Wait()
	if n := a.Builds(); n != 1 {
		t.Errorf("made %d tables, want 1", n)
	}
	if !a.SharesSlots(domain.Actor{Role: "role-2", Domain: "domain-7"}) {
		t.Error("two checks that miss at the same moment make two tables")
	}
}

func TestNamesThatNoRuleKnowsShareOneTable(t *testing.T) {
	a := mustNew(t, newClock().cfg(&rows{policy: large(3, 10)}))
	for i := range 20_000 {
		u := domain.Actor{ID: domain.UserID(fmt.Sprint(i)), Role: domain.Role(fmt.Sprint("r", i)), Domain: fmt.Sprint("d", i)}
		want(t, a, u, "image.get", domain.ReachNone)
	}
	if n := a.Builds(); n != 1 {
		t.Errorf("made %d tables, want 1", n)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	p := rbac.Policy{}
	const users = rbac.MaxTables + 500
	for i := range users {
		role := domain.Role(fmt.Sprint("r", i))
		p.Rules = append(p.Rules, rbac.Rule{Role: role, Permission: "image.get", Reach: domain.ReachAny})
		p.Bindings = append(p.Bindings, rbac.Binding{User: domain.UserID(role), Role: role})
	}
	a := mustNew(t, newClock().cfg(&rows{policy: p}))
	for i := range users {
		want(t, a, domain.Actor{ID: domain.UserID(fmt.Sprint("r", i))}, "image.get", domain.ReachAny)
	}
	if n := a.Tables(); n != rbac.MaxTables {
		t.Errorf("%d tables are kept, want %d", n, rbac.MaxTables)
	}
	want(t, a, domain.Actor{ID: "r0"}, "image.get", domain.ReachAny) // made again if it went
}

// large makes rules in each of many domains, ten roles each, and an eleventh
// that has all ten.
func large(domains, each int) rbac.Policy {
	var p rbac.Policy
	for d := range domains {
		name := fmt.Sprintf("domain-%d", d)
		for i := range each {
			permission := permissions[i%len(permissions)]
			if i >= 2*len(permissions) {
				permission = kinds[i%len(kinds)]
			}
			p.Rules = append(p.Rules, rbac.Rule{
				Role: domain.Role(fmt.Sprintf("role-%d", i%10+1)), Permission: permission, Reach: domain.ReachVisible, Domain: name,
			})
		}
	}
	for i := range 10 {
		p.Links = append(p.Links, rbac.Link{Role: "all", Parent: domain.Role(fmt.Sprintf("role-%d", i+1))})
	}
	return p
}

var kinds = []string{"image.*", "alias.*", "agent.*", "scaling_group.*", "registry.*"}
