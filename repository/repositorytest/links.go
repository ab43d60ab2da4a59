package repositorytest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var links = []sentence{
	{"allowing and associating say whether they changed anything", linksSayWhetherTheyChanged},
	{"domains and projects of a registry are sorted and differ by case", linksAreSorted},
	{"an actor sees of a registry only what is theirs", linksOfOthersAreHidden},
}

// change is a call that says whether it changed anything.
type change func(ctx context.Context, tx repository.AdminView) (bool, error)

// changes runs a change in a transaction of its own.
func changes(t *testing.T, st repository.Store, fn change) bool {
	t.Helper()
	var did bool
	mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) (err error) {
		did, err = fn(ctx, tx)
		return err
	})
	return did
}

func addLinks(t *testing.T, st repository.Store, id domain.RegistryID, domains, projects []string) {
	t.Helper()
	for _, d := range domains {
		changes(t, st, func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Allow(ctx, id, d)
		})
	}
	for _, p := range projects {
		changes(t, st, func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Associate(ctx, id, p)
		})
	}
}

func linksSayWhetherTheyChanged(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Domains: []string{}})
	other := AddRegistry(t, st, Registry{Project: "other", Domains: []string{"d"}, Projects: []string{"p"}})
	for _, step := range []struct {
		what     string
		fn       change
		want     bool
		domains  []string
		projects []string
	}{
		{"Disallow", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Disallow(ctx, reg.ID, "d")
		}, false, nil, nil},
		{"Allow", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Allow(ctx, reg.ID, "d")
		}, true, []string{"d"}, nil},
		{"Allow", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Allow(ctx, reg.ID, "d")
		}, false, []string{"d"}, nil},
		{"Disassociate", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Disassociate(ctx, reg.ID, "p")
		}, false, []string{"d"}, nil},
		{"Associate", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Associate(ctx, reg.ID, "p")
		}, true, []string{"d"}, []string{"p"}},
		{"Associate", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Associate(ctx, reg.ID, "p")
		}, false, []string{"d"}, []string{"p"}},
		{"Disallow", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Disallow(ctx, reg.ID, "d")
		}, true, nil, []string{"p"}},
		{"Disassociate", func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Disassociate(ctx, reg.ID, "p")
		}, true, nil, nil},
	} {
		if did := changes(t, st, step.fn); did != step.want {
			t.Errorf("%s says %t, want %t", step.what, did, step.want)
		}
		got := registryNow(t, st, reg.ID)
		wantSame(t, "domains after "+step.what, got.Domains, step.domains, cmpopts.EquateEmpty())
		wantSame(t, "projects after "+step.what, got.Projects, step.projects, cmpopts.EquateEmpty())
	}
	wantSame(t, "the other registry", registryNow(t, st, other.ID), other)
}

func linksAreSorted(t *testing.T, st repository.Store) {
	odd := []string{"b", "a", "B", "é", "a-b", "it's", "100%", "a_b"}
	reg := AddRegistry(t, st, Registry{Domains: odd, Projects: odd})
	want := sorted(odd, func(s string) string { return s })
	wantSame(t, "domains", reg.Domains, want)
	wantSame(t, "projects", reg.Projects, want)
	list, _, err := whole(st).Read().Registries.List(t.Context(), domain.Where("domain", domain.Eq, "B"), page)
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %d registries, %v", len(list), err)
	}
	wantSame(t, "the listed registry", list[0], reg)
}

// The names of other tenants are theirs.
func linksOfOthersAreHidden(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Domains: []string{"default", "rival"}, Projects: []string{"ml", "secret"}})
	for _, reach := range narrow {
		got := must(as(st, reach, alice).Read().Registries.Get(t.Context(), reg.ID))(t)
		wantSame(t, reach.String()+", domains", got.Domains, []string{"default"})
		wantSame(t, reach.String()+", projects", got.Projects, []string{"ml"})
	}
	got := must(as(st, domain.ReachAny, alice).Read().Registries.Get(t.Context(), reg.ID))(t)
	wantSame(t, "reach any", got, reg)
}

var tenancies = []sentence{
	{"a domain and its projects may use what they were granted", groupsOfTenants},
	{"granting and revoking say whether they changed anything", grantsSayWhetherTheyChanged},
}

func groupsOfTenants(t *testing.T, st repository.Store) {
	for _, g := range []domain.ScalingGroupGrant{
		{ScalingGroup: "all", Domain: "d1"}, {ScalingGroup: "ml", Domain: "d1", Project: "p1"}, {ScalingGroup: "all", Domain: "d1", Project: "p1"},
		{ScalingGroup: "web", Domain: "d1", Project: "p2"}, {ScalingGroup: "far", Domain: "d2", Project: "p1"}, {ScalingGroup: "it's", Domain: "d1", Project: "P1"},
	} {
		AddGrant(t, st, g)
	}
	for _, c := range []struct {
		domain, project string
		want            []string
	}{
		{"d1", "p1", []string{"all", "ml"}}, {"d1", "p2", []string{"all", "web"}}, {"d1", "P1", []string{"all", "it's"}}, {"d1", "unknown", []string{"all"}},
		{"d1", "", []string{"all"}}, {"d2", "p1", []string{"far"}}, {"d2", "p2", []string{}}, {"D1", "p1", []string{}}, {"unknown", "p1", []string{}},
	} {
		for name, view := range map[string]repository.TenancyRepository{"admin": root(st).Read().Tenancy, "scoped": whole(st).Read().Tenancy} {
			got := must(view.ScalingGroups(t.Context(), c.domain, c.project))(t)
			wantSame(t, name+", scaling groups of "+c.domain+" "+c.project, sorted(got, func(s string) string { return s }), c.want)
		}
	}
}

func grantsSayWhetherTheyChanged(t *testing.T, st repository.Store) {
	g := domain.ScalingGroupGrant{ScalingGroup: "g", Domain: "d", Project: "p"}
	near := []domain.ScalingGroupGrant{{ScalingGroup: "g", Domain: "d"}, {ScalingGroup: "g", Domain: "p", Project: "d"}, {ScalingGroup: "G", Domain: "d", Project: "p"}}
	for _, other := range near {
		AddGrant(t, st, other)
	}
	allow := func(ctx context.Context, tx repository.AdminView) (bool, error) { return tx.Tenancy.Allow(ctx, g) }
	disallow := func(ctx context.Context, tx repository.AdminView) (bool, error) { return tx.Tenancy.Disallow(ctx, g) }
	for i, step := range []struct {
		fn   change
		want bool
	}{{disallow, false}, {allow, true}, {allow, false}, {disallow, true}, {disallow, false}} {
		if did := changes(t, st, step.fn); did != step.want {
			t.Errorf("step %d says %t, want %t", i+1, did, step.want)
		}
	}
	list, _, err := whole(st).Read().Tenancy.List(t.Context(), domain.Filter{}, page)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "what is left", sorted(list, grantKey), sorted(near, grantKey))
}
