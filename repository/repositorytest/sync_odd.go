package repositorytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func scanTakesOddRows(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	rows := []domain.Image{
		seen(reg, domain.Image{Name: "fine"}),
		seen(reg, domain.Image{Tag: "1.0 + x/y:z", Labels: map[string]string{"": "", " ": " "}}),
		seen(reg, domain.Image{Tag: "..", Labels: map[string]string{domain.LabelServicePorts: "nonsense", domain.LabelResourceMinPrefix + "cpu": "many"}}),
		seen(reg, domain.Image{Tag: "long", Labels: map[string]string{strings.Repeat("k", 3000): strings.Repeat("v", 300_000)}}),
		seen(reg, domain.Image{Tag: "incompressible", Labels: map[string]string{"k": noise(20_000), noise(5_000): "v"}}),
		seen(reg, domain.Image{Tag: "bytes", Labels: map[string]string{"nul\x00": "a\x00b", "broken\xff": "\xfe"}}),
		seen(reg, domain.Image{Tag: "quotes", Labels: oddLabels()}),
	}
	for _, want := range []domain.SyncOutcome{domain.SyncAdded, domain.SyncUnchanged} {
		for i, s := range syncAs(t, root(st), rows...) {
			if s.Did != want {
				t.Errorf("%s: %s, want %s", rows[i].Tag, s.Did, want)
			}
			wantSame(t, "the answer of "+rows[i].Tag, s.Image, stored(t, st, s.Image.ID))
			if s.Image.Tag != rows[i].Tag || len(s.Image.Labels) != len(rows[i].Labels) {
				t.Errorf("%q has %d labels; want %q with %d", s.Image.Tag, len(s.Image.Labels), rows[i].Tag, len(rows[i].Labels))
			}
		}
	}
	if n := len(listed(t, whole(st), domain.ImageQuery{})); n != len(rows) {
		t.Errorf("List = %d images, want %d", n, len(rows))
	}
}

// noise is printable text that does not compress well.
func noise(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(string(digestOf(fmt.Sprint(i))[len("sha256:"):]))
	}
	return b.String()[:n]
}

// oddLabels is what careless SQL trips over.
func oddLabels() map[string]string {
	return map[string]string{
		"plain": "value", "with.dots.in.it": "1.2.3", "empty": "", "'quoted'": `it's "so"`, `back\slash`: `\n\\`,
		"100%": "50%_", "under_score": "a_b", "star*": "a*b?[c]", "unicode é ü 漢字": "🐳 Ünïcode", "?0 ??": "? ?? $1 :name",
		"new\nline": "a\nb\tc", "{json}": `{"a": [1, null]}`, "--": "/* ; DROP TABLE */",
	}
}

func scanWithRepeats(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	a, b := seen(reg, domain.Image{Name: "a"}), seen(reg, domain.Image{Name: "b"})
	for range 2 { // when they are new and when they are not
		out := syncAs(t, root(st), a, b, a)
		if out[0].Image.ID != out[2].Image.ID || out[0].Image.ID == out[1].Image.ID {
			t.Errorf("ids %s, %s, %s", out[0].Image.ID, out[1].Image.ID, out[2].Image.ID)
		}
		wantSame(t, "the repeated image", out[2].Image, stored(t, st, out[2].Image.ID))
		a.SizeBytes++
	}
	if n := len(listed(t, whole(st), domain.ImageQuery{})); n != 2 {
		t.Errorf("the catalogue has %d images, want 2", n)
	}
}

func scanOfNothing(t *testing.T, st repository.Store) {
	syncAs(t, root(st))
	mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
		gone, err := tx.Images.MarkMissing(ctx, nil)
		if len(gone) != 0 {
			t.Errorf("MarkMissing of nothing = %v", gone)
		}
		return err
	})
}

func scanOfTwoRegistries(t *testing.T, st repository.Store) {
	stable := AddRegistry(t, st, Registry{Project: "stable", Global: true})
	nightly := AddRegistry(t, st, Registry{Project: "nightly", Global: true})
	elsewhere := AddRegistry(t, st, Registry{Name: "cr2.example.org", Project: "stable", Global: true})
	var ids []domain.ImageID
	for i, reg := range []domain.Registry{stable, nightly, elsewhere} {
		s := syncAs(t, root(st), seen(reg, domain.Image{SizeBytes: int64(i + 1)}))[0]
		if s.Did != domain.SyncAdded || s.Image.RegistryID != reg.ID || s.Image.Registry != reg.Name || s.Image.Project != reg.Project {
			t.Errorf("%s: %s as %+v", reg, s.Did, s.Image)
		}
		ids = append(ids, s.Image.ID)
	}
	for i, id := range ids {
		if got := stored(t, st, id); got.SizeBytes != int64(i+1) {
			t.Errorf("%s has %d bytes, want %d", got.Canonical(), got.SizeBytes, i+1)
		}
	}
	view := root(st).Read()
	wantSame(t, "repositories", must(view.Images.Repositories(t.Context(), stable.ID))(t), []string{"stable/python"})
	if none := must(view.Images.OfRepository(t.Context(), stable.ID, "nightly/python"))(t); len(none) != 0 {
		t.Errorf("stable has %d images of nightly", len(none))
	}
}

