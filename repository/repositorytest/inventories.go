package repositorytest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var inventories = []sentence{
	{"an inventory replaces what was known, row by row", inventoryReplaces},
	{"an empty inventory empties, and says that the agent answers", inventoryEmpties},
	{"an inventory that is older than the stored one is refused", inventoryOutdated},
	{"an image of another digest is held, and stale", inventoryStale},
	{"inventories hold what the catalogue does not know, and what is odd", inventoryOfAnything},
	{"an inventory does not get in the way of a change of the agent, nor a change in its", inventoryAndSave},
	{"one image more and one less are recorded, and can be again", holdAndDrop},
	{"that some agents no longer hold an image is recorded for those only", unheldByAgents},
	{"holders are those of the asked images, sorted by agent", holdersOfMany},
}

// replaceAt reports an inventory at a time.
func replaceAt(t *testing.T, st repository.Store, now time.Time, id domain.AgentID, inv domain.Inventory) domain.InventoryChange {
	t.Helper()
	return must(tryReplace(t, st, now, id, inv))(t)
}

func tryReplace(t *testing.T, st repository.Store, now time.Time, id domain.AgentID, inv domain.Inventory) (change domain.InventoryChange, err error) {
	t.Helper()
	err = tryAgents(t, st, now, func(ctx context.Context, agents repository.AdminAgentRepository) (err error) {
		change, err = agents.Replace(ctx, id, inv)
		return err
	})
	return change, err
}

func installed(t *testing.T, st repository.Store, id domain.AgentID) []domain.InstalledImage {
	t.Helper()
	return must(root(st).Read().Agents.Installed(t.Context(), id))(t)
}

func inventoryReplaces(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a"}, domain.Image{Name: "b"}, domain.Image{Name: "c"}, domain.Image{Name: "d"})
	AddAgent(t, st, domain.Agent{ID: "a1"})
	AddAgent(t, st, domain.Agent{ID: "a2"})
	Install(t, st, "a2", images...)

	inv := inventory(images[:3]...)
	wantSame(t, "the first", replaceAt(t, st, Now, "a1", inv), domain.InventoryChange{Added: 3})
	wantSame(t, "the same again", replaceAt(t, st, Now, "a1", inv), domain.InventoryChange{Unchanged: 3})

	later := Now.Add(time.Hour)
	inv = inventory(images[1:]...)
	inv.Images[0].SizeBytes++
	inv.Images[1].Containers = []string{"web", "db's"}
	wantSame(t, "another", replaceAt(t, st, later, "a1", inv), domain.InventoryChange{Added: 1, Updated: 2, Removed: 1})

	var want []domain.InstalledImage
	for _, i := range inv.Images {
		want = append(want, domain.InstalledImage{
			AgentID: "a1", Canonical: i.Canonical, Architecture: i.Architecture, Digest: i.Digest, SizeBytes: i.SizeBytes,
			Containers: i.Containers, ObservedAt: later,
		})
	}
	wantSame(t, "what a1 holds", installed(t, st, "a1"), want, cmpopts.EquateEmpty())
	checkHolders(t, st, images[0], "a2")
	checkHolders(t, st, images[3], "a1", "a2")
	held := must(whole(st).Read().Images.Holders(t.Context(), []domain.ImageID{images[2].ID}))(t)
	wantSame(t, "what a1 holds of c", held[images[2].ID][0], want[1])
	if n := len(installed(t, st, "a2")); n != 4 {
		t.Errorf("a2 holds %d images, want its 4", n)
	}
}

func inventoryEmpties(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	if a := AddAgent(t, st, domain.Agent{Status: domain.AgentOffline}); !a.InventoryAt.IsZero() {
		t.Errorf("a new agent has an inventory of %s", a.InventoryAt)
	}
	Install(t, st, "a1", img)
	wantSame(t, "the change", replaceAt(t, st, Now, "a1", domain.Inventory{}), domain.InventoryChange{Removed: 1})
	if left := installed(t, st, "a1"); len(left) != 0 {
		t.Errorf("a1 still holds %v", left)
	}
	checkHolders(t, st, img)
	if a := agentNow(t, st, "a1"); a.Status != domain.AgentOnline || !a.InventoryAt.Equal(Now) || a.InventoryAt.Location() != time.UTC {
		t.Errorf("the agent is %s with an inventory of %s", a.Status, a.InventoryAt)
	}
}

