package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// scanned is the account of the one registry.
func (f *fleet) scanned() string {
	f.tb.Helper()
	return fleetAccount(f.rescan()[0])
}

func TestARescanReconcilesTheCatalogueWithTheRegistry(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	reg := f.register(fleetHost, "")
	f.push("a/app:1", "amd64", "arm64")
	f.push("a/app:2")
	f.push("b:latest")
	f.registries[fleetHost].Push(porttest.RegistryContent{
		Repository: "b", Tags: []string{"signed"}, Index: true,
		Images: []porttest.RegistryImage{{Architecture: "amd64"}, {Attestation: true}, {OS: "windows", Architecture: "amd64"}},
	})

	scans := f.rescan()
	require.Len(t, scans, 1)
	require.Equal(t, reg.ID, scans[0].RegistryID)
	require.Equal(t, fleetHost, scans[0].Registry)
	require.Empty(t, scans[0].Errors)
	require.Equal(t, "complete=true seen=7 added=5 updated=0 unchanged=0 skipped=2 failed=0 gone=0", fleetAccount(scans[0]))

	f.registries[fleetHost].Push(fleetContent("a/app:2", "moved", "amd64")) // a tag moves
	f.push("a/app:1", "amd64")                                              // an architecture goes
	f.registries[fleetHost].Remove("b", "latest")                           // a tag goes
	f.push("c:new", "arm")                                                  // a repository comes
	require.Equal(t, "complete=true seen=4 added=1 updated=2 unchanged=1 skipped=0 failed=0 gone=2", f.scanned())
}

func TestATagThatMovedIsTheSameRow(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	moved := f.registries[fleetHost].Push(fleetContent("app:1", "newer", "amd64"))
	require.Equal(t, "complete=true seen=1 added=0 updated=1 unchanged=0 skipped=0 failed=0 gone=0", f.scanned())
	now := f.stored(img.ID)
	require.Equal(t, moved.Digest, now.TagDigest)
	require.Equal(t, moved.Images[0].ManifestDigest, now.ManifestDigest)
	require.Equal(t, moved.Images[0].ConfigDigest, now.ConfigDigest)
	require.Equal(t, moved.Images[0].SizeBytes, now.SizeBytes)
	require.Equal(t, img.Revision+1, now.Revision)
}

func TestAnArchitectureThatAnIndexNoLongerHasIsMissing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	f.push("app:1", "amd64") // now a plain manifest
	require.Equal(t, "complete=true seen=1 added=0 updated=1 unchanged=0 skipped=0 failed=0 gone=1", f.scanned())
	for _, row := range rows {
		f.requireStatus(row.ID, map[string]domain.ImageStatus{"x86_64": domain.ImageAlive, "aarch64": domain.ImageMissing}[row.Architecture])
	}
	f.push("app:1", "amd64", "arm64")
	require.Equal(t, "complete=true seen=2 added=0 updated=2 unchanged=0 skipped=0 failed=0 gone=0", f.scanned())
	for _, row := range rows {
		f.requireStatus(row.ID, domain.ImageAlive)
	}
}

func TestATagThatIsNoImageAnyMoreLeavesItsRowsMissing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.registries[fleetHost].Push(porttest.RegistryContent{
		Repository: "app", Tags: []string{"1"}, Index: true, Images: []porttest.RegistryImage{{Attestation: true}},
	})
	require.Equal(t, "complete=true seen=1 added=0 updated=0 unchanged=0 skipped=1 failed=0 gone=1", f.scanned())
	f.requireStatus(img.ID, domain.ImageMissing)
}

func TestAnEmptyIndexLeavesItsRowsMissing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.registries[fleetHost].Push(porttest.RegistryContent{Repository: "app", Tags: []string{"1"}, Index: true})
	require.Equal(t, 1, f.rescan()[0].Gone)
	f.requireStatus(img.ID, domain.ImageMissing)
}

func TestAMissingImageComesBackAsItWas(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("app", img.Canonical())
	_, err := f.modify(img.Canonical(), actions.ImageModifier{Labels: domain.Set(map[string]string{"team": "ops"})})
	require.NoError(t, err)
	_, err = f.limit("cpu", "8", "")
	require.NoError(t, err)
	used := img.CreatedAt.Add(time.Hour)
	_, err = f.RecordImageUse(f.root, actions.RecordImageUseAction{Reference: "app", At: used})
	require.NoError(t, err)

	f.registries[fleetHost].Remove("app", "1")
	require.Equal(t, "complete=true seen=0 added=0 updated=0 unchanged=0 skipped=0 failed=0 gone=1", f.scanned())
	f.requireStatus(img.ID, domain.ImageMissing)
	require.Equal(t, "complete=true seen=0 added=0 updated=0 unchanged=0 skipped=0 failed=0 gone=0", f.scanned(), "gone once")

	f.push("app:1")
	require.Equal(t, "complete=true seen=1 added=0 updated=1 unchanged=0 skipped=0 failed=0 gone=0", f.scanned())
	now := f.stored(img.ID)
	require.Equal(t, domain.ImageAlive, now.Status)
	require.Equal(t, []string{"app"}, now.Aliases)
	require.Equal(t, map[string]string{"team": "ops"}, now.OperatorLabels)
	require.Equal(t, domain.Limits{"cpu": {Min: "8"}}, now.CustomLimits)
	require.Equal(t, used, now.LastUsedAt)
	require.Equal(t, img.CreatedAt, now.CreatedAt)
}

