package repositorytest

import (
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var lookups = []sentence{
	{"candidates come by id, then by canonical name, then by alias", candidatesInOrder},
	{"the architectures behind a name come in their order", architecturesInOrder},
	{"an image that several parts of a lookup name comes once, by the first of them", candidateComesOnce},
	{"a canonical name wins over an alias that was there before it", nameWinsOverAlias},
	{"images of every status are found, and say which they have", everyStatusIsFound},
	{"an alias of a forgotten image resolves only with its status", aliasOfForgotten},
	{"a digest of the tag, the manifest or the config finds images of its repository only", digestsAreFound},
	{"parts that are empty or name nothing find nothing", emptyLookup},
	{"names are compared byte by byte", lookupByBytes},
	{"many images come in the order of their ids, without those that are not there", manyInOrder},
	{"a detail has the aliases in their order and counts the agents", detailOfImage},
}

func candidatesInOrder(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	byAlias := AddImage(t, st, reg, domain.Image{Name: "a", Architecture: "aarch64"})
	byName := AddImage(t, st, reg, domain.Image{Name: "b", Architecture: "arm/v7"})
	byID := AddImage(t, st, reg, domain.Image{Name: "c", Architecture: "x86_64"})
	AddAlias(t, st, byAlias, "short")
	l := domain.Lookup{ID: byID.ID, Canonical: byName.Canonical(), Alias: "short"}
	want := []domain.Candidate{
		{Image: byID, Via: domain.ViaID, InReach: true}, {Image: byName, Via: domain.ViaCanonical, InReach: true},
		{Image: byAlias, Via: domain.ViaAlias, InReach: true},
	}
	for _, db := range []repository.Scoped{as(st, domain.ReachAny, admin), as(st, domain.ReachVisible, alice)} {
		wantSame(t, "candidates", must(db.Read().Images.Find(t.Context(), l))(t), want)
	}
}

func architecturesInOrder(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	for _, arch := range []string{"x86_64", "aarch64", "arm/v7", "arm/v6", "Z80"} {
		AddImage(t, st, reg, domain.Image{Architecture: arch})
	}
	AddImage(t, st, reg, domain.Image{Tag: "3.13"})
	l := domain.Lookup{Canonical: "cr.example.org/python:3.12"}
	found := must(whole(st).Read().Images.Find(t.Context(), l))(t)
	var got []string
	for _, c := range found {
		got = append(got, c.Image.Architecture)
	}
	wantSame(t, "architectures", got, []string{"Z80", "aarch64", "arm/v6", "arm/v7", "x86_64"})
	// The digest of the tag is that of all of them.
	l = domain.Lookup{Repository: "cr.example.org/python", Digest: found[0].Image.TagDigest}
	wantSame(t, "by digest", must(whole(st).Read().Images.Find(t.Context(), l))(t), found)
}

func candidateComesOnce(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{})
	AddAlias(t, st, img, "short")
	find := whole(st).Read().Images.Find
	l := domain.Lookup{ID: img.ID, Canonical: img.Canonical(), Alias: "short"}
	wantSame(t, "with an id", must(find(t.Context(), l))(t), []domain.Candidate{{Image: img, Via: domain.ViaID, InReach: true}})
	l.ID = ""
	wantSame(t, "without an id", must(find(t.Context(), l))(t), []domain.Candidate{{Image: img, Via: domain.ViaCanonical, InReach: true}})
}

func nameWinsOverAlias(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	old := AddImage(t, st, reg, domain.Image{Name: "old"})
	AddAlias(t, st, old, "cr.example.org/python:3.12")
	img := AddImage(t, st, reg, domain.Image{})
	found := must(root(st).Read().View.Images.Find(t.Context(), domain.Lookup{Canonical: img.Canonical(), Alias: img.Canonical()}))(t)
	if len(found) != 2 || found[0].Image.ID != img.ID || found[1].Image.ID != old.ID || found[1].Via != domain.ViaAlias {
		t.Fatalf("Find = %+v, want the named image, then that of the alias", found)
	}
	wantSame(t, "the choice", must(domain.Resolution{}.Choose(img.Canonical(), found))(t), img)
}

func everyStatusIsFound(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	for _, status := range domain.ImageStatuses() {
		img := AddImage(t, st, reg, domain.Image{Name: string(status), Status: status})
		AddAlias(t, st, img, aliasOf(img))
		for name, l := range namesOf(img) {
			found := must(as(st, domain.ReachVisible, alice).Read().Images.Find(t.Context(), l))(t)
			if len(found) != 1 || found[0].Image.Status != status {
				t.Errorf("Find of a %s image by %s = %+v", status, name, found)
			}
		}
		if got, err := as(st, domain.ReachVisible, alice).Read().Images.Get(t.Context(), img.ID); err != nil || got.Status != status {
			t.Errorf("Get of a %s image = %s, %v", status, got.Status, err)
		}
		wantSame(t, "the list of "+string(status), listed(t, whole(st), domain.ImageQuery{Statuses: []domain.ImageStatus{status}}), []domain.ImageID{img.ID})
	}
	if n := len(listed(t, whole(st), domain.ImageQuery{})); n != 1 {
		t.Errorf("List without statuses = %d images, want the one alive", n)
	}
	if n := len(listed(t, whole(st), everything())); n != 3 {
		t.Errorf("List with all statuses = %d images, want 3", n)
	}
}