func inventoryOutdated(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	AddAgent(t, st, domain.Agent{})
	replaceAt(t, st, Now, "a1", inventory(img))
	_, err := tryReplace(t, st, Now.Add(-time.Microsecond), "a1", domain.Inventory{})
	wantError(t, "an older inventory", err, domain.CodeConflict, "inventory_outdated")
	checkHolders(t, st, img, "a1")
	if a := agentNow(t, st, "a1"); !a.InventoryAt.Equal(Now) {
		t.Errorf("the inventory is of %s", a.InventoryAt)
	}
	replaceAt(t, st, Now, "a1", domain.Inventory{}) // of the same moment: the later word counts
	checkHolders(t, st, img)
}

func inventoryStale(t *testing.T, st repository.Store) {
	img := AddImage(t, st, AddRegistry(t, st, Registry{Global: true}), domain.Image{})
	for _, id := range []domain.AgentID{"a1", "a2"} {
		AddAgent(t, st, domain.Agent{ID: id})
		Install(t, st, id, img)
	}
	inv := inventory(img)
	inv.Images[0].Digest = digestOf("older")
	replaceAt(t, st, Now, "a1", inv)
	checkHolders(t, st, img, "a1", "a2")
	check := func(want ...bool) {
		t.Helper()
		held := must(whole(st).Read().Images.Holders(t.Context(), []domain.ImageID{img.ID}))(t)[img.ID]
		for i, id := range []domain.AgentID{"a1", "a2"} {
			if got := installed(t, st, id)[0].Stale; got != want[i] || held[i].Stale != want[i] {
				t.Errorf("%s is stale: %t, %t; want %t", id, got, held[i].Stale, want[i])
			}
		}
	}
	check(true, false)
	row := seen(must(root(st).Read().Registries.Get(t.Context(), img.RegistryID))(t), domain.Image{ConfigDigest: digestOf("older")})
	syncAs(t, root(st), row) // the catalogue changes its mind
	check(false, true)
}

func inventoryOfAnything(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{})
	inv := domain.Inventory{Images: []domain.InventoryImage{
		{Canonical: "unknown.example.org/x:1", Architecture: "x86_64", Digest: digestOf("x")},
		{Canonical: "unknown.example.org/x:1", Architecture: "aarch64"},
		{Canonical: "unknown.example.org/X:1", Architecture: "x86_64"},
		{Canonical: "it's \\ 100% _?", Architecture: "", Containers: []string{"", "é\n"}},
		{Canonical: "broken\xff\x00", Architecture: "\x00", Containers: []string{"\x00"}},
	}}
	wantSame(t, "the change", replaceAt(t, st, Now, "a1", inv), domain.InventoryChange{Added: 5})
	for _, i := range installed(t, st, "a1") {
		if i.Stale {
			t.Errorf("%s is stale, though the catalogue does not know it", i.Canonical)
		}
	}
	inv.Images = append(inv.Images, inv.Images[:2]...) // twice is once
	replaceAt(t, st, Now, "a1", inv)
	if n := len(installed(t, st, "a1")); n != 5 {
		t.Errorf("a1 holds %d images, want 5", n)
	}
	many := domain.Inventory{}
	for i := range 1200 {
		many.Images = append(many.Images, domain.InventoryImage{Canonical: fmt.Sprintf("x/y:%d", i), Architecture: "x86_64"})
	}
	wantSame(t, "the change", replaceAt(t, st, Now, "a1", many), domain.InventoryChange{Added: 1200, Removed: 5})
	if n := len(installed(t, st, "a1")); n != 1200 {
		t.Errorf("a1 holds %d images, want 1200", n)
	}
}

