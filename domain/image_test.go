package domain_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func someImage(status domain.ImageStatus) domain.Image {
	img := domain.Image{
		ID: "01890a5d-ac96-774b-bcce-b302099a8057", RegistryID: "r1", Registry: "cr.example.org", Project: "stable", Name: "python", Tag: "3.12",
		Architecture: "x86_64", TagDigest: "sha256:1", ManifestDigest: "sha256:2", ConfigDigest: "sha256:3", SizeBytes: 10, Status: status,
		Labels: map[string]string{domain.LabelKernelSpec: "1", domain.LabelRole: "COMPUTE", domain.LabelAccelerators: "cuda"}, Revision: 3,
		CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0), LastUsedAt: time.Unix(3, 0),
	}
	img.Derive()
	return img
}

// The rows of the table of verbs and statuses that are rules of the image; what
// lookups and purges do with a status is the service's.
func TestTheLifeOfAnImage(t *testing.T) {
	t.Parallel()
	const alive, forgotten, missing = domain.ImageAlive, domain.ImageForgotten, domain.ImageMissing
	forget := func(i domain.Image) (domain.Image, bool, error) {
		changed := i.Forget()
		return i, changed, nil
	}
	restore := func(i domain.Image) (domain.Image, bool, error) {
		changed, err := i.Restore()
		return i, changed, err
	}
	rescan := func(change func(*domain.Image)) func(domain.Image) (domain.Image, bool, error) {
		return func(i domain.Image) (domain.Image, bool, error) {
			seen := i
			seen.Labels = maps.Clone(i.Labels)
			change(&seen)
			out, did := i.MergeScan(seen)
			return out, did == domain.SyncUpdated, nil
		}
	}
	same, other := rescan(func(*domain.Image) {}), rescan(func(i *domain.Image) { i.TagDigest = "sha256:9" })
	for _, c := range []struct {
		verb    string
		do      func(domain.Image) (domain.Image, bool, error)
		from    domain.ImageStatus
		to      domain.ImageStatus
		changed bool
		reason  string
	}{
		{"forget", forget, alive, forgotten, true, ""},
		{"forget", forget, forgotten, forgotten, false, ""},
		{"forget", forget, missing, forgotten, true, ""},
		{"restore", restore, alive, alive, false, ""},
		{"restore", restore, forgotten, alive, true, ""},
		{"restore", restore, missing, missing, false, "image_missing"},
		{"rescan of the same", same, alive, alive, false, ""},
		{"rescan of the same", same, forgotten, forgotten, false, ""},
		{"rescan of the same", same, missing, alive, true, ""},
		{"rescan of another digest", other, alive, alive, true, ""},
		{"rescan of another digest", other, forgotten, forgotten, true, ""},
		{"rescan of another digest", other, missing, alive, true, ""},
	} {
		img, changed, err := c.do(someImage(c.from))
		require.Equal(t, c.to, img.Status, "%s %s", c.verb, c.from)
		require.Equal(t, c.changed, changed, "%s %s", c.verb, c.from)
		if c.reason == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, domain.ErrPrecondition)
		require.Equal(t, c.reason, domain.ReasonOf(err))
		require.Equal(t, "cr.example.org/stable/python:3.12", domain.OnOf(err))
	}
}

func TestForgettingAndRestoringTouchNothingElse(t *testing.T) {
	t.Parallel()
	img := someImage(domain.ImageAlive)
	require.True(t, img.Forget())
	changed, err := img.Restore()
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, someImage(domain.ImageAlive), img)
}

func TestAScanOwnsWhatRegistriesSayAndLeavesOperatorsAlone(t *testing.T) {
	t.Parallel()
	img := someImage(domain.ImageAlive)
	img.OperatorLabels = map[string]string{domain.LabelAccelerators: "rocm"}
	img.CustomLimits = domain.Limits{"cpu": {Min: "4"}}
	img.IsLocal = true
	img.Derive()
	seen := domain.Image{
		RegistryID: "r2", Registry: "cr.example.org", Project: "stable/deep", Name: "py", Tag: "3.12", Architecture: "x86_64",
		TagDigest: "sha256:4", ManifestDigest: "sha256:5", ConfigDigest: "sha256:6", SizeBytes: 20,
		Labels: map[string]string{domain.LabelKernelSpec: "1", domain.LabelRole: "SYSTEM", domain.LabelAccelerators: "tpu"},
	}
	got, did := img.MergeScan(seen)
	require.Equal(t, domain.SyncUpdated, did)

	want := img
	want.RegistryID, want.Project, want.Name = "r2", "stable/deep", "py"
	want.TagDigest, want.ManifestDigest, want.ConfigDigest, want.SizeBytes = "sha256:4", "sha256:5", "sha256:6", 20
	want.Labels, want.Type = seen.Labels, domain.ImageTypeSystem
	require.Equal(t, want, got)
	require.Equal(t, []string{"rocm"}, got.Accelerators, "an operator's label is over the registry's")
}

// What an operator said of the type stays until the registry's labels change.
func TestAnOperatorsTypeSurvivesAScanOfTheSameLabels(t *testing.T) {
	t.Parallel()
	img := someImage(domain.ImageAlive)
	img.Type = domain.ImageTypeService
	seen := someImage("")
	seen.SizeBytes = 99
	got, did := img.MergeScan(seen)
	require.Equal(t, domain.SyncUpdated, did)
	require.Equal(t, domain.ImageTypeService, got.Type)
}

func TestMergingAScanTwiceChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.MapOfN(rapid.SampledFrom([]string{domain.LabelKernelSpec, domain.LabelRole, domain.LabelAccelerators, domain.LabelFeatures}), rapid.SampledFrom([]string{"", "SYSTEM", "cuda", "operation"}), 0, 3)
		img := someImage(rapid.SampledFrom(domain.ImageStatuses()).Draw(t, "status"))
		img.Labels, img.OperatorLabels = label.Draw(t, "labels"), label.Draw(t, "operator labels")
		img.Derive()
		before, seen := img, someImage("")
		seen.Labels = label.Draw(t, "seen labels")
		seen.SizeBytes = rapid.Int64Range(0, 20).Draw(t, "size")
		once, _ := img.MergeScan(seen)
		require.Equal(t, before, img, "the stored image is not changed in place")
		twice, did := once.MergeScan(seen)
		require.Equal(t, domain.SyncUnchanged, did)
		require.Equal(t, once, twice)
		derived := once
		derived.Derive()
		require.Equal(t, derived, once, "what follows from the labels is never stale")
	})
}

func TestNilAndEmptyLabelsAreTheSameToAScan(t *testing.T) {
	t.Parallel()
	img, seen := someImage(domain.ImageAlive), someImage("")
	img.Labels, seen.Labels = nil, map[string]string{}
	_, did := img.MergeScan(seen)
	require.Equal(t, domain.SyncUnchanged, did)
}

func TestAnImageIsNamedByItsParts(t *testing.T) {
	t.Parallel()
	img := someImage(domain.ImageAlive)
	require.Equal(t, "stable/python", img.Repository())
	require.Equal(t, "cr.example.org/stable/python:3.12", img.Canonical())
	require.Equal(t, img.Canonical(), img.Reference().Canonical())
	img.Project, img.Tag = "", "!illegal tag"
	require.Equal(t, "cr.example.org/python:!illegal tag", img.Canonical(), "a bad tag never breaks a listing")
	require.Equal(t, "py", domain.ImageKey{Reference: "py"}.String())
	require.Equal(t, "py (x86_64)", domain.ImageKey{Reference: "py", Architecture: "x86_64"}.String())
}

func TestEffectiveLabelsAreAMapOfTheirOwn(t *testing.T) {
	t.Parallel()
	img := someImage(domain.ImageAlive)
	img.OperatorLabels = map[string]string{domain.LabelRole: "SERVICE", "a": "b"}
	labels := img.EffectiveLabels()
	require.Equal(t, map[string]string{domain.LabelKernelSpec: "1", domain.LabelRole: "SERVICE", "a": "b", domain.LabelAccelerators: "cuda"}, labels)
	labels["x"] = "y"
	require.NotContains(t, img.Labels, "x")
	require.NotContains(t, img.OperatorLabels, "x")
	require.NotNil(t, domain.Image{}.EffectiveLabels())
}

func TestACustomizedImageHasAnOwner(t *testing.T) {
	t.Parallel()
	img := domain.Image{Labels: map[string]string{domain.LabelCustomizedOwner: "user:alice", domain.LabelFeatures: "operation"}}
	img.Derive()
	require.True(t, img.Customized)
	require.True(t, img.Operation)
	require.Equal(t, domain.UserID("alice"), img.Owner)
	img.Labels[domain.LabelCustomizedOwner] = "alice"
	img.Derive()
	require.True(t, img.Customized)
	require.Empty(t, img.Owner, "a malformed owner is nobody")
}

func TestADetailShowsWhatFollowsFromTheImage(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(domain.ImageDetail{Image: someImage(domain.ImageAlive), Aliases: []string{"py"}, InstalledCount: 2})
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, "cr.example.org/stable/python:3.12", got["canonical"])
	require.Equal(t, []any{"cuda"}, got["supported_accelerators"])
	require.Equal(t, []any{"py"}, got["aliases"])
	require.Equal(t, true, got["installed"])
	require.EqualValues(t, 2, got["installed_count"])
	require.NotEmpty(t, got["resource_limits"])
	require.NotEmpty(t, got["humanized_name"])
	require.Equal(t, "sha256:3", got["digest"])

	var read domain.ImageDetail
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, someImage(domain.ImageAlive).ID, read.ID)
	require.Equal(t, []string{"py"}, read.Aliases)
	require.Equal(t, 2, read.InstalledCount)
}

// nil accelerators are any, none is none: clients that read the JSON of an
// image, and stored results, must be able to tell them apart.
func TestAnImageThatSupportsNoAcceleratorStaysSoInJSON(t *testing.T) {
	t.Parallel()
	for _, want := range [][]string{nil, {}, {"cuda"}} {
		img := domain.Image{Accelerators: want}
		b, err := json.Marshal(img)
		require.NoError(t, err)
		var read domain.Image
		require.NoError(t, json.Unmarshal(b, &read))
		require.Equal(t, img.SupportedAccelerators(), read.SupportedAccelerators(), string(b))
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	require.NoError(t, domain.CheckStatuses(nil))
	require.NoError(t, domain.CheckStatuses(domain.ImageStatuses()))
	requireInvalid(t, domain.CheckStatuses([]domain.ImageStatus{"alive", "ALIVE"}), "status_invalid")
	requireInvalid(t, domain.ImageQuery{Statuses: []domain.ImageStatus{""}}.Check(), "status_invalid")
	requireInvalid(t, domain.ImageQuery{Where: domain.Where("nope", domain.Eq, "")}.Check(), "filter_invalid")
	domain.ImageStatuses()[0] = "changed"
	require.Equal(t, domain.ImageAlive, domain.ImageStatuses()[0])
}
