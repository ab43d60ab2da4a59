package repositorytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var syncs = []sentence{
	{"a scan adds what is new, updates what differs and leaves the rest", scanTellsApart},
	{"a scan keeps what operators and use have said", scanKeepsOperators},
	{"a scan makes a missing image alive and leaves a forgotten one forgotten", scanAndStatus},
	{"a scan recomputes what follows from the labels, the operator's over the registry's", scanDerives},
	{"a scan takes tags and labels that nobody else would", scanTakesOddRows},
	{"a scan of a batch of a thousand rows answers in their order", scanOfManyRows},
	{"a row that comes twice in a batch is one image", scanWithRepeats},
	{"a scan of nothing does nothing", scanOfNothing},
	{"the images of two registry rows on one host are not confused", scanOfTwoRegistries},
	{"a canonical name that two registry rows scan is one image", scanOfOneName},
	{"two scans of the same rows at once lose nothing and double nothing", scansRace},
	{"a scan and an operator at once lose nothing of either", scanRacesOperator},
}

// syncAs scans rows and returns what came out.
func syncAs(t *testing.T, db repository.Admin, rows ...domain.Image) []repository.SyncedImage {
	t.Helper()
	var out []repository.SyncedImage
	mustTx(t, db, func(ctx context.Context, tx repository.AdminView) (err error) {
		out, err = tx.Images.Sync(ctx, rows)
		return err
	})
	if len(out) != len(rows) {
		t.Fatalf("Sync of %d rows gives %d", len(rows), len(out))
	}
	return out
}

func scanTellsApart(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	later := Now.Add(time.Hour)
	first := syncAs(t, root(st), seen(reg, domain.Image{Name: "a"}), seen(reg, domain.Image{Name: "b", Labels: map[string]string{"k": "v"}}))
	for _, s := range first {
		if s.Did != domain.SyncAdded || s.Image.Status != domain.ImageAlive || !domain.IsID(string(s.Image.ID)) {
			t.Errorf("the first scan: %s, %s %q", s.Did, s.Image.Status, s.Image.ID)
		}
		if !s.Image.CreatedAt.Equal(Now) || !s.Image.UpdatedAt.Equal(Now) || !s.Image.LastUsedAt.IsZero() {
			t.Errorf("a new image was created at %s, updated at %s, used at %s", s.Image.CreatedAt, s.Image.UpdatedAt, s.Image.LastUsedAt)
		}
		wantSame(t, "the added image", stored(t, st, s.Image.ID), s.Image)
	}
	again := syncAs(t, rootAt(st, later), seen(reg, domain.Image{Name: "a"}), seen(reg, domain.Image{Name: "b", Labels: map[string]string{"k": "v"}}))
	for i, s := range again {
		wantSame(t, "an unchanged image", s, repository.SyncedImage{Image: first[i].Image, Did: domain.SyncUnchanged})
		wantSame(t, "an unchanged image", stored(t, st, s.Image.ID), first[i].Image)
	}
	for field, change := range map[string]func(*domain.Image){
		"tag digest":      func(i *domain.Image) { i.TagDigest = digestOf("new tag") },
		"manifest digest": func(i *domain.Image) { i.ManifestDigest = digestOf("new manifest") },
		"config digest":   func(i *domain.Image) { i.ConfigDigest = digestOf("new config") },
		"size":            func(i *domain.Image) { i.SizeBytes = 1 << 40 },
		"labels":          func(i *domain.Image) { i.Labels = map[string]string{"k": "w"} },
		"no labels":       func(i *domain.Image) { i.Labels = nil },
	} {
		before := stored(t, st, first[1].Image.ID)
		row := seen(reg, domain.Image{Name: "b", Labels: before.Labels})
		row.TagDigest, row.ManifestDigest, row.ConfigDigest, row.SizeBytes = before.TagDigest, before.ManifestDigest, before.ConfigDigest, before.SizeBytes
		change(&row)
		s := syncAs(t, rootAt(st, later), row)[0]
		if s.Did != domain.SyncUpdated || s.Image.ID != before.ID || s.Image.Revision <= before.Revision ||
			!s.Image.CreatedAt.Equal(Now) || !s.Image.UpdatedAt.Equal(later) {
			t.Errorf("a new %s: %s, revision %d after %d, %+v", field, s.Did, s.Image.Revision, before.Revision, s.Image)
		}
		after := stored(t, st, before.ID)
		wantSame(t, "after a new "+field, after, s.Image)
		if after.TagDigest != row.TagDigest || after.ManifestDigest != row.ManifestDigest || after.ConfigDigest != row.ConfigDigest ||
			after.SizeBytes != row.SizeBytes || after.Labels["k"] != row.Labels["k"] {
			t.Errorf("a new %s is not stored: %+v", field, after)
		}
	}
}

func scanKeepsOperators(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	want := AddImage(t, st, reg, domain.Image{
		OperatorLabels: map[string]string{"team": "vision"}, CustomLimits: domain.Limits{"cpu": {Min: "2", Max: "4"}},
		LastUsedAt: Now.Add(time.Minute),
	})
	AddAlias(t, st, want, "short")
	for _, row := range []domain.Image{seen(reg, domain.Image{}), seen(reg, domain.Image{SizeBytes: 2000, Labels: map[string]string{"k": "v"}})} {
		got := syncAs(t, root(st), row)[0].Image
		after := stored(t, st, want.ID)
		wantSame(t, "the answer", got, after)
		wantSame(t, "operator labels", after.OperatorLabels, want.OperatorLabels)
		wantSame(t, "custom limits", after.CustomLimits, want.CustomLimits)
		wantSame(t, "the time of last use", after.LastUsedAt, want.LastUsedAt)
		wantSame(t, "the id", after.ID, want.ID)
		if found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Alias: "short"}))(t); len(found) != 1 || found[0].Image.ID != want.ID {
			t.Errorf("the alias finds %+v", found)
		}
	}
}

