package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var saves = []sentence{
	{"every field of an image comes back as it was saved", imageRoundTrip},
	{"no accelerators and any accelerator stay apart", acceleratorsRoundTrip},
	{"labels of any text come back and can be filtered by", labelsRoundTrip},
	{"a change raises the revision, and one of an older revision is refused", saveOfOldRevision},
	{"of two changes of one revision exactly one is taken", savesRace},
	{"an identity that another image has is refused", saveOfTakenIdentity},
	{"a new identity is what lookups, filters and holders go by", saveOfNewIdentity},
	{"filters follow the labels and accelerators", saveMovesFilters},
	{"an image that is not there is not found", saveOfUnknown},
	{"what was read is a copy", readsAreCopies},
}

// trySave is one Save in a transaction of its own.
func trySave(t *testing.T, db repository.Scoped, img domain.Image) (saved domain.Image, err error) {
	t.Helper()
	err = inTx(t, db, func(ctx context.Context, tx repository.View) (err error) {
		saved, err = tx.Images.Save(ctx, img)
		return err
	})
	return saved, err
}

func save(t *testing.T, db repository.Scoped, img domain.Image) domain.Image {
	t.Helper()
	return must(trySave(t, db, img))(t)
}

func imageRoundTrip(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{LastUsedAt: Now.Add(-time.Hour)})
	want := domain.Image{
		ID: img.ID, RegistryID: reg.ID, Registry: "cr.example.org:5000", Project: "a/b", Name: "c/d_e-f", Tag: "V1.0_x-Y", Architecture: "arm/v7",
		TagDigest: digestOf("1"), ManifestDigest: digestOf("2"), ConfigDigest: digestOf("3"), SizeBytes: 1<<53 + 1,
		Status: domain.ImageForgotten, IsLocal: true,
		Labels: map[string]string{
			domain.LabelRole: "INFERENCE", domain.LabelFeatures: "operation", domain.LabelKernelSpec: "1", domain.LabelAccelerators: "rocm,cuda",
		},
		OperatorLabels: map[string]string{domain.LabelCustomizedOwner: "user:alice"},
		CustomLimits:   domain.Limits{"cpu": {Min: "1.5", Max: "8"}, "cuda.device": {Max: "2"}, "mem": {Min: "64m"}},
		Revision:       img.Revision,
	}
	want.Derive()
	later := Now.Add(time.Hour + time.Microsecond)
	u := unit(domain.ReachAny, admin)
	u.Now = later
	got := save(t, st.Scoped(u), want)
	want.CreatedAt, want.UpdatedAt, want.LastUsedAt = Now, later, img.LastUsedAt
	// LastUsedAt is not Save's, so that its answer may not have it.
	ignored := cmpopts.IgnoreFields(domain.Image{}, "Revision", "LastUsedAt", "CreatedAt")
	wantSame(t, "what Save answers", got, want, ignored)
	read := stored(t, st, img.ID)
	wantSame(t, "what is stored", read, want, cmpopts.IgnoreFields(domain.Image{}, "Revision"))
	if read.Revision <= img.Revision || got.Revision != read.Revision {
		t.Errorf("revision %d after %d, Save answers %d", read.Revision, img.Revision, got.Revision)
	}
	for what, at := range map[string]time.Time{"created": read.CreatedAt, "updated": read.UpdatedAt, "last used": read.LastUsedAt} {
		if at.Location() != time.UTC {
			t.Errorf("%s is in %s, not UTC", what, at.Location())
		}
	}
	list, _, err := whole(st).Read().Images.List(t.Context(), everything(), domain.Page{})
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %d images, %v", len(list), err)
	}
	wantSame(t, "what is listed", list[0].Image, read)
	wantSame(t, "what a lookup finds", must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{ID: img.ID}))(t)[0].Image, read)
}

