package repositorytest

import (
	"context"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var tenancies = []sentence{
	{"a domain and its projects may use what they were granted", groupsOfTenants},
	{"an embedder's tenancy takes the place of what was granted here", embeddersTenancy},
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

func embeddersTenancy(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "ours"}, domain.Image{Name: "theirs"})
	for i, group := range []string{"ours", "theirs"} {
		id := domain.AgentID(group)
		AddAgent(t, st, domain.Agent{ID: id, ScalingGroup: group})
		Install(t, st, id, images[i])
	}
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "ours", Domain: "default"})
	u := unit(domain.ReachVisible, alice)
	u.Tenancy = embedder{"theirs": true} // of the project ml
	db := st.Scoped(u)
	ml, web, ours, theirs := "ml", "web", "ours", "theirs"
	for _, c := range []struct {
		q    domain.ImageQuery
		want []domain.ImageID
		code domain.Code
	}{
		{domain.ImageQuery{}, sortedIDs(images...), ""}, {domain.ImageQuery{Group: &ml}, sortedIDs(images[1]), ""},
		{domain.ImageQuery{Group: &web}, []domain.ImageID{}, ""}, {domain.ImageQuery{ScalingGroup: &theirs}, sortedIDs(images[1]), ""},
		{domain.ImageQuery{ScalingGroup: &ours}, nil, domain.CodeNotFound}, {domain.ImageQuery{Group: &web, ScalingGroup: &theirs}, nil, domain.CodeNotFound},
	} {
		list, _, err := db.Read().Images.List(t.Context(), c.q, page)
		if domain.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", show(c.q), err, c.code)
		}
		if c.code == "" {
			wantSame(t, show(c.q), sorted(list, func(d domain.ImageDetail) domain.ImageID { return d.ID }), c.want)
		}
	}
	u.Tenancy = silentEmbedder{}
	_, _, err := st.Scoped(u).Read().Images.List(t.Context(), domain.ImageQuery{Group: &ml}, page)
	wantError(t, "an embedder that does not answer", err, domain.CodeUnavailable, "")
	_, err = st.Scoped(u).Read().Agents.Get(t.Context(), "ours")
	wantError(t, "an embedder that does not answer", err, domain.CodeUnavailable, "")
}

type silentEmbedder struct{}

func (silentEmbedder) ScalingGroups(context.Context, string, string) ([]string, error) {
	return nil, &domain.Error{Code: domain.CodeUnavailable}
}
