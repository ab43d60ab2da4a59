package repositorytest

import (
	"context"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func saveOfNewIdentity(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	before := AddImage(t, st, reg, domain.Image{})
	AddAlias(t, st, before, "short")
	after := before
	after.Project, after.Name, after.Tag = "team/ml", "torch", "2.1"
	AddAgent(t, st, domain.Agent{ID: "old"})
	AddAgent(t, st, domain.Agent{ID: "new"})
	Install(t, st, "old", before)
	Install(t, st, "new", after)
	after = save(t, whole(st), after)

	view := whole(st).Read().Images
	for name, want := range map[string]int{before.Canonical(): 0, after.Canonical(): 1} {
		if found := must(view.Find(t.Context(), domain.Lookup{Canonical: name}))(t); len(found) != want {
			t.Errorf("Find by %s = %d candidates, want %d", name, len(found), want)
		}
	}
	for _, f := range []domain.Filter{
		domain.Where("canonical", domain.Eq, "cr.example.org/team/ml/torch:2.1"), domain.Where("project", domain.Eq, "team/ml"),
		domain.Where("name", domain.Eq, "torch"), domain.Where("tag", domain.Eq, "2.1"), domain.Where("alias", domain.Eq, "short"),
		domain.Where("agent", domain.Eq, "new"),
	} {
		if got := listed(t, whole(st), domain.ImageQuery{Where: f}); len(got) != 1 {
			t.Errorf("%s eq %s finds %v", f.Field, f.Value, got)
		}
	}
	if got := listed(t, whole(st), domain.ImageQuery{Where: domain.Where("agent", domain.Eq, "old")}); len(got) != 0 {
		t.Errorf("the image is still held by %v", got)
	}
	held := must(view.Holders(t.Context(), []domain.ImageID{after.ID}))(t)[after.ID]
	if len(held) != 1 || held[0].AgentID != "new" {
		t.Errorf("holders %v", held)
	}
	repos := must(root(st).Read().Images.Repositories(t.Context(), reg.ID))(t)
	wantSame(t, "repositories", repos, []string{"team/ml/torch"})
	// The old name is free again.
	if s := syncAs(t, root(st), seen(reg, domain.Image{}))[0]; s.Did != domain.SyncAdded {
		t.Errorf("a scan of the old name: %s", s.Did)
	}
}

func saveMovesFilters(t *testing.T, st repository.Store) {
	labels := map[string]string{domain.LabelKernelSpec: "1", domain.LabelAccelerators: "cuda", "team": "vision"}
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{Labels: labels})
	check := func(what string, want map[string]bool) {
		t.Helper()
		for name, f := range map[string]domain.Filter{
			"cuda": domain.Where("accelerator", domain.Eq, "cuda"), "rocm": domain.Where("accelerator", domain.Eq, "rocm"),
			"vision": domain.Where("label.team", domain.Eq, "vision"), "audio": domain.Where("label.team", domain.Eq, "audio"),
			"team": domain.Where("label.team", domain.Exists), "extra": domain.Where("label.extra", domain.Exists),
		} {
			if got := listed(t, whole(st), domain.ImageQuery{Where: f}); (len(got) == 1) != want[name] {
				t.Errorf("%s: %s finds %v, want it found: %t", what, name, got, want[name])
			}
		}
	}
	check("as scanned", map[string]bool{"cuda": true, "vision": true, "team": true})

	img.OperatorLabels = map[string]string{"team": "audio", "extra": "", domain.LabelAccelerators: "rocm"}
	img.Derive()
	img = save(t, whole(st), img)
	check("with operator labels over it", map[string]bool{"rocm": true, "audio": true, "team": true, "extra": true})

	img.OperatorLabels = nil
	img.Derive()
	img = save(t, whole(st), img)
	check("with operator labels taken back", map[string]bool{"cuda": true, "vision": true, "team": true})

	img.Labels = nil
	img.Derive()
	save(t, whole(st), img)
	check("without labels", map[string]bool{})
}

func saveOfUnknown(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	for _, reach := range []domain.Reach{domain.ReachOwn, domain.ReachVisible, domain.ReachAny} {
		_, err := trySave(t, as(st, reach, alice), seen(reg, domain.Image{}))
		wantError(t, reach.String(), err, domain.CodeNotFound, "image_not_found")
	}
}

