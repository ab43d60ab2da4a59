package service_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// purgeEverywhere purges one image from its registry, the nodes and the
// catalogue.
func (f *fleet) purgeEverywhere(id domain.ImageID) (actions.PurgeImageByIDResult, error) {
	return f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: id, RemoveFromRegistry: true, RemoveFromAgents: true})
}

func TestAPurgeWorksFromTheOutsideIn(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("app", img.Canonical())
	f.node("a", "x86_64", img)
	f.node("b", "x86_64", img)

	var mu sync.Mutex
	var order []string
	note := func(step string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, step+": "+f.statusNow(img.Canonical())) // the row is there until the end
	}
	f.registries[fleetHost].SetHook(func(_ context.Context, op, _ string) error {
		if op == porttest.OpDeleteTag {
			note("registry")
		}
		return nil
	})
	for _, id := range []domain.AgentID{"a", "b"} {
		f.agents[id].SetHook(func(context.Context, string, string) error { note("node"); return nil })
	}
	res, err := f.purgeEverywhere(img.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"registry: alive", "node: missing", "node: missing"}, order)
	require.Equal(t, "absent", f.statusNow(img.Canonical()))
	require.Equal(t, []string{"app"}, res.Aliases)
	require.Equal(t, []domain.AgentID{"a", "b"}, res.RemovedFrom)
	require.Empty(t, res.HeldBy)
	require.NotNil(t, res.Untag)
	require.Empty(t, f.tags("app"))
	require.Empty(t, append(f.holds("a"), f.holds("b")...))
	require.Empty(t, append(f.known("a"), f.known("b")...))
	_, err = f.purgeEverywhere(img.ID)
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
}

func TestAPurgeOfTheRowAloneSaysWhoHoldsTheImageStill(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("b", "x86_64", img)
	f.node("a", "x86_64", img)
	res, err := f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: img.ID})
	require.NoError(t, err)
	require.Equal(t, []domain.AgentID{"a", "b"}, res.HeldBy)
	require.Empty(t, res.RemovedFrom)
	require.Nil(t, res.Untag)
	require.Len(t, f.holds("a"), 1)
	require.Equal(t, []string{"1"}, f.tags("app"))

	require.Equal(t, 1, f.rescan()[0].Added, "what stays in the registry comes back")
	require.Equal(t, 2, f.stored(f.rows()[0].ID).InstalledCount)
}

func TestAPurgeThatCannotUntagKeepsTheRow(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("a", "x86_64", img)
	f.registries[fleetHost].SetHook(fleetFailAt(porttest.OpDeleteTag, "app:1", fleetFault("app:1")))
	_, err := f.purgeEverywhere(img.ID)
	fleetError(t, err, domain.CodeUnavailable, "registry_failed")
	require.Equal(t, img, f.stored(img.ID).Image)
	require.Len(t, f.holds("a"), 1, "the nodes come after the registry")
	require.Equal(t, domain.AuditFailed, f.audit("image.purge")[0].Status)

	f.registries[fleetHost].SetHook(nil)
	_, err = f.purgeEverywhere(img.ID)
	require.NoError(t, err)
	require.Equal(t, "absent", f.statusNow(img.Canonical()))
}

func TestAPurgeThatANodeDoesNotFollowKeepsTheRow(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("a", "x86_64", img)
	f.node("b", "x86_64", img).SetHook(fleetAgentFails(fleetVanished("b")))
	f.node("c", "x86_64", img).Use("session-1", img.Canonical(), "x86_64")
	_, err := f.purgeEverywhere(img.ID)
	fleetError(t, err, domain.CodeUnavailable, "agent_unavailable")
	require.Equal(t, "b", domain.OnOf(err))
	require.Contains(t, domain.MessageOf(err), img.Canonical())
	f.requireStatus(img.ID, domain.ImageMissing) // untagged
	require.Empty(t, f.known("a"), "what went is known")
	require.Len(t, append(f.known("b"), f.known("c")...), 2)
	require.Equal(t, domain.AuditFailed, f.audit("image.purge")[0].Status)

	f.agents["b"].SetHook(nil)
	_, err = f.purgeEverywhere(img.ID)
	fleetError(t, err, domain.CodeConflict, "image_in_use")
	require.Equal(t, "c", domain.OnOf(err))
	require.Empty(t, f.known("b"))
	f.requireStatus(img.ID, domain.ImageMissing)

	res, err := f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: img.ID, RemoveFromRegistry: true, RemoveFromAgents: true, Force: true})
	require.NoError(t, err)
	require.Equal(t, []domain.AgentID{"c"}, res.RemovedFrom)
	require.Empty(t, res.Untag.Tags)
	require.Len(t, f.registries[fleetHost].Calls(porttest.OpDeleteTag), 1, "a step that is done is not done again")
	require.Equal(t, "absent", f.statusNow(img.Canonical()))
}

