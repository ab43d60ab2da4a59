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
