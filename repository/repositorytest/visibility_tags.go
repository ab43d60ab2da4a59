package repositorytest

import (
	"slices"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// checkTags compares what is told of tags, registries and repositories that may
// be hidden with the oracle.
func (w *world) checkTags(t *testing.T, st repository.Store, s domain.Scope) {
	t.Helper()
	view := st.Scoped(repository.Unit{Scope: s, Now: Now}).Read()
	for _, r := range w.registries {
		claims := must(view.Registries.Claims(t.Context(), r.Name))(t)
		i := slices.IndexFunc(claims, func(c repository.RegistryClaim) bool { return c.ID == r.ID })
		if i < 0 || claims[i].Project != r.Project || claims[i].Visible != w.seesRegistry(s, r) {
			t.Errorf("%s: Claims of %s = %+v, want %s of project %q, visible: %t", show(s), r.Name, claims, r.ID, r.Project, w.seesRegistry(s, r))
		}
		seen := map[string]bool{} // repositories, and whether anything of them is
		for _, img := range w.images {
			if img.RegistryID == r.ID {
				seen[img.Repository()] = seen[img.Repository()] || w.sees(s, img)
			}
		}
		var hidden []string
		for repo, any := range seen {
			if !any {
				hidden = append(hidden, repo)
			}
		}
		slices.Sort(hidden)
		if got := must(view.Images.HiddenRepositories(t.Context(), r.ID))(t); !slices.Equal(got, hidden) {
			t.Errorf("%s: HiddenRepositories of %s = %q, want %q", show(s), r, got, hidden)
		}
		for repo := range seen {
			w.checkTagsOf(t, view, s, r.ID, repo)
		}
	}
}

func (w *world) checkTagsOf(t *testing.T, view repository.View, s domain.Scope, id domain.RegistryID, repo string) {
	t.Helper()
	want := 0
	got := must(view.Images.OfTags(t.Context(), id, repo))(t)
	for _, img := range w.images {
		if img.RegistryID != id || img.Repository() != repo {
			continue
		}
		want++
		one := repository.KnownTag{
			Tag: img.Tag, Architecture: img.Architecture, TagDigest: img.TagDigest, ManifestDigest: img.ManifestDigest,
			Visible: w.sees(s, img), InReach: w.reaches(s, img),
		}
		if !slices.Contains(got, one) {
			t.Errorf("%s: OfTags of %s = %+v, lacks %+v", show(s), repo, got, one)
		}
	}
	if len(got) != want {
		t.Errorf("%s: OfTags of %s has %d rows, want %d", show(s), repo, len(got), want)
	}
}

// seesRegistry is the rule for registries.
func (w *world) seesRegistry(s domain.Scope, r domain.Registry) bool {
	return s.Reach == domain.ReachAny || slices.Contains(r.Domains, s.Actor.Domain) && isFor(r, s.Actor.Projects...)
}
