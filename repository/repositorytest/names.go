package repositorytest

import (
	"slices"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var names = []sentence{
	{"names that differ by case are different images", namesByCase},
	{"names are ordered by their bytes, not by a language", namesByBytes},
	{"names that look alike and are not the same bytes are different images", namesByForm},
}

func namesByCase(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "torch"}, domain.Image{Name: "Torch"}, domain.Image{Tag: "v1"}, domain.Image{Tag: "V1"},
		domain.Image{Tag: "v1", Architecture: "X86_64"})
	for _, img := range images {
		found := must(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Canonical: img.Canonical()}))(t)
		for _, c := range found {
			if c.Image.Canonical() != img.Canonical() {
				t.Errorf("%s finds %s", img.Canonical(), c.Image.Canonical())
			}
		}
	}
	for field, values := range map[string][]string{"name": {"torch", "Torch"}, "tag": {"v1", "V1"}, "architecture": {"x86_64", "X86_64"}} {
		seen := map[domain.ImageID]bool{}
		for _, v := range values {
			for _, id := range listed(t, whole(st), domain.ImageQuery{Where: domain.Where(field, domain.Eq, v)}) {
				if seen[id] {
					t.Errorf("%s %q finds what another case finds", field, v)
				}
				seen[id] = true
			}
		}
	}
}

func namesByBytes(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	// A language would ignore the signs, fold the cases, and put é beside e.
	want := []string{"A", "B", "_", "a", "a b", "a-b", "a.b", "a/b", "aB", "a_b", "ab", "b", "e", "f", "z", "é", "漢"}
	for i := range want {
		AddImage(t, st, reg, domain.Image{Name: want[(i*5)%len(want)]})
	}
	var canonical []string
	for _, name := range want {
		canonical = append(canonical, "cr.example.org/"+name+":3.12")
	}
	slices.Sort(canonical)
	for sort, want := range map[string][]string{"name": want, "canonical": canonical} {
		list, _, err := whole(st).Read().Images.List(t.Context(), domain.ImageQuery{}, domain.Page{Sort: sort})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range list {
			got = append(got, map[string]string{"name": d.Name, "canonical": d.Canonical()}[sort])
		}
		wantSame(t, "sorted by "+sort, got, want)
	}
}

func namesByForm(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	for _, name := range []string{"caf\u00e9", "cafe\u0301", "cafe", "cafe ", "ﬀ", "ff", "ss", "ß"} {
		img := AddImage(t, st, reg, domain.Image{Name: name})
		got := listed(t, whole(st), domain.ImageQuery{Where: domain.Where("name", domain.Eq, name)})
		wantSame(t, "named "+name, got, []domain.ImageID{img.ID})
	}
}