func scanOfOneName(t *testing.T, st repository.Store) {
	host := AddRegistry(t, st, Registry{Global: true})
	stable := AddRegistry(t, st, Registry{Project: "stable", Global: true})
	first := syncAs(t, root(st), seen(host, domain.Image{Name: "stable/python", SizeBytes: 1}))[0].Image
	s := syncAs(t, root(st), seen(stable, domain.Image{SizeBytes: 2}))[0]
	if first.Canonical() != s.Image.Canonical() || s.Image.ID != first.ID || s.Did != domain.SyncUpdated {
		t.Errorf("the second scan: %s, %s %s after %s %s", s.Did, s.Image.ID, s.Image.Canonical(), first.ID, first.Canonical())
	}
	if s.Image.RegistryID != stable.ID || s.Image.Project != "stable" || s.Image.Name != "python" {
		t.Errorf("the image is %q in %q of %s, want that of the last scan", s.Image.Name, s.Image.Project, s.Image.RegistryID)
	}
	wantSame(t, "the stored image", stored(t, st, first.ID), s.Image)
	found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Canonical: first.Canonical()}))(t)
	if len(found) != 1 {
		t.Errorf("Find = %d candidates", len(found))
	}
}

// atOnce runs fn n times at the same time and returns the errors.
func atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func scansRace(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	const scans, images = 4, 60
	for round := range 3 { // new rows, then rows that differ
		outcomes := make([][]repository.SyncedImage, scans)
		errs := atOnce(scans, func(n int) error {
			rows := make([]domain.Image, images)
			for i := range rows {
				rows[i] = seen(reg, domain.Image{Name: fmt.Sprintf("r%d", i), SizeBytes: int64(1000 + round), Labels: map[string]string{"round": fmt.Sprint(round)}})
			}
			if n%2 == 1 { // rows taken in opposite orders are how deadlocks are made
				slices.Reverse(rows)
			}
			return inTx(t, root(st), func(ctx context.Context, tx repository.AdminView) (err error) {
				outcomes[n], err = tx.Images.Sync(ctx, rows)
				return err
			})
		})
		changes := map[string]int{}
		for n, err := range errs {
			if err != nil {
				t.Fatalf("round %d, scan %d: %v", round, n, err)
			}
			for _, s := range outcomes[n] {
				if s.Did != domain.SyncUnchanged {
					changes[s.Image.Canonical()]++
				}
				if got := stored(t, st, s.Image.ID); got.Canonical() != s.Image.Canonical() || got.SizeBytes != int64(1000+round) || got.Labels["round"] != fmt.Sprint(round) {
					t.Fatalf("round %d, scan %d: %s is stored as %+v", round, n, s.Image.Canonical(), got)
				}
			}
		}
		for name, n := range changes {
			if n != 1 {
				t.Errorf("round %d: %d scans say that they changed %s", round, n, name)
			}
		}
		if n := len(listed(t, whole(st), everything())); n != images || len(changes) != images {
			t.Errorf("round %d: %d changes, %d images; want %d", round, len(changes), n, images)
		}
	}
}

func scanRacesOperator(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{})
	for round := range 20 {
		want := fmt.Sprint(round)
		errs := atOnce(2, func(n int) error {
			if n == 0 {
				return inTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
					_, err := tx.Images.Sync(ctx, []domain.Image{seen(reg, domain.Image{SizeBytes: int64(2000 + round)})})
					return err
				})
			}
			for { // a newer revision: the operator looks again
				err := inTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
					i, err := tx.Images.Get(ctx, img.ID)
					if err != nil {
						return err
					}
					i.OperatorLabels = map[string]string{"round": want}
					_, err = tx.Images.Save(ctx, i)
					return err
				})
				if domain.ReasonOf(err) != "revision_changed" {
					return err
				}
			}
		})
		got := stored(t, st, img.ID)
		if errs[0] != nil || errs[1] != nil || got.SizeBytes != int64(2000+round) || got.OperatorLabels["round"] != want {
			t.Fatalf("round %d: %v; %d bytes, operator labels %v", round, errs, got.SizeBytes, got.OperatorLabels)
		}
	}
}
