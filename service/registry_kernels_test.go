package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/kernels"
)

func TestPublishedImagesAreScannedWhateverTheirNamesAndLabelsSay(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	published := kernels.Published()
	require.Len(t, published, 409)
	for _, k := range published {
		f.registries[fleetHost].Push(porttest.RegistryContent{
			Repository: k.Repository, Tags: []string{k.Tag},
			Images: []porttest.RegistryImage{{Architecture: "amd64", Labels: k.Labels, Content: k.Repository + ":" + k.Tag}},
		})
	}
	p := &fleetProgress{tb: t}
	res, err := f.RescanImages(domain.WithProgress(f.root, p.report), actions.RescanImagesAction{})
	require.NoError(t, err)
	scan := res.Registries[0]
	fleetAddsUp(t, scan)
	// 404 legal names, four illegal tags, and one repository with a capital.
	require.Equal(t, "complete=true seen=409 added=404 updated=0 unchanged=0 skipped=1 failed=4 gone=0", fleetAccount(scan))
	require.Equal(t, map[string]string{
		fleetHost + "/mlperf:1.1-py36-cuda10~":            "tag_invalid",
		fleetHost + "/python-cntk:-debian":                "tag_invalid",
		fleetHost + "/python-cntk:-ubuntu":                "tag_invalid",
		fleetHost + "/vendor-benchmark:19.05-py3-minigo~": "tag_invalid",
		fleetHost + `/"vendor-spectraVis"`:                "repository_invalid",
	}, fleetReasons(scan.Errors))
	require.Equal(t, [2]int64{408, 408}, p.last())

	require.Equal(t, "complete=true seen=409 added=0 updated=0 unchanged=404 skipped=1 failed=4 gone=0", f.scanned())
	list, err := f.ListImages(f.root, actions.ListImagesAction{Page: domain.Page{Limit: 1000, Count: true}})
	require.NoError(t, err)
	require.Len(t, list.Images, 404)
	require.Equal(t, 404, *list.Total)
	cuda := 0
	for i, img := range list.Images {
		require.NotEmpty(t, img.HumanizedName())
		require.GreaterOrEqual(t, len(img.ResourceLimits()), 2, "cpu and mem at least")
		if len(img.Accelerators) > 0 {
			cuda++
		}
		if i%10 == 0 {
			_, err := f.GetImage(f.root, actions.GetImageAction{Reference: img.Canonical()})
			require.NoError(t, err, img.Canonical())
		}
	}
	found, err := f.ListImages(f.root, actions.ListImagesAction{
		ImageQuery: domain.ImageQuery{Where: domain.Where("accelerator", domain.Eq, "cuda")}, Page: domain.Page{Limit: 1, Count: true},
	})
	require.NoError(t, err)
	require.Equal(t, cuda, *found.Total)
}

func fleetReasons(list []actions.ScanError) map[string]string {
	reasons := map[string]string{}
	for _, e := range list {
		reasons[e.On] = e.Problem.Reason
	}
	return reasons
}

func TestNamesThatDisappearTakeNoIllegalOneWithThem(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("a:1")[0]
	f.push("a:-illegal~")
	f.registries[fleetHost].Remove("a", "1")
	require.Equal(t, "complete=true seen=1 added=0 updated=0 unchanged=0 skipped=0 failed=1 gone=1", f.scanned())
	f.requireStatus(img.ID, domain.ImageMissing)
}

func TestLabelsThatNoDatabaseHoldsBreakNoScan(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	c := fleetContent("a:1", "", "amd64")
	c.Images[0].Labels = map[string]string{"nul\x00": "\x00", "utf8": "\xff\xfe", "": "empty", "ok": "yes", "ai.backend.resource.min.cpu": "", "ai.backend.kernelspec": "x"}
	f.registries[fleetHost].Push(c)
	f.push("a:2")
	require.Equal(t, "complete=true seen=2 added=2 updated=0 unchanged=0 skipped=0 failed=0 gone=0", f.scanned())
	res, err := f.ScanImage(f.root, actions.ScanImageAction{Reference: fleetHost + "/a:1"})
	require.NoError(t, err)
	require.NotEmpty(t, res.LabelProblems)
	for _, p := range res.LabelProblems {
		require.Equal(t, "label_invalid", p.Reason)
	}
	got, err := f.GetImage(f.root, actions.GetImageAction{Reference: fleetHost + "/a:1"})
	require.NoError(t, err)
	require.Equal(t, "yes", got.Image.Labels["ok"])
	require.Len(t, f.rows(), 2)

	revision := got.Image.Revision
	f.rescan()
	f.scan(fleetHost + "/a:1")
	again, err := f.GetImage(f.root, actions.GetImageAction{Reference: fleetHost + "/a:1"})
	require.NoError(t, err)
	require.Equal(t, revision, again.Image.Revision, "the same labels are no change")
}
