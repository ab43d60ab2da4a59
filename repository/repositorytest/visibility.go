package repositorytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// seedVariable names a seed of a random world, to see a failure again. The
// seed is in the name of the test that failed.
const seedVariable = "WHARF_TEST_SEED"

const (
	fixedSeeds    = 4 // the same in every run
	freshSeeds    = 2 // others in every run
	actorsInWorld = 6
	queriesOfOne  = 10
)

// visibility compares the store with the oracle in random worlds.
func visibility() []sentence {
	var list []sentence
	for _, seed := range seeds() {
		list = append(list, sentence{fmt.Sprintf("a random world is seen as the rules say, seed %d", seed), func(t *testing.T, st repository.Store) {
			d := dice{rand.New(rand.NewPCG(seed, 0))}
			seenAsTheRulesSay(t, d, st)
		}})
	}
	return list
}

func seeds() []uint64 {
	if n, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		return []uint64{n}
	}
	var list []uint64
	for n := range fixedSeeds {
		list = append(list, uint64(n))
	}
	for range freshSeeds {
		list = append(list, rand.Uint64()>>32)
	}
	return list
}

func seenAsTheRulesSay(t *testing.T, d dice, st repository.Store) {
	w := newWorld(t, d, st)
	for range actorsInWorld {
		scopes := randomScopes(d)
		for _, s := range scopes {
			w.checkNames(t, st, s)
			w.checkTags(t, st, s)
		}
		for range queriesOfOne {
			q := randomQuery(d)
			lists := make([][]domain.ImageID, len(scopes))
			for i, s := range scopes {
				lists[i] = w.checkList(t, st, s, q)
			}
			w.checkNested(t, q, lists)
		}
		if t.Failed() {
			w.print(t)
			return
		}
	}
}

// checkNames looks every image up, by id and by name.
func (w *world) checkNames(t *testing.T, st repository.Store, s domain.Scope) {
	t.Helper()
	view := st.Scoped(repository.Unit{Scope: s, Now: Now}).Read()
	var many []domain.ImageID
	for _, img := range w.images {
		want := domain.Code("")
		switch {
		case !w.sees(s, img):
			want = domain.CodeNotFound
		case !w.reaches(s, img):
			want = domain.CodeForbidden
		default:
			many = append(many, img.ID)
		}
		if _, err := view.Images.Get(t.Context(), img.ID); domain.CodeOf(err) != want {
			t.Errorf("%s: Get of %s (%s) = %v, want %q", show(s), img.Canonical(), img.Architecture, err, want)
		}
		found := must(view.Images.Find(t.Context(), domain.Lookup{Canonical: img.Canonical()}))(t)
		i := slices.IndexFunc(found, func(c domain.Candidate) bool { return c.Image.ID == img.ID })
		if (i >= 0) != w.sees(s, img) || i >= 0 && found[i].InReach != w.reaches(s, img) {
			t.Errorf("%s: Find of %s (%s) = %+v, want it seen: %t, reached: %t", show(s), img.Canonical(), img.Architecture, found, w.sees(s, img), w.reaches(s, img))
		}
	}
	got := must(view.Images.Many(t.Context(), sortedIDs(w.images...)))(t)
	if slices.Sort(many); !slices.Equal(sortedIDs(got...), many) {
		t.Errorf("%s: Many = %d images, want %d", show(s), len(got), len(many))
	}
}

// checkList compares one list with the oracle and returns its ids, nil when it
// was refused.
func (w *world) checkList(t *testing.T, st repository.Store, s domain.Scope, q domain.ImageQuery) []domain.ImageID {
	t.Helper()
	list, info, err := st.Scoped(repository.Unit{Scope: s, Now: Now}).Read().Images.List(t.Context(), q, domain.Page{Limit: domain.MaxPageSize, Count: true})
	if codes := w.refusals(s, q); len(codes) > 0 || err != nil {
		if !slices.Contains(codes, domain.CodeOf(err)) {
			t.Errorf("%s: List of %s = %v, want one of %q", show(s), show(q), err, codes)
		}
		return nil
	}
	want := map[domain.ImageID]bool{}
	for _, img := range w.images {
		if w.finds(s, q, img) {
			want[img.ID] = true
		}
	}
	got := []domain.ImageID{}
	for _, img := range list {
		got = append(got, img.ID)
		if !want[img.ID] {
			t.Errorf("%s: List of %s has %s (%s)", show(s), show(q), img.Canonical(), img.Architecture)
		}
		if n := w.heldBy(img.Image, w.counting(s, q)); img.InstalledCount != n {
			t.Errorf("%s: List of %s: %s (%s) is installed %d times, want %d", show(s), show(q), img.Canonical(), img.Architecture, img.InstalledCount, n)
		}
	}
	for _, img := range w.images {
		if want[img.ID] && !slices.Contains(got, img.ID) {
			t.Errorf("%s: List of %s lacks %s (%s)", show(s), show(q), img.Canonical(), img.Architecture)
		}
	}
	if info.Total == nil || *info.Total != len(want) {
		t.Errorf("%s: List of %s counts %s, want %d", show(s), show(q), show(info.Total), len(want))
	}
	return got
}

// checkNested sees that a wider reach finds no less. A group is another matter:
// it means the actor's domain to one reach and every domain to the other.
func (w *world) checkNested(t *testing.T, q domain.ImageQuery, lists [][]domain.ImageID) {
	t.Helper()
	for i := 1; i < len(lists); i++ {
		if q.Group != nil || lists[i] == nil {
			continue
		}
		for _, id := range lists[i-1] {
			if !slices.Contains(lists[i], id) {
				t.Errorf("List of %s: a narrower reach finds more", show(q))
			}
		}
	}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (w *world) print(t *testing.T) {
	t.Helper()
	for _, r := range w.registries {
		t.Logf("registry %s, global %t, domains %q, projects %q", r, r.IsGlobal, r.Domains, r.Projects)
	}
	for _, i := range w.images {
		t.Logf("image %s (%s) of %s, %s, customized %t by %q, operation %t", i.Canonical(), i.Architecture, w.registry(i.RegistryID), i.Status, i.Customized, i.Owner, i.Operation)
	}
	for _, a := range w.agents {
		t.Logf("agent %s in %s", a.ID, a.ScalingGroup)
	}
	for _, h := range w.installed {
		t.Logf("%s holds %s (%s)", h.AgentID, h.Canonical, h.Architecture)
	}
	t.Logf("grants %s", show(w.grants))
}