func inventoryAndSave(t *testing.T, st repository.Store) {
	a := AddAgent(t, st, domain.Agent{})
	replaceAt(t, st, Now.Add(time.Hour), "a1", domain.Inventory{})
	if got := agentNow(t, st, "a1"); got.Revision != a.Revision {
		t.Errorf("an inventory raised the revision to %d: whoever keeps a client by it would open a new one", got.Revision)
	}
	must(saveAgent(t, st, Now, a))(t) // read before the inventory
	if got := agentNow(t, st, "a1"); !got.InventoryAt.Equal(Now.Add(time.Hour)) {
		t.Errorf("Save set the time of the inventory to %s", got.InventoryAt)
	}
}

func holdAndDrop(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{}, domain.Image{Architecture: "aarch64"})
	AddAgent(t, st, domain.Agent{})
	for i, img := range images {
		for range 2 {
			Install(t, st, "a1", img)
			checkHolders(t, st, img, "a1")
		}
		if n := len(installed(t, st, "a1")); n != i+1 {
			t.Errorf("a1 holds %d images, want %d", n, i+1)
		}
	}
	newer := inventory(images[0]).Images
	newer[0].Digest, newer[0].SizeBytes = digestOf("newer"), 7
	later := Now.Add(time.Hour)
	err := tryAgents(t, st, later, func(ctx context.Context, agents repository.AdminAgentRepository) error {
		return agents.Hold(ctx, "a1", newer)
	})
	if err != nil {
		t.Fatal(err)
	}
	held := must(whole(st).Read().Images.Holders(t.Context(), sortedIDs(images...)))(t)
	if h := held[images[0].ID][0]; !h.Stale || h.SizeBytes != 7 || !h.ObservedAt.Equal(later) {
		t.Errorf("after a newer pull it is %+v", h)
	}
	if h := held[images[1].ID][0]; h.Stale || !h.ObservedAt.Equal(Now) {
		t.Errorf("the other architecture is %+v", h)
	}
	for range 2 {
		err := tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
			return agents.Drop(ctx, "a1", inventory(images[0]).Images)
		})
		if err != nil {
			t.Fatal(err)
		}
		checkHolders(t, st, images[0])
		checkHolders(t, st, images[1], "a1")
	}
	err = tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
		twice := inventory(images[0], images[0]).Images
		if err := agents.Hold(ctx, "a1", twice); err != nil {
			return err
		}
		if err := agents.Hold(ctx, "a1", nil); err != nil {
			return err
		}
		return agents.Drop(ctx, "a1", nil)
	})
	if err != nil {
		t.Errorf("an image that is named twice, and none: %v", err)
	}
	checkHolders(t, st, images[0], "a1")
}

func unheldByAgents(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{}, domain.Image{Architecture: "aarch64"})
	for _, id := range []domain.AgentID{"a1", "a2", "a3"} {
		AddAgent(t, st, domain.Agent{ID: id})
		Install(t, st, id, images...)
	}
	for _, gone := range [][]domain.AgentID{{"a1", "a3", "unknown"}, {"a1"}, nil} {
		mustTx(t, as(st, domain.ReachVisible, alice), func(ctx context.Context, tx repository.View) error {
			return tx.Images.Unheld(ctx, images[0].ID, gone)
		})
		checkHolders(t, st, images[0], "a2")
		checkHolders(t, st, images[1], "a1", "a2", "a3")
	}
}

func holdersOfMany(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a"}, domain.Image{Name: "b"}, domain.Image{Name: "c"}, domain.Image{Name: "d"})
	for _, id := range []domain.AgentID{"a2", "B", "a1", "a10"} {
		AddAgent(t, st, domain.Agent{ID: id})
		Install(t, st, id, images[0])
	}
	Install(t, st, "a1", images[1], images[3])
	ids := []domain.ImageID{images[2].ID, images[1].ID, images[0].ID, domain.NewID[domain.ImageID](), ""}
	held := must(whole(st).Read().Images.Holders(t.Context(), ids))(t)
	if len(held) != 2 || len(held[images[1].ID]) != 1 {
		t.Errorf("Holders has %d images: %v", len(held), held)
	}
	checkHolders(t, st, images[0], "B", "a1", "a10", "a2")
	if none := must(whole(st).Read().Images.Holders(t.Context(), nil))(t); len(none) != 0 {
		t.Errorf("Holders of nothing = %v", none)
	}
}
