package service_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func (f *fleet) scanImage(reference, arch string) (actions.ScanImageResult, error) {
	return f.ScanImage(f.root, actions.ScanImageAction{Reference: reference, Architecture: arch})
}

func TestAScanOfAnUnknownImageRegistersIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	reg := f.register(fleetHost, "stable")
	pushed := f.push("stable/app:1", "amd64", "arm64")
	res, err := f.scanImage(fleetHost+"/stable/app:1", "")
	require.NoError(t, err)
	require.Len(t, res.Images, 2)
	for i, got := range res.Images {
		require.Equal(t, domain.SyncAdded, got.Did)
		require.Equal(t, domain.ImageAlive, got.Image.Status)
		require.Equal(t, reg.ID, got.Image.RegistryID)
		require.Equal(t, [3]string{"stable", "app", "1"}, [3]string{got.Image.Project, got.Image.Name, got.Image.Tag})
		require.Equal(t, pushed.Digest, got.Image.TagDigest)
		require.Equal(t, pushed.Images[i].ConfigDigest, got.Image.ConfigDigest)
		require.Equal(t, got.Image, f.stored(got.Image.ID).Image)
	}

	again, err := f.scanImage(fleetHost+"/stable/app:1", "")
	require.NoError(t, err)
	require.Equal(t, domain.SyncUnchanged, again.Images[0].Did)
	require.Equal(t, res.Images[0].Image, again.Images[0].Image)
}

func TestAScanTakesAnyNameOfAnImage(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("app", img.Canonical())
	f.register("docker.io", "")
	f.registries["docker.io"].Push(fleetContent("library/python:3.9", "", "amd64"))
	for name, want := range map[string]string{
		img.Canonical(): img.Canonical(), string(img.ID): img.Canonical(), "app": img.Canonical(),
		"python:3.9": "docker.io/library/python:3.9", "library/python:3.9": "docker.io/library/python:3.9",
	} {
		res, err := f.scanImage(name, "")
		require.NoError(t, err, name)
		require.Equal(t, want, res.Images[0].Image.Canonical(), name)
	}
}

func TestAScanGivesTheArchitectureThatIsAskedForAndStoresAll(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	f.push("app:1", "amd64", "arm64")
	_, err := f.scanImage(fleetHost+"/app:1", "riscv64")
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
	require.Empty(t, f.rows(), "a scan that fails stores nothing")
	res, err := f.scanImage(fleetHost+"/app:1", "arm64")
	require.NoError(t, err)
	require.Len(t, res.Images, 1)
	require.Equal(t, "aarch64", res.Images[0].Image.Architecture)
	require.Len(t, f.rows(), 2)
}

func TestAScanMarksTheArchitecturesThatTheTagNoLongerHas(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	f.push("app:1", "arm64")
	res, err := f.scanImage(fleetHost+"/app:1", "")
	require.NoError(t, err)
	require.Len(t, res.Images, 1)
	require.Len(t, res.Gone, 1)
	for _, row := range rows {
		want := map[string]domain.ImageStatus{"x86_64": domain.ImageMissing, "aarch64": domain.ImageAlive}[row.Architecture]
		f.requireStatus(row.ID, want)
		require.Equal(t, want == domain.ImageMissing, row.ID == res.Gone[0])
	}
}

func TestAScanSaysWhatItPassedOver(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	f.registries[fleetHost].Push(porttest.RegistryContent{Repository: "app", Tags: []string{"1"}, Index: true, Images: []porttest.RegistryImage{
		{Architecture: "amd64", Labels: map[string]string{"ai.backend.resource.min.cpu": "many"}}, {Attestation: true}, {OS: "windows", Architecture: "amd64"},
	}})
	res, err := f.scanImage(fleetHost+"/app:1", "")
	require.NoError(t, err)
	require.Len(t, res.Images, 1)
	require.Equal(t, []string{"attestation", "foreign_os"}, fleetSorted(res.Skipped, func(s domain.SkippedManifest) string { return s.Reason }))
	require.Equal(t, "ai.backend.resource.min.cpu", res.LabelProblems[0].On)
}

func TestAScanThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.register("part.example.org", "inside")
	for name, c := range map[string]struct {
		reference string
		code      domain.Code
		reason    string
	}{
		"a registry that is not registered":   {"nowhere.example.org/app:1", domain.CodeNotFound, "registry_not_found"},
		"a project that is not registered":    {"part.example.org/outside/app:1", domain.CodeNotFound, "registry_not_found"},
		"a project that only starts alike":    {"part.example.org/insider/app:1", domain.CodeNotFound, "registry_not_found"},
		"a tag that the registry has not":     {fleetHost + "/app:2", domain.CodeNotFound, "tag_not_found"},
		"a repository that it has not":        {fleetHost + "/other:1", domain.CodeNotFound, "repository_not_found"},
		"a digest":                            {fleetHost + "/app@" + img.TagDigest.String(), domain.CodeInvalid, "reference_invalid"},
		"a tag and a digest":                  {fleetHost + "/app:1@" + img.TagDigest.String(), domain.CodeInvalid, "reference_invalid"},
		"an id that nobody has":               {string(domain.NewID[domain.ImageID]()), domain.CodeNotFound, "image_not_found"},
		"an alias that nobody has":            {"Some-Alias", domain.CodeNotFound, "image_not_found"},
		"what is neither a name nor an alias": {"a b", domain.CodeInvalid, "reference_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.scanImage(c.reference, "")
			fleetError(t, err, c.code, c.reason)
			require.NotEmpty(t, domain.OnOf(err))
		})
	}
	require.Len(t, f.rows(), 1)
	f.requireStatus(img.ID, domain.ImageAlive)
}

func TestWhatTheRegistrySaysIsNeverTakenForAbsence(t *testing.T) {
	t.Parallel()
	for _, fault := range []*domain.Error{
		{Code: domain.CodeRateLimited, Reason: "registry_rate_limited", On: fleetHost, Message: "wait"},
		{Code: domain.CodePrecondition, Reason: "registry_credentials", On: fleetHost, Message: "refused"},
		{Code: domain.CodeUnavailable, Reason: "registry_failed", On: fleetHost, Message: "500"},
		{Code: domain.CodeUnavailable, Reason: "registry_malformed", On: fleetHost, Message: "nonsense"},
		{Code: domain.CodeNotFound, Reason: "tag_not_found", On: fleetHost, Message: "no such tag"},
	} {
		t.Run(fault.Reason, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.image("app:1")[0]
			f.registries[fleetHost].SetHook(func(context.Context, string, string) error { return fault })
			_, err := f.scanImage(img.Canonical(), "")
			fleetError(t, err, fault.Code, fault.Reason)
			require.Equal(t, fleetHost, domain.OnOf(err))
			require.Equal(t, img, f.stored(img.ID).Image, "also a tag that is not there: only a listing tells that it is gone")
			entries := f.audit("image.scan")
			require.Equal(t, domain.AuditFailed, entries[len(entries)-1].Status)
		})
	}
}

func TestAnAdapterWithADefectIsInternalAndLogged(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.registries[fleetHost].SetHook(func(context.Context, string, string) error { panic(errors.New("a defect")) })
	_, err := f.scanImage(img.Canonical(), "")
	fleetError(t, err, domain.CodeInternal, "panic")
	require.NotContains(t, domain.MessageOf(err), "a defect")
	require.Contains(t, f.logs.String(), "a defect")
	f.requireStatus(img.ID, domain.ImageAlive)
}