func aliasOfForgotten(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{Status: domain.ImageForgotten})
	AddAlias(t, st, img, "short")
	found := must(as(st, domain.ReachVisible, alice).Read().Images.Find(t.Context(), domain.Lookup{Alias: "short"}))(t)
	_, err := domain.Resolution{}.Choose("short", found)
	wantError(t, "resolve among alive images", err, domain.CodeNotFound, "")
	r := domain.Resolution{Statuses: domain.ImageStatuses()}
	wantSame(t, "with every status", must(r.Choose("short", found))(t), img)
}

func digestsAreFound(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Project: "stable", Global: true})
	img := AddImage(t, st, reg, domain.Image{})
	twin := img // the same content in another repository
	twin.Name = "copy"
	twin = AddImage(t, st, reg, twin)
	find := whole(st).Read().Images.Find
	for _, want := range []domain.Image{img, twin} {
		for name, d := range map[string]domain.Digest{"tag": img.TagDigest, "manifest": img.ManifestDigest, "config": img.ConfigDigest} {
			l := domain.Lookup{Repository: domain.JoinPath(want.Registry, want.Repository()), Digest: d}
			found := must(find(t.Context(), l))(t)
			wantSame(t, "by the digest of the "+name, found, []domain.Candidate{{Image: want, Via: domain.ViaCanonical, InReach: true}})
		}
	}
	for _, repo := range []string{"cr.example.org/stable", "cr.example.org/python", "stable/python", "python", "cr.example.org/stable/pytho", ""} {
		l := domain.Lookup{Repository: repo, Digest: img.TagDigest}
		if found := must(find(t.Context(), l))(t); len(found) != 0 {
			t.Errorf("the digest in repository %q finds %+v", repo, found)
		}
	}
}

func emptyLookup(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	bare := seen(reg, domain.Image{})
	bare.TagDigest, bare.ManifestDigest = "", "" // not every listing tells them
	syncAs(t, root(st), bare)
	for _, l := range []domain.Lookup{
		{}, {Repository: "cr.example.org/python"}, {Digest: digestOf("x")}, {ID: domain.NewID[domain.ImageID]()},
		{Canonical: "cr.example.org/python:latest"}, {Alias: "python"}, {ID: "%"}, {Canonical: "%"}, {Alias: "%"}, {Alias: "_"}, {Alias: "'"},
	} {
		found := must(whole(st).Read().Images.Find(t.Context(), l))(t)
		if found == nil || len(found) != 0 {
			t.Errorf("Find(%+v) = %v, want an empty slice", l, found)
		}
	}
}

func lookupByBytes(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{Name: "Torch", Tag: "V1"})
	AddAlias(t, st, img, "Short")
	for _, l := range []domain.Lookup{
		{Canonical: "cr.example.org/torch:v1"}, {Canonical: "cr.example.org/Torch:v1"}, {Canonical: "CR.example.org/Torch:V1"},
		{Alias: "short"}, {Alias: "SHORT"}, {Alias: "Short "}, {Repository: "cr.example.org/torch", Digest: img.TagDigest},
	} {
		if found := must(whole(st).Read().Images.Find(t.Context(), l))(t); len(found) != 0 {
			t.Errorf("Find(%+v) = %+v", l, found)
		}
	}
}

func manyInOrder(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a"}, domain.Image{Name: "b"}, domain.Image{Name: "c", Status: domain.ImageMissing})
	ids := []domain.ImageID{images[2].ID, domain.NewID[domain.ImageID](), images[0].ID, "nonsense", "", images[1].ID}
	got := must(whole(st).Read().Images.Many(t.Context(), ids))(t)
	wantSame(t, "Many", got, []domain.Image{images[2], images[0], images[1]})
	if none := must(whole(st).Read().Images.Many(t.Context(), nil))(t); len(none) != 0 {
		t.Errorf("Many of nothing = %v", none)
	}
}

func detailOfImage(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{})
	other := AddImage(t, st, reg, domain.Image{Architecture: "aarch64"})
	for _, name := range []string{"b", "a", "C"} {
		AddAlias(t, st, img, name)
	}
	for _, id := range []domain.AgentID{"a1", "a2"} {
		AddAgent(t, st, domain.Agent{ID: id})
		Install(t, st, id, img)
	}
	want := []domain.ImageDetail{
		{Image: other, Aliases: []string{}},
		{Image: img, Aliases: []string{"C", "a", "b"}, InstalledCount: 2},
	}
	list, _, err := whole(st).Read().Images.List(t.Context(), domain.ImageQuery{}, domain.Page{Sort: "canonical"})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		wantSame(t, "Detail", must(whole(st).Read().Images.Detail(t.Context(), w.Image))(t), w)
		found := false
		for _, got := range list {
			if got.ID == w.ID {
				found = true
				wantSame(t, "List", got, w)
			}
		}
		if !found {
			t.Errorf("List lacks %s (%s)", w.Canonical(), w.Architecture)
		}
	}
}
