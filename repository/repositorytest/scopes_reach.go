package repositorytest

import (
	"context"
	"fmt"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func visibleImageIsForbidden(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	db := as(st, domain.ReachOwn, alice)
	for which, img := range w.common {
		for call, err := range touching(t, db, img) {
			wantError(t, call+" of "+which, err, domain.CodeForbidden, "")
		}
		for name, l := range namesOf(img) {
			found := must(db.Read().Images.Find(t.Context(), l))(t)
			if len(found) != 1 || found[0].Image.ID != img.ID || found[0].InReach {
				t.Errorf("Find of %s by %s = %+v, want it out of reach", which, name, found)
			}
		}
		if list := must(db.Read().Images.Many(t.Context(), []domain.ImageID{img.ID, w.mine.ID}))(t); len(list) != 1 || list[0].ID != w.mine.ID {
			t.Errorf("Many of %s = %v, want what is in reach", which, list)
		}
		mustTx(t, db, func(ctx context.Context, tx repository.View) error {
			gone, err := tx.Images.Delete(ctx, []domain.ImageID{img.ID})
			if len(gone) != 0 {
				t.Errorf("Delete removed %s", which)
			}
			return err
		})
		mustTx(t, db, func(ctx context.Context, tx repository.View) error {
			gone, err := tx.Images.MarkMissing(ctx, []domain.Image{img})
			if len(gone) != 0 {
				t.Errorf("MarkMissing marked %s", which)
			}
			return err
		})
		wantSame(t, which, stored(t, st, img.ID), img)
	}
	wantSame(t, "the list of own images", listed(t, db, everything()), []domain.ImageID{w.mine.ID})
}

func visibleAliasIsForbidden(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for which, img := range w.common {
		err := inTx(t, as(st, domain.ReachOwn, alice), func(ctx context.Context, tx repository.View) error {
			_, err := tx.Aliases.Delete(ctx, aliasOf(img))
			return err
		})
		wantError(t, "Delete of the alias of "+which, err, domain.CodeForbidden, "")
	}
}

func ownImageIsReached(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	db := as(st, domain.ReachOwn, alice)
	held := must(db.Read().Images.Holders(t.Context(), []domain.ImageID{w.mine.ID}))(t)
	if len(held[w.mine.ID]) != 1 {
		t.Errorf("Holders = %v", held)
	}
	for call, err := range touching(t, db, w.mine) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	for name, l := range namesOf(w.mine) {
		if found := must(db.Read().Images.Find(t.Context(), l))(t); len(found) != 1 || !found[0].InReach {
			t.Errorf("Find by %s = %+v", name, found)
		}
	}
}

func visibleImageIsReached(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	db := as(st, domain.ReachVisible, alice)
	for call, err := range touching(t, db, w.common["shared"]) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	mustTx(t, db, func(ctx context.Context, tx repository.View) error {
		gone, err := tx.Images.MarkMissing(ctx, []domain.Image{w.common["plain"]})
		wantSame(t, "marked", gone, sortedIDs(w.common["plain"]))
		return err
	})
	want := sortedIDs(w.mine, w.common["plain"], w.common["shared"])
	wantSame(t, "the list of visible images", listed(t, db, everything()), want)
	mustTx(t, db, func(ctx context.Context, tx repository.View) error {
		gone, err := tx.Images.Delete(ctx, sortedIDs(w.everything...))
		wantSame(t, "deleted", sorted(gone, func(id domain.ImageID) domain.ImageID { return id }), want)
		return err
	})
}

func anyReachesAll(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	// A domain and projects do not narrow reach any.
	for _, actor := range []domain.Actor{admin, alice} {
		db := as(st, domain.ReachAny, actor)
		wantSame(t, "the list of all images", listed(t, db, everything()), sortedIDs(w.everything...))
		for _, img := range w.everything {
			wantSame(t, "Get", must(db.Read().Images.Get(t.Context(), img.ID))(t), img)
			for name, l := range namesOf(img) {
				if found := must(db.Read().Images.Find(t.Context(), l))(t); len(found) != 1 || !found[0].InReach {
					t.Errorf("Find of %s by %s = %+v", img.Canonical(), name, found)
				}
			}
		}
	}
	db := as(st, domain.ReachAny, admin)
	mustTx(t, db, func(ctx context.Context, tx repository.View) error {
		_, err := tx.Images.Save(ctx, w.hidden["of bob"])
		return err
	})
	mustTx(t, db, func(ctx context.Context, tx repository.View) error {
		gone, err := tx.Images.Delete(ctx, sortedIDs(w.everything...))
		if len(gone) != len(w.everything) {
			t.Errorf("Delete removed %d of %d images", len(gone), len(w.everything))
		}
		return err
	})
}

func noScopeReachesNothing(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for _, u := range []repository.Unit{{Now: Now}, unit(domain.ReachNone, alice)} {
		db := st.Scoped(u)
		for _, img := range w.everything {
			for call, err := range touching(t, db, img) {
				if err == nil {
					t.Errorf("%s of %s works", call, img.Canonical())
				}
			}
		}
		if list, _, err := db.Read().Images.List(t.Context(), everything(), domain.Page{}); len(list) != 0 {
			t.Errorf("List = %d images, %v", len(list), err)
		}
		if list, _, err := db.Read().Aliases.List(t.Context(), domain.Filter{}, domain.Page{}); len(list) != 0 {
			t.Errorf("Aliases.List = %d aliases, %v", len(list), err)
		}
		if list, _, err := db.Read().Agents.List(t.Context(), domain.Filter{}, domain.Page{}); len(list) != 0 {
			t.Errorf("Agents.List = %d agents, %v", len(list), err)
		}
		if list, err := db.Read().Images.Many(t.Context(), sortedIDs(w.everything...)); len(list) != 0 {
			t.Errorf("Many = %d images, %v", len(list), err)
		}
	}
}

func nobodySeesNothing(t *testing.T, st repository.Store) {
	newTenants(t, st)
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default", Project: "ml"})
	for _, reach := range narrow {
		for _, actor := range []domain.Actor{{ID: "carol"}, {ID: "carol", Domain: "default"}, {ID: "carol", Projects: []string{"ml"}}} {
			view := as(st, reach, actor).Read()
			images, _, err := view.Images.List(t.Context(), domain.ImageQuery{Where: domain.Where("project", domain.Ne, "")}, domain.Page{})
			if len(images) != 0 || err != nil {
				t.Errorf("%s, %+v: List = %d images, %v", reach, actor, len(images), err)
			}
			if agents, _, err := view.Agents.List(t.Context(), domain.Filter{}, domain.Page{}); len(agents) != 0 || err != nil {
				t.Errorf("%s, %+v: Agents.List = %d agents, %v", reach, actor, len(agents), err)
			}
			if grants, _, err := view.Tenancy.List(t.Context(), domain.Filter{}, domain.Page{}); len(grants) != 0 || err != nil {
				t.Errorf("%s, %+v: Tenancy.List = %d grants, %v", reach, actor, len(grants), err)
			}
		}
	}
}

func malformedOwnerIsNobody(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	img := w.hidden["of nobody"]
	for _, reach := range narrow {
		for _, id := range []domain.UserID{"", "alice", "user:", "user:alice"} {
			db := as(st, reach, domain.Actor{ID: id, Domain: "default"})
			_, err := db.Read().Images.Get(t.Context(), img.ID)
			wantError(t, fmt.Sprintf("%s, Get by %q", reach, id), err, domain.CodeNotFound, "")
			for _, got := range listed(t, db, everything()) {
				if got == img.ID {
					t.Errorf("%s: it is in the list of %q", reach, id)
				}
			}
		}
	}
}

func claimsDoNotWiden(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	for which, img := range w.hidden {
		forged := w.mine
		forged.ID, forged.Revision = img.ID, img.Revision
		for call, err := range touching(t, as(st, domain.ReachOwn, alice), forged) {
			wantError(t, call+" of an image "+which, err, domain.CodeNotFound, "image_not_found")
		}
		wantSame(t, "the image "+which, stored(t, st, img.ID), img)
	}
	plain := w.common["plain"]
	forged := w.mine
	forged.ID, forged.Revision = plain.ID, plain.Revision
	wantError(t, "Save of plain", touching(t, as(st, domain.ReachOwn, alice), forged)["Save"], domain.CodeForbidden, "")
	wantSame(t, "plain", stored(t, st, plain.ID), plain)
}

func siblingsAreNotFiltered(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	his := AddImage(t, st, w.open, domain.Image{Name: "mine", Architecture: "aarch64", Labels: OwnedBy("bob")})
	AddImage(t, st, w.open, domain.Image{Name: "mine", Tag: "3.13", Architecture: "arm/v7"})
	for _, db := range []repository.Scoped{as(st, domain.ReachOwn, alice), as(st, domain.ReachAny, admin)} {
		wantSame(t, "siblings", must(db.Read().Images.Siblings(t.Context(), w.mine))(t), []domain.Image{his})
	}
}

func revokedRegistryHides(t *testing.T, st repository.Store) {
	w := newTenants(t, st)
	db, img := as(st, domain.ReachVisible, alice), w.common["shared"]
	steps := []struct {
		change  func(ctx context.Context, tx repository.AdminView) (bool, error)
		visible bool
	}{
		{func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Disassociate(ctx, img.RegistryID, "ml")
		}, false},
		{func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Associate(ctx, img.RegistryID, "web")
		}, true},
		{func(ctx context.Context, tx repository.AdminView) (bool, error) {
			return tx.Registries.Disallow(ctx, img.RegistryID, "default")
		}, false},
	}
	for i, step := range steps {
		mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
			_, err := step.change(ctx, tx)
			return err
		})
		if _, err := db.Read().Images.Get(t.Context(), img.ID); (err == nil) != step.visible {
			t.Errorf("step %d: Get = %v, want it visible: %t", i+1, err, step.visible)
		}
	}
}
