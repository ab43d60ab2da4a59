package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestForgettingNeedsToKnowWhichArchitecture(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	for _, do := range []func(arch string) error{
		func(arch string) error {
			_, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: fleetHost + "/app:1", Architecture: arch})
			return err
		},
		func(arch string) error {
			_, err := f.RestoreImage(f.root, actions.RestoreImageAction{Reference: fleetHost + "/app:1", Architecture: arch})
			return err
		},
	} {
		fleetError(t, do(""), domain.CodeInvalid, "architecture_ambiguous")
		fleetError(t, do("riscv64"), domain.CodeNotFound, "image_not_found")
		fleetError(t, do("not an architecture"), domain.CodeInvalid, "architecture_invalid")
		require.NoError(t, do("amd64"))
	}
	_, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: fleetHost + "/app:1", Architecture: "aarch64"})
	require.NoError(t, err)
	for _, row := range rows {
		f.requireStatus(row.ID, map[string]domain.ImageStatus{"aarch64": domain.ImageForgotten, "x86_64": domain.ImageAlive}[row.Architecture])
	}

	// Reading takes the default; the other one is a name away.
	res, err := f.GetImage(f.root, actions.GetImageAction{Reference: fleetHost + "/app:1", Statuses: domain.ImageStatuses()})
	require.NoError(t, err)
	require.Equal(t, "x86_64", res.Image.Architecture)
}

func TestAnImageCanBeForgottenByItsDigest(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for _, d := range []domain.Digest{img.TagDigest, img.ManifestDigest, img.ConfigDigest} {
		res, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: fleetHost + "/app@" + d.String()})
		require.NoError(t, err)
		require.Equal(t, img.ID, res.Image.ID)
	}
	_, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: fleetHost + "/other@" + img.TagDigest.String()})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
}

func TestManyImagesAreForgottenEachForItself(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("app:1")[0], f.inStatus(f.image("app:2")[0], domain.ImageForgotten)
	absent := domain.NewID[domain.ImageID]()
	ids := []domain.ImageID{absent, one.ID, two.ID, one.ID}

	dry, err := f.ForgetImages(f.root, actions.ForgetImagesAction{ImageIDs: ids, DryRun: true})
	require.NoError(t, err)
	require.True(t, dry.DryRun)
	require.Equal(t, []bool{false, true, false, true}, []bool{dry.Outcomes[0].Changed, dry.Outcomes[1].Changed, dry.Outcomes[2].Changed, dry.Outcomes[3].Changed})
	f.requireStatus(one.ID, domain.ImageAlive)

	res, err := f.ForgetImages(f.root, actions.ForgetImagesAction{ImageIDs: ids})
	require.NoError(t, err)
	require.Len(t, res.Outcomes, 4)
	for i, id := range ids {
		require.Equal(t, id, res.Outcomes[i].ImageID, "in the order asked")
	}
	require.Equal(t, domain.CodeNotFound, res.Outcomes[0].Problem.Code)
	require.Equal(t, string(absent), res.Outcomes[0].Problem.On)
	require.Nil(t, res.Outcomes[0].Image)
	require.True(t, res.Outcomes[1].Changed)
	require.Equal(t, domain.ImageForgotten, res.Outcomes[1].Image.Status)
	require.False(t, res.Outcomes[2].Changed)
	require.False(t, res.Outcomes[3].Changed, "the second mention finds it done")

	entries := f.audit("image.forget_many")
	require.Len(t, entries, 1, "one call, one entry")
	require.Equal(t, []string{string(one.ID)}, entries[0].Target, "what it changed")
}

func TestADryRunOfForgettingTellsAndLeaves(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	res, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: img.Canonical(), DryRun: true})
	require.NoError(t, err)
	require.True(t, res.Changed && res.DryRun)
	require.Equal(t, domain.ImageForgotten, res.Image.Status)
	require.Equal(t, img, f.stored(img.ID).Image)
	require.Empty(t, f.audit("image.forget"), "nothing happened, so there is nothing to tell")
}