func readsAreCopies(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	labels := map[string]string{domain.LabelKernelSpec: "1", domain.LabelAccelerators: "cuda"}
	img := AddImage(t, st, reg, domain.Image{Labels: labels, CustomLimits: domain.Limits{"cpu": {Min: "2"}}})
	want := stored(t, st, img.ID)
	spoil := func(i domain.Image) {
		i.Labels["k"], i.CustomLimits["cpu"], i.Accelerators[0] = "spoilt", domain.Limit{Min: "9"}, "spoilt"
	}
	spoil(img)
	labels["k"] = "spoilt"
	view := whole(st).Read().Images
	for range 2 { // what the first round spoils, the second one sees
		list, _, err := view.List(t.Context(), domain.ImageQuery{}, domain.Page{})
		if err != nil {
			t.Fatal(err)
		}
		for call, got := range map[string]domain.Image{
			"Get": must(view.Get(t.Context(), img.ID))(t), "Many": must(view.Many(t.Context(), []domain.ImageID{img.ID}))(t)[0],
			"Find": must(view.Find(t.Context(), domain.Lookup{ID: img.ID}))(t)[0].Image, "List": list[0].Image, "Get of an admin": stored(t, st, img.ID),
		} {
			wantSame(t, call, got, want)
			spoil(got)
		}
	}
}

var deletes = []sentence{
	{"deleting removes images with their aliases and nothing else", deleteRemoves},
	{"what is not there is left alone", deleteOfUnknown},
	{"a deleted name can be scanned again and is a new image", deleteFreesName},
}

func tryDelete(t *testing.T, db repository.Scoped, ids ...domain.ImageID) []domain.ImageID {
	t.Helper()
	var gone []domain.ImageID
	mustTx(t, db, func(ctx context.Context, tx repository.View) (err error) {
		gone, err = tx.Images.Delete(ctx, ids)
		return err
	})
	return sorted(gone, func(id domain.ImageID) domain.ImageID { return id })
}

func deleteRemoves(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a", Labels: oddLabels()}, domain.Image{Name: "b", Status: domain.ImageForgotten}, domain.Image{Name: "c"})
	AddAgent(t, st, domain.Agent{})
	Install(t, st, "a1", images...)
	for _, img := range images {
		AddAlias(t, st, img, img.Name)
	}
	wantSame(t, "deleted", tryDelete(t, whole(st), images[0].ID, images[1].ID), sortedIDs(images[:2]...))
	for _, img := range images[:2] {
		_, err := whole(st).Read().Images.Get(t.Context(), img.ID)
		wantError(t, "Get of a deleted image", err, domain.CodeNotFound, "image_not_found")
	}
	wantSame(t, "what is left", stored(t, st, images[2].ID), images[2])
	wantSame(t, "aliases", aliasNames(t, whole(st)), []string{"c"})
	AddAlias(t, st, images[2], "a") // it is free again
	// The agent keeps what it holds: only the catalogue forgot it.
	if held := must(root(st).Read().Agents.Installed(t.Context(), "a1"))(t); len(held) != 3 {
		t.Errorf("the agent holds %d images, want 3", len(held))
	}
}

func deleteOfUnknown(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	unknown := domain.NewID[domain.ImageID]()
	wantSame(t, "deleted of nothing", tryDelete(t, whole(st)), []domain.ImageID{})
	wantSame(t, "deleted of unknown", tryDelete(t, whole(st), unknown, "%", ""), []domain.ImageID{})
	wantSame(t, "deleted", tryDelete(t, whole(st), img.ID, unknown, img.ID), []domain.ImageID{img.ID})
	wantSame(t, "deleted again", tryDelete(t, whole(st), img.ID), []domain.ImageID{})
}

func deleteFreesName(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{Status: domain.ImageForgotten, CustomLimits: domain.Limits{"cpu": {Min: "2"}}})
	tryDelete(t, whole(st), img.ID)
	s := syncAs(t, root(st), seen(reg, domain.Image{}))[0]
	if s.Did != domain.SyncAdded || s.Image.ID == img.ID || s.Image.Status != domain.ImageAlive || len(s.Image.CustomLimits) != 0 {
		t.Errorf("the scan: %s, %+v", s.Did, s.Image)
	}
}
