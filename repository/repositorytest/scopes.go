package repositorytest

import (
	"context"
	"slices"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var scopes = []sentence{
	{"an image that the actor may not know of does not exist", hiddenImageIsNotFound},
	{"an image that the actor may not know of is not found by any name", hiddenImageHasNoName},
	{"an image that the actor may not know of is left out of lists and left alone by deletes", hiddenImageIsLeftOut},
	{"an alias of an image that the actor may not know of does not exist", hiddenAliasIsNotFound},
	{"an image that the actor sees but does not reach is forbidden", visibleImageIsForbidden},
	{"an alias of an image that the actor sees but does not reach is forbidden", visibleAliasIsForbidden},
	{"an actor reaches what is theirs", ownImageIsReached},
	{"reach visible changes what it sees", visibleImageIsReached},
	{"reach any sees and changes the images of everybody", anyReachesAll},
	{"a unit without a scope reaches nothing", noScopeReachesNothing},
	{"an actor without domain and projects sees nothing and meets no error", nobodySeesNothing},
	{"an image with a malformed owner belongs to nobody, not even to an actor without a name", malformedOwnerIsNobody},
	{"what a caller claims of an image does not widen what they reach", claimsDoNotWiden},
	{"siblings are named also when the actor may not know of them", siblingsAreNotFiltered},
	{"what a registry is no longer allowed for is gone at once", revokedRegistryHides},
}

// tenants is a catalogue as alice sees it: of the domain default, in the
// projects web and ml. Everything has an alias and is held by an agent, so that
// every way to a row is there.
type tenants struct {
	st         repository.Store
	open       domain.Registry         // global
	mine       domain.Image            // customized by alice
	common     map[string]domain.Image // visible to alice, not hers
	hidden     map[string]domain.Image // not visible to alice
	everything []domain.Image
}

func newTenants(t *testing.T, st repository.Store) *tenants {
	t.Helper()
	w := &tenants{st: st}
	w.open = AddRegistry(t, st, Registry{Global: true})
	shared := AddRegistry(t, st, Registry{Project: "shared", Projects: []string{"ops", "ml"}})
	withheld := AddRegistry(t, st, Registry{Project: "withheld", Projects: []string{"ops"}})
	unassociated := AddRegistry(t, st, Registry{Project: "unassociated"})
	abroad := AddRegistry(t, st, Registry{Name: "abroad.example.org", Domains: []string{"other"}, Projects: []string{"ml"}, Global: true})
	disallowed := AddRegistry(t, st, Registry{Name: "nobody.example.org", Domains: []string{}, Projects: []string{"ml"}, Global: true})

	w.mine = AddImage(t, st, w.open, domain.Image{Name: "mine", Labels: OwnedBy("alice")})
	w.common = map[string]domain.Image{
		"plain":  AddImage(t, st, w.open, domain.Image{Name: "plain"}),
		"shared": AddImage(t, st, shared, domain.Image{}),
	}
	malformed := map[string]string{domain.LabelCustomizedOwner: "alice"}
	w.hidden = map[string]domain.Image{
		"of bob":                     AddImage(t, st, w.open, domain.Image{Name: "his", Labels: OwnedBy("bob")}),
		"of nobody":                  AddImage(t, st, w.open, domain.Image{Name: "nobodys", Labels: malformed}),
		"of another case":            AddImage(t, st, w.open, domain.Image{Name: "cased", Labels: OwnedBy("Alice")}),
		"of another project":         AddImage(t, st, withheld, domain.Image{}),
		"of no project":              AddImage(t, st, unassociated, domain.Image{}),
		"of another domain":          AddImage(t, st, abroad, domain.Image{}),
		"of no domain":               AddImage(t, st, disallowed, domain.Image{Name: "loose"}),
		"hers, but of another place": AddImage(t, st, abroad, domain.Image{Name: "hers", Labels: OwnedBy("alice")}),
	}
	w.everything = append(w.everything, w.mine)
	for _, images := range []map[string]domain.Image{w.common, w.hidden} {
		for _, img := range images {
			w.everything = append(w.everything, img)
		}
	}
	AddAgent(t, st, domain.Agent{ID: "a1"})
	Install(t, st, "a1", w.everything...)
	for _, img := range w.everything {
		AddAlias(t, st, img, aliasOf(img))
	}
	return w
}

func aliasOf(img domain.Image) string { return "alias-of-" + img.Repository() }

// touching is every call that names one image, by what it is called.
func touching(t *testing.T, db repository.Scoped, img domain.Image) map[string]error {
	t.Helper()
	errs := map[string]error{}
	_, errs["Get"] = db.Read().Images.Get(t.Context(), img.ID)
	_, errs["Detail"] = db.Read().Images.Detail(t.Context(), img)
	_, errs["Siblings"] = db.Read().Images.Siblings(t.Context(), img)
	errs["Save"] = inTx(t, db, func(ctx context.Context, tx repository.View) error {
		_, err := tx.Images.Save(ctx, img)
		return err
	})
	errs["Used"] = inTx(t, db, func(ctx context.Context, tx repository.View) error {
		return tx.Images.Used(ctx, img.ID, Now)
	})
	errs["Aliases.Create"] = inTx(t, db, func(ctx context.Context, tx repository.View) error {
		_, err := tx.Aliases.Create(ctx, "another", img.ID)
		return err
	})
	_, errs["HoldingAgents"] = db.Read().Images.HoldingAgents(t.Context(), img.ID)
	errs["Unheld"] = inTx(t, db, func(ctx context.Context, tx repository.View) error {
		return tx.Images.Unheld(ctx, img.ID, []domain.AgentID{"a1"})
	})
	return errs
}

func hiddenImageIsNotFound(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for _, reach := range narrow {
		for which, img := range w.hidden {
			for call, err := range touching(t, as(st, reach, alice), img) {
				wantError(t, reach.String()+", "+call+" of an image "+which, err, domain.CodeNotFound, "image_not_found")
			}
			wantSame(t, "the image "+which, stored(t, st, img.ID), img)
		}
		unknown := domain.NewID[domain.ImageID]()
		_, err := as(st, reach, alice).Read().Images.Get(t.Context(), unknown)
		_, hidden := as(st, reach, alice).Read().Images.Get(t.Context(), w.hidden["of bob"].ID)
		if domain.CodeOf(err) != domain.CodeOf(hidden) || domain.ReasonOf(err) != domain.ReasonOf(hidden) {
			t.Errorf("%s: an unknown image (%v) and a hidden one (%v) can be told apart", reach, err, hidden)
		}
	}
}

func hiddenImageHasNoName(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for _, reach := range narrow {
		for which, img := range w.hidden {
			for name, l := range namesOf(img) {
				found := must(as(st, reach, alice).Read().Images.Find(t.Context(), l))(t)
				if found == nil || len(found) != 0 {
					t.Errorf("%s: Find by %s of an image %s = %v, want an empty slice", reach, name, which, found)
				}
			}
		}
	}
}

// namesOf is every way to look an image up.
func namesOf(img domain.Image) map[string]domain.Lookup {
	repo := domain.JoinPath(img.Registry, img.Repository())
	return map[string]domain.Lookup{
		"id":              {ID: img.ID},
		"canonical":       {Canonical: img.Canonical()},
		"alias":           {Alias: aliasOf(img)},
		"tag digest":      {Repository: repo, Digest: img.TagDigest},
		"manifest digest": {Repository: repo, Digest: img.ManifestDigest},
		"config digest":   {Repository: repo, Digest: img.ConfigDigest},
	}
}

func hiddenImageIsLeftOut(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	var hidden []domain.ImageID
	for _, img := range w.hidden {
		hidden = append(hidden, img.ID)
	}
	for _, reach := range narrow {
		db := as(st, reach, alice)
		if list := must(db.Read().Images.Many(t.Context(), hidden))(t); len(list) != 0 {
			t.Errorf("%s: Many gives %d images", reach, len(list))
		}
		// Refusing is as good as leaving out.
		if held, err := db.Read().Images.Holders(t.Context(), hidden); len(held) != 0 || err != nil && domain.CodeOf(err) != domain.CodeNotFound {
			t.Errorf("%s: Holders = %v, %v", reach, held, err)
		}
		for _, id := range listed(t, db, everything()) {
			if slices.Contains(hidden, id) {
				t.Errorf("%s: List gives %s", reach, stored(t, st, id).Canonical())
			}
		}
		mustTx(t, db, func(ctx context.Context, tx repository.View) error {
			gone, err := tx.Images.Delete(ctx, hidden)
			if len(gone) != 0 {
				t.Errorf("%s: Delete removed %v", reach, gone)
			}
			return err
		})
		mustTx(t, db, func(ctx context.Context, tx repository.View) error {
			var at []domain.Image
			for _, img := range w.hidden {
				at = append(at, img)
			}
			gone, err := tx.Images.MarkMissing(ctx, at)
			if len(gone) != 0 {
				t.Errorf("%s: MarkMissing marked %v", reach, gone)
			}
			return err
		})
	}
	for which, img := range w.hidden {
		wantSame(t, "the image "+which, stored(t, st, img.ID), img)
	}
	wantSame(t, "all images", listed(t, as(st, domain.ReachAny, admin), everything()), sortedIDs(w.everything...))
}

func hiddenAliasIsNotFound(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for _, reach := range narrow {
		for which, img := range w.hidden {
			_, err := as(st, reach, alice).Read().Aliases.Get(t.Context(), aliasOf(img))
			wantError(t, reach.String()+", Get of the alias of an image "+which, err, domain.CodeNotFound, "alias_not_found")
			err = inTx(t, as(st, reach, alice), func(ctx context.Context, tx repository.View) error {
				_, err := tx.Aliases.Delete(ctx, aliasOf(img))
				return err
			})
			wantError(t, reach.String()+", Delete of the alias of an image "+which, err, domain.CodeNotFound, "alias_not_found")
		}
		want := []string{aliasOf(w.mine)}
		if reach == domain.ReachVisible {
			want = append(want, aliasOf(w.common["plain"]), aliasOf(w.common["shared"]))
		}
		wantSame(t, reach.String()+", aliases", aliasNames(t, as(st, reach, alice)), sorted(want, func(s string) string { return s }))
	}
	if all := aliasNames(t, as(st, domain.ReachAny, admin)); len(all) != len(w.everything) {
		t.Errorf("reach any lists %d aliases, want %d", len(all), len(w.everything))
	}
}

func aliasNames(t *testing.T, db repository.Scoped) []string {
	t.Helper()
	list, _, err := db.Read().Aliases.List(t.Context(), domain.Filter{}, domain.Page{Limit: domain.MaxPageSize})
	if err != nil {
		t.Fatal(err)
	}
	return sorted(list, func(a domain.AliasDetail) string { return a.Alias.Alias })
}