func TestARescanOfWhatIsKnownWritesNothingAndAsksOncePerTag(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	for _, name := range []string{"a:1", "a:2", "b:1"} {
		f.push(name, "amd64", "arm64")
	}
	f.rescan()
	forgotten := f.scan(fleetHost + "/b:1")[0]
	f.inStatus(forgotten, domain.ImageForgotten)
	before, asked, seen := f.rows(), len(f.registries[fleetHost].Calls(porttest.OpDescribe)), len(f.registries[fleetHost].Requests())

	require.Equal(t, "complete=true seen=6 added=0 updated=0 unchanged=6 skipped=0 failed=0 gone=0", f.scanned())
	require.Equal(t, before, f.rows(), "also the revisions and times")
	require.Len(t, f.registries[fleetHost].Calls(porttest.OpDescribe)[asked:], 3)
	for _, request := range f.registries[fleetHost].Requests()[seen:] {
		require.True(t, strings.HasPrefix(request, "HEAD "), request)
	}
}

// rows is every image as it is stored.
func (f *fleet) rows() []domain.ImageDetail {
	f.tb.Helper()
	res, err := f.ListImages(f.root, actions.ListImagesAction{
		ImageQuery: domain.ImageQuery{Statuses: domain.ImageStatuses()}, Page: domain.Page{Limit: domain.MaxPageSize},
	})
	require.NoError(f.tb, err)
	return res.Images
}

func TestARepositoryThatTheRegistryNoLongerListsIsMissing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("a:1")[0], f.image("b:1")[0]
	f.registries[fleetHost].Remove("a", "")
	require.Equal(t, "complete=true seen=1 added=0 updated=0 unchanged=1 skipped=0 failed=0 gone=1", f.scanned())
	f.requireStatus(one.ID, domain.ImageMissing)
	f.requireStatus(two.ID, domain.ImageAlive)
}

func TestARepositoryThatIsListedAndNotThereIsEmpty(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("a:1")[0], f.image("b:1")[0]
	hub := f.registries[fleetHost]
	hub.SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpTags && key == "a" { // the catalog of a registry lags behind
			hub.Remove("a", "")
		}
		return nil
	})
	require.Equal(t, "complete=true seen=1 added=0 updated=0 unchanged=1 skipped=0 failed=0 gone=1", f.scanned())
	f.requireStatus(one.ID, domain.ImageMissing)
	f.requireStatus(two.ID, domain.ImageAlive)
}

func TestNestedProjectsHaveTheirImagesOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	outer, inner, sibling := f.register(fleetHost, "a"), f.register(fleetHost, "a/b"), f.register(fleetHost, "a/bb")
	for _, name := range []string{"a/x:1", "a/b/x:1", "a/b/c/x:1", "a/bb/x:1", "ab/x:1", "z:1"} {
		f.push(name)
	}
	for range 2 {
		scans := f.rescan()
		require.Len(t, scans, 3)
		require.Equal(t, []string{fleetHost + "/a", fleetHost + "/a/b", fleetHost + "/a/bb"}, []string{scans[0].Registry, scans[1].Registry, scans[2].Registry})
		require.Equal(t, []int{1, 2, 1}, []int{scans[0].Seen, scans[1].Seen, scans[2].Seen})
	}
	owners := map[string]domain.RegistryID{}
	for _, row := range f.rows() {
		owners[row.Repository()] = row.RegistryID
		require.Equal(t, domain.ImageAlive, row.Status)
	}
	require.Equal(t, map[string]domain.RegistryID{"a/x": outer.ID, "a/b/x": inner.ID, "a/b/c/x": inner.ID, "a/bb/x": sibling.ID}, owners)

	// One of them alone leaves those of the others as they are.
	project := "a"
	res, err := f.RescanImages(f.root, actions.RescanImagesAction{Registry: fleetHost, Project: &project})
	require.NoError(t, err)
	require.Equal(t, "complete=true seen=1 added=0 updated=0 unchanged=1 skipped=0 failed=0 gone=0", fleetAccount(res.Registries[0]))
}

func TestAProjectThatIsRegisteredLaterTakesItsImagesOver(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	img := f.image("a/x:1")[0]
	inner := f.register(fleetHost, "a")
	whole := ""
	res, err := f.RescanImages(f.root, actions.RescanImagesAction{Registry: fleetHost, Project: &whole})
	require.NoError(t, err)
	require.Zero(t, res.Registries[0].Gone, "the listing has it")
	f.requireStatus(img.ID, domain.ImageAlive)
	f.rescan()
	now := f.stored(img.ID)
	require.Equal(t, domain.ImageAlive, now.Status)
	require.Equal(t, inner.ID, now.RegistryID)
	require.Equal(t, [2]string{"a", "x"}, [2]string{now.Project, now.Name})
	require.Equal(t, img.Canonical(), now.Canonical())
}

func TestARescanCanBeOfOneRegistry(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.register(fleetHost, ""), f.register("other.example.org", "")
	f.push("a:1")
	for name, want := range map[string]domain.RegistryID{fleetHost: one.ID, "other.example.org": two.ID, string(two.ID): two.ID} {
		res, err := f.RescanImages(f.root, actions.RescanImagesAction{Registry: name})
		require.NoError(t, err)
		require.Len(t, res.Registries, 1)
		require.Equal(t, want, res.Registries[0].RegistryID)
	}
	for _, name := range []string{"cr.example", "cr.example.org2", string(domain.NewID[domain.RegistryID]())} { // a prefix is not a name
		_, err := f.RescanImages(f.root, actions.RescanImagesAction{Registry: name})
		fleetError(t, err, domain.CodeNotFound, "registry_not_found")
		require.Equal(t, name, domain.OnOf(err))
	}
	project := "nowhere"
	_, err := f.RescanImages(f.root, actions.RescanImagesAction{Registry: fleetHost, Project: &project})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
}
