package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var marks = []sentence{
	{"only alive images become missing, and only at the revision that was looked at", missingAtRevision},
	{"clearing a registry forgets its images and no others", clearForgets},
	{"a repository of a registry row is listed with every status", ofRepository},
	{"the repositories of a registry row are those with alive images, sorted", repositoriesSorted},
	{"the time of last use never goes back", usedNeverBack},
}

func missingAtRevision(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "gone"}, domain.Image{Name: "changed"}, domain.Image{Name: "kept"},
		domain.Image{Name: "forgotten", Status: domain.ImageForgotten}, domain.Image{Name: "missing", Status: domain.ImageMissing})
	save(t, whole(st), images[1])
	later := Now.Add(time.Hour)
	unknown := seen(reg, domain.Image{Name: "unknown"})
	mustTx(t, rootAt(st, later), func(ctx context.Context, tx repository.AdminView) error {
		gone, err := tx.Images.MarkMissing(ctx, []domain.Image{images[0], images[1], images[3], images[4], unknown})
		wantSame(t, "marked", gone, []domain.ImageID{images[0].ID})
		return err
	})
	for i, want := range []domain.ImageStatus{domain.ImageMissing, domain.ImageAlive, domain.ImageAlive, domain.ImageForgotten, domain.ImageMissing} {
		if got := stored(t, st, images[i].ID); got.Status != want {
			t.Errorf("%s is %s, want %s", got.Name, got.Status, want)
		}
	}
	gone := stored(t, st, images[0].ID)
	if gone.Revision <= images[0].Revision || !gone.UpdatedAt.Equal(later) {
		t.Errorf("the missing image has revision %d after %d and is of %s", gone.Revision, images[0].Revision, gone.UpdatedAt)
	}
}

func clearForgets(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	other := AddImage(t, st, AddRegistry(t, st, Registry{Project: "other", Global: true}), domain.Image{})
	images := AddImages(t, st, reg, domain.Image{Name: "alive"}, domain.Image{Name: "missing", Status: domain.ImageMissing},
		domain.Image{Name: "forgotten", Status: domain.ImageForgotten})
	AddAlias(t, st, images[0], "short")
	for _, want := range [][]domain.ImageID{sortedIDs(images[0], images[1]), {}} { // the second time there is nothing left
		mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
			ids, err := tx.Images.Clear(ctx, reg.ID)
			wantSame(t, "forgotten", sorted(ids, func(id domain.ImageID) domain.ImageID { return id }), want)
			return err
		})
		wantSame(t, "forgotten images", listed(t, whole(st), domain.ImageQuery{Statuses: []domain.ImageStatus{domain.ImageForgotten}}), sortedIDs(images...))
	}
	wantSame(t, "another registry's", stored(t, st, other.ID), other)
	if got := stored(t, st, images[0].ID); got.Revision <= images[0].Revision {
		t.Errorf("the forgotten image has revision %d after %d", got.Revision, images[0].Revision)
	}
	if got := aliasNames(t, whole(st)); len(got) != 1 {
		t.Errorf("aliases %v, want the one that was there", got)
	}
}

func ofRepository(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Project: "stable", Global: true})
	images := AddImages(t, st, reg, domain.Image{}, domain.Image{Architecture: "aarch64", Status: domain.ImageMissing},
		domain.Image{Tag: "3.13", Status: domain.ImageForgotten}, domain.Image{Name: "python/sub"}, domain.Image{Name: "Python"})
	view := root(st).Read().Images
	got := must(view.OfRepository(t.Context(), reg.ID, "stable/python"))(t)
	wantSame(t, "images of the repository", sortedIDs(got...), sortedIDs(images[:3]...))
	for _, i := range got {
		wantSame(t, "an image of the repository", i, stored(t, st, i.ID))
	}
	for _, repo := range []string{"python", "stable", "", "stable/%"} {
		if none := must(view.OfRepository(t.Context(), reg.ID, repo))(t); len(none) != 0 {
			t.Errorf("repository %q has %d images", repo, len(none))
		}
	}
}

func repositoriesSorted(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	AddImages(t, st, reg, domain.Image{Name: "b"}, domain.Image{Name: "b", Tag: "3.13"}, domain.Image{Name: "a/x"}, domain.Image{Name: "B"},
		domain.Image{Name: "é"}, domain.Image{Name: "a-x"}, domain.Image{Name: "gone", Status: domain.ImageMissing},
		domain.Image{Name: "forgotten", Status: domain.ImageForgotten})
	got := must(root(st).Read().Images.Repositories(t.Context(), reg.ID))(t)
	wantSame(t, "repositories", got, []string{"B", "a-x", "a/x", "b", "é"})
	if none := must(root(st).Read().Images.Repositories(t.Context(), domain.NewID[domain.RegistryID]()))(t); len(none) != 0 {
		t.Errorf("an unknown registry has %q", none)
	}
}

func usedNeverBack(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	if !img.LastUsedAt.IsZero() {
		t.Errorf("a new image was used at %s", img.LastUsedAt)
	}
	latest := Now.Add(time.Hour)
	for _, step := range []struct{ at, want time.Time }{{Now, Now}, {latest, latest}, {Now, latest}, {latest, latest}, {time.Time{}, latest}} {
		mustTx(t, whole(st), func(ctx context.Context, tx repository.View) error { return tx.Images.Used(ctx, img.ID, step.at) })
		if got := stored(t, st, img.ID); !got.LastUsedAt.Equal(step.want) {
			t.Errorf("used at %s: last use %s, want %s", step.at, got.LastUsedAt, step.want)
		}
	}
	got := stored(t, st, img.ID)
	if got.Revision != img.Revision {
		t.Errorf("use raised the revision to %d: an operator's change would be refused", got.Revision)
	}
	// A change of somebody who read the image before keeps the newer use.
	got.LastUsedAt = Now
	save(t, whole(st), got)
	if got = stored(t, st, img.ID); !got.LastUsedAt.Equal(latest) {
		t.Errorf("Save turned the last use back to %s", got.LastUsedAt)
	}
}
