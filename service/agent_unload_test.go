package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func (f *fleet) unload(a actions.UnloadImagesAction) actions.UnloadImagesResult {
	f.tb.Helper()
	res, err := f.UnloadImages(f.root, a)
	require.NoError(f.tb, err)
	require.Equal(f.tb, res.Account.Seen, res.Account.Done+res.Account.Unchanged+res.Account.Failed+res.Account.Deferred)
	return res
}

func TestUnloadingMakesNodesNotHoldImages(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	var intel, arm domain.Image
	for _, r := range rows {
		if r.Architecture == "x86_64" {
			intel = r
		} else {
			arm = r
		}
	}
	f.node("arm", "aarch64", arm)
	f.node("intel", "x86_64", intel, arm)
	f.node("empty", "x86_64")
	res := f.unload(actions.UnloadImagesAction{Images: fleetKey("", "cr.example.org/app:1").Images, TargetAgents: "*"})
	require.Equal(t, []string{
		"arm cr.example.org/app:1 aarch64 removed", "empty cr.example.org/app:1 x86_64 unchanged", "intel cr.example.org/app:1 x86_64 removed",
	}, fleetOutcomes(res.Outcomes))
	require.Equal(t, actions.Account{Seen: 3, Done: 2, Unchanged: 1}, res.Account)
	require.Equal(t, arm.SizeBytes, res.Outcomes[0].Bytes)
	require.Equal(t, []string{"cr.example.org/app:1 aarch64"}, f.holds("intel"), "the other architecture stays")
	require.Equal(t, f.holds("intel"), f.known("intel"))

	again := f.unload(actions.UnloadImagesAction{Images: fleetKey("", string(intel.ID)).Images, TargetAgents: "*"})
	require.Equal(t, 3, again.Account.Unchanged, "an id means its architecture on every node")
	require.Len(t, f.holds("intel"), 1)
}

func TestUnloadingCorrectsWhatTheCatalogueThinks(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	node := f.node("a", "x86_64", img)
	_, err := node.Remove(t.Context(), domain.RemoveRequest{Canonical: img.Canonical(), Architecture: "x86_64"}) // behind our back
	require.NoError(t, err)
	require.Equal(t, 1, f.stored(img.ID).InstalledCount)
	dry := f.unload(actions.UnloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "a", DryRun: true})
	require.Equal(t, 1, dry.Account.Unchanged)
	require.Equal(t, 1, f.stored(img.ID).InstalledCount, "a dry run corrects nothing")
	f.unload(actions.UnloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "a"})
	require.Equal(t, 0, f.stored(img.ID).InstalledCount)
}

func TestUnloadingKeepsWhatIsInUseUnlessForced(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	used, free := f.image("app:1")[0], f.image("app:2")[0]
	f.node("a", "x86_64", used, free).Use("session-1", used.Canonical(), "x86_64")
	request := actions.UnloadImagesAction{Images: fleetKey("", used.Canonical(), free.Canonical()).Images, TargetAgents: "a", DryRun: true}
	require.Equal(t, []string{"a " + used.Canonical() + " x86_64 failed conflict/image_in_use", "a " + free.Canonical() + " x86_64 planned"}, fleetOutcomes(f.unload(request).Outcomes))
	require.Len(t, f.holds("a"), 2)
	request.DryRun = false
	require.Equal(t, []string{"a " + used.Canonical() + " x86_64 failed conflict/image_in_use", "a " + free.Canonical() + " x86_64 removed"}, fleetOutcomes(f.unload(request).Outcomes))
	request.Force = true
	require.Equal(t, []string{"a " + used.Canonical() + " x86_64 removed", "a " + free.Canonical() + " x86_64 unchanged"}, fleetOutcomes(f.unload(request).Outcomes))
	require.Empty(t, f.holds("a"))
}

func TestUnloadingFailsOnlyWhereItFails(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	images := f.images(3)
	f.node("a", "x86_64", images...).SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpRemove && key != images[0].Canonical()+" (x86_64)" {
			return fleetVanished("a")
		}
		return nil
	})
	f.node("b", "x86_64", images...)
	res := f.unload(actions.UnloadImagesAction{Images: fleetKey("", fleetNames(images)...).Images, TargetAgents: "*"})
	require.Equal(t, actions.Account{Seen: 6, Done: 4, Deferred: 2}, res.Account)
	require.Empty(t, f.holds("b"))
	require.Len(t, f.known("a"), 2)
	entries := f.audit("agent.unload_images")
	require.Equal(t, domain.AuditOK, entries[0].Status, "the call did what it could; the outcomes say what it could not")
}