func TestANodeThatLostTheImageIsNoObstacle(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	node := f.node("a", "x86_64", img)
	_, err := node.Remove(t.Context(), domain.RemoveRequest{Canonical: img.Canonical(), Architecture: "x86_64"})
	require.NoError(t, err)
	res, err := f.purgeEverywhere(img.ID)
	require.NoError(t, err)
	require.Equal(t, []domain.AgentID{"a"}, res.RemovedFrom)
}

func TestADryRunOfAPurgeTouchesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	_, err := f.AliasImageByID(f.root, actions.AliasImageByIDAction{Alias: "app", ImageID: rows[0].ID})
	require.NoError(t, err)
	f.node("a", rows[0].Architecture, rows[0])
	before := f.rows()
	res, err := f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: rows[0].ID, RemoveFromRegistry: true, RemoveFromAgents: true, DryRun: true})
	require.NoError(t, err)
	require.True(t, res.DryRun)
	require.Equal(t, []string{"app"}, res.Aliases)
	require.Equal(t, []domain.AgentID{"a"}, res.RemovedFrom)
	require.Equal(t, []domain.ImageID{rows[1].ID}, res.Untag.Siblings)
	require.Contains(t, res.Untag.Protected, rows[1].Architecture)
	require.Equal(t, before, f.rows())
	require.Equal(t, []string{"1"}, f.tags("app"))
	require.Empty(t, f.agents["a"].Calls(porttest.OpRemove))
	require.Empty(t, f.registries[fleetHost].Calls(porttest.OpDeleteTag))
}

func TestAPurgeOfOneArchitectureRespectsTheOthers(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	_, err := f.purgeEverywhere(rows[0].ID)
	fleetError(t, err, domain.CodePrecondition, "siblings_share_tag")
	f.requireStatus(rows[0].ID, domain.ImageAlive)
	_, err = f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: rows[0].ID, RemoveFromRegistry: true, Force: true})
	require.NoError(t, err)
	f.requireStatus(rows[1].ID, domain.ImageMissing)
	require.Len(t, f.rows(), 1)
}

func TestAPurgeIsOfAnyStatus(t *testing.T) {
	t.Parallel()
	for _, status := range domain.ImageStatuses() {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.inStatus(f.image("app:1")[0], status)
			f.image("app:2")
			asked := len(f.registries[fleetHost].Calls(porttest.OpDescribe))
			_, err := f.purgeEverywhere(img.ID)
			require.NoError(t, err)
			if status == domain.ImageMissing {
				require.Len(t, f.registries[fleetHost].Calls(porttest.OpDescribe), asked, "a registry is not asked for what it does not have")
			}
			require.Equal(t, "absent", f.statusNow(img.Canonical()))
			require.Equal(t, []string{"2"}, f.tags("app"))
			require.Equal(t, 0, f.rescan()[0].Added)
		})
	}
}

func TestManyImagesArePurgedEachForItself(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	images := f.images(4)
	shared := f.image("multi:1", "amd64", "arm64")
	f.node("a", "x86_64", images...)
	f.registries[fleetHost].SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpDescribe && key == "app:2" {
			panic("defect")
		}
		return fleetFailAt(porttest.OpDeleteTag, "app:3", fleetFault("app:3"))(t.Context(), op, key)
	})
	absent := domain.NewID[domain.ImageID]()
	ids := []domain.ImageID{absent, images[0].ID, images[1].ID, images[2].ID, shared[0].ID, images[3].ID}
	p := &fleetProgress{tb: t}
	res, err := f.PurgeImagesByID(domain.WithProgress(f.root, p.report), actions.PurgeImagesByIDAction{ImageIDs: ids, RemoveFromRegistry: true, RemoveFromAgents: true})
	require.NoError(t, err)
	require.Equal(t, [2]int64{6, 6}, p.last())
	got := []string{}
	for i, o := range res.Outcomes {
		require.Equal(t, ids[i], o.ImageID, "in the order asked")
		require.Equal(t, o.Problem == nil, o.Purged != nil)
		if o.Problem != nil {
			require.NotEmpty(t, o.Problem.Message)
			got = append(got, string(o.Problem.Code)+"/"+o.Problem.Reason)
		} else {
			got = append(got, "purged")
		}
	}
	require.Equal(t, []string{
		"not_found/image_not_found", "purged", "internal/panic", "unavailable/registry_failed", "precondition/siblings_share_tag", "purged",
	}, got)
	require.Equal(t, []string{images[1].Canonical() + " x86_64", images[2].Canonical() + " x86_64"}, f.holds("a"))
	require.Len(t, f.rows(), 4)
	entries := f.audit("image.purge_many")
	require.Len(t, entries, 1)
	require.Subset(t, entries[0].Target, []string{string(images[0].ID), string(images[3].ID)})
	require.NotContains(t, entries[0].Target, string(images[1].ID))
	require.NotContains(t, fleetJSON(t, res), "defect")
}
