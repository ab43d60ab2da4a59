package repositorytest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var reservations = []sentence{
	{"places are images and reservations, each tag once", placesCounted},
	{"the last place is given once, however many ask at once", lastPlaceOnce},
	{"a tag is reserved once, until it is released or its time is over", tagReservedOnce},
	{"a later try of the same save takes its place over", placeTakenOver},
	{"a recorded image is the actor's, alive, and in the place of its reservation", placeRecorded},
	{"a reservation is its owner's to release", placeReleased},
	{"a save finds every node", savesFindNodes},
}

// place is a reservation that its own number holds.
func place(reg domain.Registry, tag string, quota int) repository.Reservation {
	return repository.Reservation{
		ID: "id-" + tag, Holder: "holder-" + tag, Registry: reg.ID, Canonical: reg.Name + "/python:" + tag, Quota: quota, Now: Now, Until: Now.Add(time.Hour),
	}
}

func saving(t *testing.T, st repository.Store, a domain.Actor, fn func(ctx context.Context, saves repository.SaveRepository) error) error {
	t.Helper()
	return inTx(t, as(st, domain.ReachOwn, a), func(ctx context.Context, tx repository.View) error { return fn(ctx, tx.Saves) })
}

func reserve(t *testing.T, st repository.Store, a domain.Actor, r repository.Reservation) error {
	t.Helper()
	return saving(t, st, a, func(ctx context.Context, saves repository.SaveRepository) error { return saves.Reserve(ctx, r) })
}

func recordSaved(t *testing.T, st repository.Store, a domain.Actor, id string, images ...domain.Image) (rows []domain.Image, err error) {
	t.Helper()
	err = saving(t, st, a, func(ctx context.Context, saves repository.SaveRepository) (err error) {
		rows, err = saves.Fulfil(ctx, id, images)
		return err
	})
	return rows, err
}

func release(t *testing.T, st repository.Store, a domain.Actor, id string) {
	t.Helper()
	err := saving(t, st, a, func(ctx context.Context, saves repository.SaveRepository) error { return saves.Release(ctx, id) })
	wantError(t, "release", err, "", "")
}

func placesCounted(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	other := AddRegistry(t, st, Registry{Name: "other.example.org", Global: true})
	mine := OwnedBy(alice.ID)
	AddImages(t, st, reg,
		domain.Image{Tag: "a", Labels: mine}, domain.Image{Tag: "a", Labels: mine, Architecture: "aarch64"},
		domain.Image{Tag: "f", Labels: mine, Status: domain.ImageForgotten}, domain.Image{Tag: "gone", Labels: mine, Status: domain.ImageMissing},
		domain.Image{Tag: "b", Labels: OwnedBy(bob.ID)}, domain.Image{Tag: "plain"})
	AddImage(t, st, other, domain.Image{Tag: "x", Labels: mine})
	wantError(t, "a third", reserve(t, st, alice, place(reg, "new", 2)), domain.CodePrecondition, "quota_exceeded")
	wantError(t, "one of them", reserve(t, st, alice, place(reg, "a", 2)), "", "")
	wantError(t, "one of them that was forgotten", reserve(t, st, alice, place(reg, "f", 2)), "", "")
	wantError(t, "one that the registry no longer has", reserve(t, st, alice, place(reg, "gone", 2)), domain.CodePrecondition, "quota_exceeded")
	wantError(t, "a third of three", reserve(t, st, alice, place(reg, "new", 3)), "", "")
	wantError(t, "a fourth of three", reserve(t, st, alice, place(reg, "more", 3)), domain.CodePrecondition, "quota_exceeded")
	wantError(t, "without a quota", reserve(t, st, alice, place(reg, "more", 0)), "", "")
	wantError(t, "somebody else's", reserve(t, st, bob, place(reg, "bobs", 2)), "", "")
	wantError(t, "elsewhere", reserve(t, st, alice, place(other, "y", 2)), "", "")
	reg.ID = domain.NewID[domain.RegistryID]()
	wantError(t, "nowhere", reserve(t, st, alice, place(reg, "new", 2)), domain.CodeNotFound, "registry_not_found")
}

func lastPlaceOnce(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	AddImage(t, st, reg, domain.Image{Tag: "a", Labels: OwnedBy(alice.ID)})
	const quota = 4
	won := 0
	for _, err := range atOnce(12, func(n int) error { return reserve(t, st, alice, place(reg, fmt.Sprint("t", n), quota)) }) {
		if err == nil {
			won++
			continue
		}
		wantError(t, "one too many", err, domain.CodePrecondition, "quota_exceeded")
	}
	if won != quota-1 {
		t.Errorf("%d have a place, of %d", won, quota-1)
	}
}