func scanAndStatus(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	for status, want := range map[domain.ImageStatus]repository.SyncedImage{
		domain.ImageAlive:     {Image: domain.Image{Status: domain.ImageAlive}, Did: domain.SyncUnchanged},
		domain.ImageMissing:   {Image: domain.Image{Status: domain.ImageAlive}, Did: domain.SyncUpdated},
		domain.ImageForgotten: {Image: domain.Image{Status: domain.ImageForgotten}, Did: domain.SyncUnchanged},
	} {
		img := AddImage(t, st, reg, domain.Image{Name: string(status), Status: status})
		s := syncAs(t, root(st), seen(reg, domain.Image{Name: string(status)}))[0]
		if s.Did != want.Did || s.Image.ID != img.ID || s.Image.Status != want.Image.Status || stored(t, st, img.ID).Status != want.Image.Status {
			t.Errorf("a %s image that is seen: %s, %s; want %s, %s", status, s.Did, s.Image.Status, want.Did, want.Image.Status)
		}
		s = syncAs(t, root(st), seen(reg, domain.Image{Name: string(status), SizeBytes: 2000}))[0]
		if s.Did != domain.SyncUpdated || s.Image.Status != want.Image.Status || s.Image.SizeBytes != 2000 {
			t.Errorf("a %s image that is seen changed: %s, %s, %d bytes", status, s.Did, s.Image.Status, s.Image.SizeBytes)
		}
	}
}

func scanDerives(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	labels := map[string]string{domain.LabelRole: "INFERENCE", domain.LabelKernelSpec: "1", domain.LabelAccelerators: "cuda", domain.LabelFeatures: "operation"}
	row := seen(reg, domain.Image{Labels: labels})
	// What a scan claims to follow from the labels does not count.
	row.Type, row.Operation, row.Accelerators, row.Customized, row.Owner = "", false, []string{"tpu"}, true, "bob"
	img := syncAs(t, root(st), row)[0].Image
	checkDerived(t, st, img)
	wantSame(t, "type", img.Type, domain.ImageTypeService)

	img.OperatorLabels = map[string]string{domain.LabelRole: "SYSTEM", domain.LabelCustomizedOwner: "user:alice"}
	img.Derive()
	img = save(t, whole(st), img)
	row = seen(reg, domain.Image{Labels: map[string]string{domain.LabelRole: "COMPUTE", domain.LabelKernelSpec: "1", domain.LabelAccelerators: "rocm,cuda"}})
	img = syncAs(t, root(st), row)[0].Image
	checkDerived(t, st, img)
	if img.Type != domain.ImageTypeSystem || img.Owner != "alice" || img.Operation || !slices.Equal(img.Accelerators, []string{"cuda", "rocm"}) {
		t.Errorf("type %s, owner %q, operation %t, accelerators %q", img.Type, img.Owner, img.Operation, img.Accelerators)
	}
	for f, want := range map[string]int{"cuda": 1, "rocm": 1, "tpu": 0} {
		if n := len(listed(t, whole(st), domain.ImageQuery{Where: domain.Where("accelerator", domain.Eq, f)})); n != want {
			t.Errorf("accelerator %s finds %d images, want %d", f, n, want)
		}
	}
}

// checkDerived compares what follows from the labels with the rules.
func checkDerived(t *testing.T, st repository.Store, img domain.Image) {
	t.Helper()
	want := img
	want.Derive()
	wantSame(t, "what follows from the labels", img, want)
	wantSame(t, "what is stored", stored(t, st, img.ID), want)
}

func scanOfManyRows(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	rows := make([]domain.Image, 1000)
	for i := range rows {
		rows[i] = seen(reg, domain.Image{Name: fmt.Sprintf("r%d", i/10), Tag: fmt.Sprintf("t%d", i%10), Labels: map[string]string{"n": fmt.Sprint(i)}})
	}
	ids := map[string]domain.ImageID{}
	for round := range 3 {
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for i := range rows { // the second round changes a third of them
			if round == 1 && rows[i].Name < "r3" {
				rows[i].SizeBytes = 5000
			}
		}
		did := map[domain.SyncOutcome]int{}
		for i, s := range syncAs(t, root(st), rows...) {
			did[s.Did]++
			if s.Image.Canonical() != rows[i].Canonical() || s.Image.SizeBytes != rows[i].SizeBytes || s.Image.Labels["n"] != rows[i].Labels["n"] {
				t.Fatalf("round %d: row %d is %s, not %s", round, i, s.Image.Canonical(), rows[i].Canonical())
			}
			if id := ids[s.Image.Canonical()]; id != "" && id != s.Image.ID {
				t.Fatalf("round %d: %s got another id", round, s.Image.Canonical())
			}
			ids[s.Image.Canonical()] = s.Image.ID
		}
		changed := 0
		for name := range ids {
			if name < "cr.example.org/r3" {
				changed++
			}
		}
		want := []map[domain.SyncOutcome]int{
			{domain.SyncAdded: 1000}, {domain.SyncUpdated: changed, domain.SyncUnchanged: 1000 - changed}, {domain.SyncUnchanged: 1000},
		}[round]
		wantSame(t, fmt.Sprintf("outcomes of round %d", round), did, want)
	}
	if n := len(listed(t, whole(st), domain.ImageQuery{})); n != 1000 {
		t.Errorf("the catalogue has %d images", n)
	}
}
