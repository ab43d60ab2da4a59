package repositorytest

import (
	"context"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var aliases = []sentence{
	{"an alias finds its image and is listed with it", aliasFinds},
	{"an alias that is taken is refused, also for the image that has it", aliasTaken},
	{"of two images that want one alias at once exactly one gets it", aliasesRace},
	{"the refusal of a taken alias does not tell of an image that the actor may not know of", aliasTakenTellsNothing},
	{"an alias that is the canonical name of an image is refused", aliasShadows},
	{"an alias is deleted once", aliasDeleted},
	{"aliases differ by case", aliasByCase},
	{"an alias of an image that is not there is refused", aliasOfUnknown},
	{"aliases of any text come back", aliasOfAnyText},
}

// tryAlias is one Create in a transaction of its own.
func tryAlias(t *testing.T, db repository.Scoped, img domain.Image, alias string) error {
	t.Helper()
	return inTx(t, db, func(ctx context.Context, tx repository.View) error {
		_, err := tx.Aliases.Create(ctx, alias, img.ID)
		return err
	})
}

func aliasFinds(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{}, domain.Image{Architecture: "aarch64"})
	a := AddAlias(t, st, images[1], "short")
	if !domain.IsID(string(a.ID)) || a.Alias != "short" || a.ImageID != images[1].ID || !a.CreatedAt.Equal(Now) {
		t.Errorf("Create = %+v", a)
	}
	for _, reach := range []domain.Reach{domain.ReachVisible, domain.ReachAny} {
		list, _, err := as(st, reach, alice).Read().Aliases.List(t.Context(), domain.Filter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "Get", must(as(st, reach, alice).Read().Aliases.Get(t.Context(), "short"))(t), a)
		want := domain.AliasDetail{Alias: a, Canonical: images[1].Canonical(), Architecture: "aarch64"}
		wantSame(t, "aliases", list, []domain.AliasDetail{want})
		found := must(as(st, reach, alice).Read().Images.Find(t.Context(), domain.Lookup{Alias: "short"}))(t)
		wantSame(t, "Find", found, []domain.Candidate{{Image: images[1], Via: domain.ViaAlias, InReach: true}})
	}
}

func aliasTaken(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{}, domain.Image{Name: "torch", Status: domain.ImageForgotten})
	AddAlias(t, st, images[1], "short") // also a forgotten image keeps its aliases
	for _, img := range images {
		wantError(t, "Create", tryAlias(t, as(st, domain.ReachVisible, alice), img, "short"), domain.CodeConflict, "alias_taken")
	}
	found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Alias: "short"}))(t)
	if len(found) != 1 || found[0].Image.ID != images[1].ID {
		t.Errorf("Find = %+v", found)
	}
}

func aliasesRace(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a"}, domain.Image{Name: "b"}, domain.Image{Name: "c"}, domain.Image{Name: "d"})
	for _, name := range []string{"one", "two", "three", "four", "five"} {
		won := 0
		for n, err := range atOnce(len(images), func(n int) error { return tryAlias(t, whole(st), images[n], name) }) {
			if err == nil {
				won++
				found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Alias: name}))(t)
				if len(found) != 1 || found[0].Image.ID != images[n].ID {
					t.Errorf("%s was given to %s, but finds %+v", name, images[n].Name, found)
				}
				continue
			}
			wantError(t, "the loser", err, domain.CodeConflict, "alias_taken")
		}
		if won != 1 {
			t.Errorf("%s was given to %d images", name, won)
		}
	}
}

func aliasTakenTellsNothing(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for which, img := range w.hidden {
		err := tryAlias(t, as(st, domain.ReachVisible, alice), w.mine, aliasOf(img))
		wantError(t, "the alias of an image "+which, err, domain.CodeConflict, "alias_taken")
		told := domain.MessageOf(err) + domain.OnOf(err)
		told = strings.ReplaceAll(strings.ReplaceAll(told, domain.Quote(aliasOf(img)), ""), aliasOf(img), "")
		for _, secret := range []string{img.Canonical(), img.Registry, img.Repository(), string(img.ID), string(img.RegistryID), "bob"} {
			if strings.Contains(told, secret) {
				t.Errorf("the refusal of the alias of an image %s tells %q: %q", which, secret, told)
			}
		}
	}
}

func aliasShadows(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	gone := AddImage(t, st, w.open, domain.Image{Name: "gone", Status: domain.ImageMissing})
	for _, img := range []domain.Image{w.mine, w.common["plain"], gone, w.hidden["of bob"]} {
		err := tryAlias(t, as(st, domain.ReachVisible, alice), w.mine, img.Canonical())
		wantError(t, "alias "+img.Canonical(), err, domain.CodeConflict, "alias_shadows_image")
	}
	// Half a name is nobody's name.
	if err := tryAlias(t, as(st, domain.ReachVisible, alice), w.mine, "plain:3.12"); err != nil {
		t.Errorf("alias plain:3.12: %v", err)
	}
}

func aliasDeleted(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	want := AddAlias(t, st, img, "short")
	AddAlias(t, st, img, "long")
	remove := func(alias string) (got domain.Alias, err error) {
		err = inTx(t, as(st, domain.ReachVisible, alice), func(ctx context.Context, tx repository.View) (err error) {
			got, err = tx.Aliases.Delete(ctx, alias)
			return err
		})
		return got, err
	}
	got, err := remove("short")
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "the deleted alias", got, want)
	for _, alias := range []string{"short", "unknown", "", "%", "LONG", img.Canonical(), string(img.ID)} {
		_, err = remove(alias)
		wantError(t, "Delete of "+alias, err, domain.CodeNotFound, "alias_not_found")
		_, err = whole(st).Read().Aliases.Get(t.Context(), alias)
		wantError(t, "Get of "+alias, err, domain.CodeNotFound, "alias_not_found")
	}
	wantSame(t, "aliases", aliasNames(t, whole(st)), []string{"long"})
	AddAlias(t, st, img, "short")
}

func aliasByCase(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a"}, domain.Image{Name: "b"})
	AddAlias(t, st, images[0], "torch")
	AddAlias(t, st, images[1], "Torch")
	for alias, want := range map[string]domain.ImageID{"torch": images[0].ID, "Torch": images[1].ID} {
		if found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Alias: alias}))(t); len(found) != 1 || found[0].Image.ID != want {
			t.Errorf("%s finds %+v", alias, found)
		}
	}
}

func aliasOfUnknown(t *testing.T, st repository.Store) {
	AddRegistry(t, st, Registry{Global: true})
	for _, reach := range []domain.Reach{domain.ReachVisible, domain.ReachAny} {
		err := tryAlias(t, as(st, reach, alice), domain.Image{ID: domain.NewID[domain.ImageID]()}, "short")
		wantError(t, reach.String(), err, domain.CodeNotFound, "image_not_found")
	}
	wantSame(t, "aliases", aliasNames(t, whole(st)), []string{})
}

func aliasOfAnyText(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	odd := []string{"a'b", `a"b`, `a\b`, "100%", "a_b", "a?b", "$1", "漢字", "é", "e\u0301", strings.Repeat("ü", 128)}
	for _, alias := range odd {
		AddAlias(t, st, img, alias)
		if found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Alias: alias}))(t); len(found) != 1 {
			t.Errorf("Find by %q = %d candidates", alias, len(found))
		}
	}
	wantSame(t, "aliases", aliasNames(t, whole(st)), sorted(odd, func(s string) string { return s }))
}