func tagReservedOnce(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	first := place(reg, "a", 1)
	wantError(t, "the first", reserve(t, st, alice, first), "", "")
	second := first
	second.ID, second.Holder = "second", "second"
	for _, a := range []domain.Actor{alice, bob} {
		wantError(t, "the second", reserve(t, st, a, second), domain.CodeConflict, "save_running")
	}
	release(t, st, alice, first.ID)
	release(t, st, alice, first.ID)
	wantError(t, "the second now", reserve(t, st, bob, second), "", "")
	first.Now = second.Until.Add(-time.Microsecond)
	wantError(t, "before its time is over", reserve(t, st, alice, first), domain.CodeConflict, "save_running")
	first.Now, first.Until = second.Until, second.Until.Add(time.Hour)
	wantError(t, "when its time is over", reserve(t, st, alice, first), "", "")
	_, err := recordSaved(t, st, bob, second.ID, seen(reg, domain.Image{Tag: "a", Labels: OwnedBy(bob.ID)}))
	wantError(t, "what came too late", err, domain.CodeConflict, "reservation_lost")
}

func placeTakenOver(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	first := place(reg, "a", 1)
	wantError(t, "the first try", reserve(t, st, alice, first), "", "")
	later := first
	later.ID = "later"
	wantError(t, "the second try", reserve(t, st, alice, later), "", "")
	release(t, st, alice, first.ID) // of somebody who does not know yet
	wantError(t, "another", reserve(t, st, alice, place(reg, "b", 1)), domain.CodePrecondition, "quota_exceeded")
	img := seen(reg, domain.Image{Tag: "a", Labels: OwnedBy(alice.ID)})
	_, err := recordSaved(t, st, alice, first.ID, img)
	wantError(t, "the first try's end", err, domain.CodeConflict, "reservation_lost")
	_, err = recordSaved(t, st, alice, later.ID, img)
	wantError(t, "the second try's end", err, "", "")
}

func placeRecorded(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	mine := OwnedBy(alice.ID)
	old := AddImage(t, st, reg, domain.Image{Tag: "f", Labels: mine, Status: domain.ImageForgotten})
	for _, tag := range []string{"a", "f"} {
		wantError(t, tag, reserve(t, st, alice, place(reg, tag, 2)), "", "")
		for _, labels := range []map[string]string{nil, OwnedBy(bob.ID), {domain.LabelCustomizedOwner: "nobody"}} {
			_, err := recordSaved(t, st, alice, "id-"+tag, seen(reg, domain.Image{Tag: tag, Labels: labels}))
			wantError(t, "not one's own", err, domain.CodeForbidden, "image_not_own")
		}
		rows, err := recordSaved(t, st, alice, "id-"+tag, seen(reg, domain.Image{Tag: tag, Labels: mine, SizeBytes: 77}))
		wantError(t, tag, err, "", "")
		if len(rows) != 1 || rows[0].Status != domain.ImageAlive || rows[0].SizeBytes != 77 || rows[0].Owner != alice.ID {
			t.Fatalf("recorded %+v", rows)
		}
		wantSame(t, "the row", stored(t, st, rows[0].ID), rows[0])
	}
	if got := stored(t, st, old.ID); got.Status != domain.ImageAlive {
		t.Errorf("the row of a forgotten image is %s", got.Status)
	}
	wantError(t, "a third", reserve(t, st, alice, place(reg, "b", 2)), domain.CodePrecondition, "quota_exceeded")
	_, err := recordSaved(t, st, alice, "id-a", seen(reg, domain.Image{Tag: "a", Labels: mine}))
	wantError(t, "twice", err, domain.CodeConflict, "reservation_lost")
}

func placeReleased(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	wantError(t, "a place", reserve(t, st, alice, place(reg, "a", 1)), "", "")
	release(t, st, bob, "id-a")
	_, err := recordSaved(t, st, bob, "id-a", seen(reg, domain.Image{Tag: "a", Labels: OwnedBy(bob.ID)}))
	wantError(t, "somebody else's place", err, domain.CodeConflict, "reservation_lost")
	wantError(t, "another", reserve(t, st, alice, place(reg, "b", 1)), domain.CodePrecondition, "quota_exceeded")
	release(t, st, alice, "id-a")
	wantError(t, "another", reserve(t, st, alice, place(reg, "b", 1)), "", "")
	mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error { return tx.Registries.Delete(ctx, reg.ID) })
}

func savesFindNodes(t *testing.T, st repository.Store) {
	a := AddAgent(t, st, domain.Agent{ID: "a1"})
	wantSame(t, "the node", must(as(st, domain.ReachOwn, alice).Read().Saves.Node(t.Context(), "a1"))(t), a)
	_, err := as(st, domain.ReachOwn, alice).Read().Saves.Node(t.Context(), "a2")
	wantError(t, "no node", err, domain.CodeNotFound, "agent_not_found")
}