func acceleratorsRoundTrip(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	for name, labels := range map[string]map[string]string{
		"any": {}, "none": {domain.LabelKernelSpec: "1"}, "two": {domain.LabelKernelSpec: "1", domain.LabelAccelerators: "cuda,rocm"},
	} {
		img := AddImage(t, st, reg, domain.Image{Name: name, Labels: labels})
		wantSame(t, name, img.Accelerators, domain.Accelerators(labels))
		img = save(t, whole(st), img)
		wantSame(t, name+", saved", stored(t, st, img.ID).Accelerators, domain.Accelerators(labels))
		wantSame(t, name+", shown", stored(t, st, img.ID).SupportedAccelerators(), img.SupportedAccelerators())
	}
}

func labelsRoundTrip(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	other := AddImage(t, st, reg, domain.Image{Name: "other", Labels: map[string]string{"plain": "another"}})
	img := AddImage(t, st, reg, domain.Image{OperatorLabels: oddLabels()})
	wantSame(t, "operator labels", img.OperatorLabels, oddLabels())
	img.Labels, img.OperatorLabels = oddLabels(), nil
	img = save(t, whole(st), img)
	wantSame(t, "labels", stored(t, st, img.ID).Labels, oddLabels())
	for k, v := range oddLabels() {
		if got := listed(t, whole(st), domain.ImageQuery{Where: domain.Where("label."+k, domain.Eq, v)}); len(got) != 1 || got[0] != img.ID {
			t.Errorf("label %q eq %q finds %v", k, v, got)
		}
		if got := listed(t, whole(st), domain.ImageQuery{Where: domain.Where("label."+k, domain.Ne, v)}); len(got) != 1 || got[0] != other.ID {
			t.Errorf("label %q ne %q finds %v", k, v, got)
		}
	}
}

func saveOfOldRevision(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	first := img
	first.SizeBytes = 1
	first = save(t, whole(st), first)
	if first.Revision <= img.Revision {
		t.Errorf("revision %d after %d", first.Revision, img.Revision)
	}
	for _, revision := range []int64{img.Revision, 0, -1, first.Revision + 1} {
		old := img
		old.SizeBytes, old.Revision = 2, revision
		for name, db := range map[string]repository.Scoped{"any": whole(st), "visible": as(st, domain.ReachVisible, alice)} {
			_, err := trySave(t, db, old)
			wantError(t, "Save of another revision with reach "+name, err, domain.CodeConflict, "revision_changed")
		}
	}
	wantSame(t, "the image", stored(t, st, img.ID), first)
	again := save(t, whole(st), first) // the answer of Save can be saved again
	wantSame(t, "the image", stored(t, st, img.ID), again)
}

func savesRace(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	for round := range 10 {
		errs := atOnce(4, func(n int) error {
			i := img
			i.SizeBytes = int64(n + 1)
			_, err := trySave(t, whole(st), i)
			return err
		})
		winner := -1
		for n, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = n
			case err == nil:
				t.Errorf("round %d: both %d and %d were taken", round, winner, n)
			default:
				wantError(t, "the loser", err, domain.CodeConflict, "revision_changed")
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody was taken: %v", round, errs)
		}
		if img = stored(t, st, img.ID); img.SizeBytes != int64(winner+1) {
			t.Errorf("round %d: stored is that of %d, not of %d", round, img.SizeBytes-1, winner)
		}
	}
}

func saveOfTakenIdentity(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{})
	for _, status := range domain.ImageStatuses() { // also what is forgotten has its name
		other := AddImage(t, st, reg, domain.Image{Tag: string(status), Status: status})
		moved := img
		moved.Tag = other.Tag
		_, err := trySave(t, whole(st), moved)
		wantError(t, "Save with the identity of a "+string(status)+" image", err, domain.CodeConflict, "image_exists")
		wantSame(t, "the image", stored(t, st, img.ID), img)
		wantSame(t, "the other image", stored(t, st, other.ID), other)
	}
	img.Tag, img.Architecture = "alive", "aarch64" // the architecture is part of it
	save(t, whole(st), img)
}