func TestARegistryIsClearedAsAWhole(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	whole, part := f.register(fleetHost, ""), f.register(fleetHost, "part")
	alive, missing := f.image("app:1")[0], f.image("app:2")[0]
	forgotten, other := f.inStatus(f.image("app:3")[0], domain.ImageForgotten), f.image("part/app:1")[0]
	require.Equal(t, part.ID, other.RegistryID)
	f.inStatus(missing, domain.ImageMissing)

	dry, err := f.ClearImages(f.root, actions.ClearImagesAction{Registry: string(whole.ID), DryRun: true})
	require.NoError(t, err)
	require.Equal(t, 2, dry.Cleared)
	f.requireStatus(alive.ID, domain.ImageAlive)

	none := ""
	res, err := f.ClearImages(f.root, actions.ClearImagesAction{Registry: fleetHost, Project: &none})
	require.NoError(t, err)
	require.Equal(t, 2, res.Cleared)
	for _, img := range []domain.Image{alive, missing, forgotten} {
		f.requireStatus(img.ID, domain.ImageForgotten)
	}
	f.requireStatus(other.ID, domain.ImageAlive)

	res, err = f.ClearImages(f.root, actions.ClearImagesAction{Registry: fleetHost})
	require.NoError(t, err)
	require.Equal(t, 1, res.Cleared, "without a project: every registration of the host")
	_, err = f.ClearImages(f.root, actions.ClearImagesAction{Registry: "nowhere.example.org"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")

	require.Equal(t, 0, f.rescan()[0].Added)
	f.requireStatus(alive.ID, domain.ImageForgotten)
}

func TestUseIsNotedAndNeverGoesBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	require.Zero(t, img.LastUsedAt)
	late := img.CreatedAt.AddDate(1, 0, 0)
	for _, c := range []struct{ at, want int }{{2, 2}, {1, 2}, {3, 3}} {
		res, err := f.RecordImageUse(f.root, actions.RecordImageUseAction{Reference: "cr.example.org/app:1", At: late.AddDate(0, 0, c.at)})
		require.NoError(t, err)
		require.Equal(t, img.ID, res.ImageID)
		require.Equal(t, late.AddDate(0, 0, c.want), res.LastUsedAt)
		require.Equal(t, late.AddDate(0, 0, c.want), f.stored(img.ID).LastUsedAt)
	}
	f.registries[fleetHost].Push(fleetContent("app:1", "newer", "amd64"))
	f.rescan()
	require.Equal(t, late.AddDate(0, 0, 3), f.stored(img.ID).LastUsedAt, "a rescan keeps it")
	require.Equal(t, img.ID, f.stored(img.ID).ID)

	f.image("app:2", "amd64", "arm64")
	_, err := f.RecordImageUse(f.root, actions.RecordImageUseAction{Reference: "cr.example.org/app:2"})
	fleetError(t, err, domain.CodeInvalid, "architecture_ambiguous")
	now, err := f.RecordImageUse(f.root, actions.RecordImageUseAction{Reference: "cr.example.org/app:2", Architecture: "amd64"})
	require.NoError(t, err)
	require.False(t, now.LastUsedAt.IsZero(), "without a time it is now")
}

func TestInstalledAgentsAreToldByImage(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two, three := f.image("app:1")[0], f.image("app:2")[0], f.image("app:3")[0]
	f.node("a", "x86_64", one, two)
	f.node("b", "x86_64", two)
	old := two
	old.ConfigDigest = porttest.DigestOf("older")
	f.node("c", "x86_64", old)

	res, err := f.GetImageInstalledAgents(f.root, actions.GetImageInstalledAgentsAction{
		ImageIDs: []domain.ImageID{one.ID, two.ID, three.ID, domain.NewID[domain.ImageID]()},
	})
	require.NoError(t, err)
	require.Len(t, res.Agents, 2, "what nobody holds is not in it")
	require.Len(t, res.Agents[one.ID], 1)
	require.Equal(t, []string{"a false", "b false", "c true"}, fleetSorted(res.Agents[two.ID], func(i domain.InstalledImage) string {
		return string(i.AgentID) + map[bool]string{true: " true", false: " false"}[i.Stale]
	}), "another digest is stale and not absent")
	require.Equal(t, 3, f.stored(two.ID).InstalledCount)

	f.agents["b"] = porttest.NewAgent(f.shelf)
	_, err = f.again().ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "b"})
	require.NoError(t, err)
	require.Equal(t, 2, f.stored(two.ID).InstalledCount, "an empty inventory empties it")
	list, err := f.ListImages(f.root, actions.ListImagesAction{ImageQuery: domain.ImageQuery{Where: domain.Where("agent", domain.Eq, "b")}})
	require.NoError(t, err)
	require.Empty(t, list.Images)
}
