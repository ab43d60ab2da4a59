package service_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// labelled pushes and scans app:1 with labels.
func (f *fleet) labelled(labels map[string]string) domain.Image {
	f.tb.Helper()
	if f.registries[fleetHost] == nil {
		f.register(fleetHost, "")
	}
	c := fleetContent("app:1", "", "amd64")
	c.Images[0].Labels = labels
	f.registries[fleetHost].Push(c)
	return f.scan(fleetHost + "/app:1")[0]
}

func (f *fleet) limit(slot, least, most string) (actions.SetImageResourceLimitResult, error) {
	return f.SetImageResourceLimit(f.root, actions.SetImageResourceLimitAction{Reference: fleetHost + "/app:1", Slot: slot, Min: least, Max: most})
}

func TestLimitsOfTheScenarioAreSetAndCleared(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("compute-heavy:latest")[0]
	f.alias("compute-heavy:latest", img.Canonical())
	var m actions.ImageModifier
	require.NoError(t, json.Unmarshal([]byte(`{"resource_limits": {"cpu": "8", "memory": "32G", "gpu": "2"}}`), &m))
	_, err := f.ModifyImage(f.root, actions.ModifyImageAction{Target: "compute-heavy:latest", Architecture: "x86_64", Modifier: m})
	require.NoError(t, err)
	require.Equal(t, []domain.ResourceLimit{{Key: "cpu", Min: "8"}, {Key: "gpu", Min: "2"}, {Key: "mem", Min: "32G"}}, f.stored(img.ID).ResourceLimits())

	for range 2 { // clearing twice changes nothing
		res, err := f.ClearImageCustomResourceLimit(f.root, actions.ClearImageCustomResourceLimitAction{ImageCanonical: "compute-heavy:latest", Architecture: "x86_64"})
		require.NoError(t, err)
		require.Equal(t, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "1073741824"}}, res.ResourceLimits)
		require.Equal(t, res.ResourceLimits, f.stored(img.ID).ResourceLimits())
	}
	revision := f.stored(img.ID).Revision
	_, err = f.ClearImageCustomResourceLimitByID(f.root, actions.ClearImageCustomResourceLimitByIDAction{ImageID: img.ID})
	require.NoError(t, err)
	require.Equal(t, revision, f.stored(img.ID).Revision, "nothing to clear, nothing written")
}

func TestLimitsAreMergedAsNumbers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		labels map[string]string
		set    domain.Limits
		want   []domain.ResourceLimit
	}{
		"ten cores are more than two": {
			map[string]string{"ai.backend.resource.min.cpu": "2"}, domain.Limits{"cpu": {Min: "10"}},
			[]domain.ResourceLimit{{Key: "cpu", Min: "10"}, {Key: "mem", Min: "1073741824"}},
		},
		"an operator cannot go below what the image needs": {
			map[string]string{"ai.backend.resource.min.cpu": "10", "ai.backend.resource.min.mem": "64m"}, domain.Limits{"cpu": {Min: "9"}, "mem": {Min: "32m"}},
			[]domain.ResourceLimit{{Key: "cpu", Min: "10"}, {Key: "mem", Min: "64m"}},
		},
		"sizes compare by their value": {
			map[string]string{"ai.backend.resource.min.mem": "512m"}, domain.Limits{"mem": {Min: "1g"}},
			[]domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "1g"}},
		},
		"other slots are the operator's": {
			map[string]string{"ai.backend.resource.min.cuda.device": "2"}, domain.Limits{"cuda.device": {Min: "1", Max: "4"}},
			[]domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "cuda.device", Min: "1", Max: "4"}, {Key: "mem", Min: "1073741824"}},
		},
		"half a device": {
			nil, domain.Limits{"cuda.shares": {Min: "0.5", Max: "2.5"}},
			[]domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "cuda.shares", Min: "0.5", Max: "2.5"}, {Key: "mem", Min: "1073741824"}},
		},
		"a label that cannot be read breaks nothing": {
			map[string]string{"ai.backend.resource.min.cpu": "", "ai.backend.resource.min.mem": "lots"}, domain.Limits{"cpu": {Max: "3"}},
			[]domain.ResourceLimit{{Key: "cpu", Min: "1", Max: "3"}, {Key: "mem", Min: "1073741824"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.labelled(c.labels)
			for slot, l := range c.set {
				_, err := f.limit(slot, l.Min, l.Max)
				require.NoError(t, err)
			}
			require.Equal(t, c.want, f.stored(img.ID).ResourceLimits(), "read again, from the store")
			require.Equal(t, 0, f.rescan()[0].Updated)
			f.labelled(map[string]string{"other": "label"})
			require.Equal(t, c.set, f.stored(img.ID).CustomLimits, "a rescan keeps them")
		})
	}
}

func TestALimitReplacesThatOfItsSlotOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for _, s := range [][3]string{{"cpu", "1", "4"}, {"cuda.device", "", "2"}, {"cpu", "8", "32"}, {"memory", "2g", ""}} {
		_, err := f.limit(s[0], s[1], s[2])
		require.NoError(t, err)
	}
	want := domain.Limits{"cpu": {Min: "8", Max: "32"}, "cuda.device": {Max: "2"}, "mem": {Min: "2g"}}
	require.Equal(t, want, f.stored(img.ID).CustomLimits)

	revision := f.stored(img.ID).Revision
	_, err := f.SetImageResourceLimitByID(f.root, actions.SetImageResourceLimitByIDAction{ImageID: img.ID, Slot: "cpu", Min: "8", Max: "32"})
	require.NoError(t, err)
	require.Equal(t, revision, f.stored(img.ID).Revision, "the same limit is no change")
	_, err = f.SetImageResourceLimitByID(f.root, actions.SetImageResourceLimitByIDAction{ImageID: img.ID, Slot: "mem", Max: "4g"})
	require.NoError(t, err)
	require.Equal(t, domain.Limit{Max: "4g"}, f.stored(img.ID).CustomLimits["mem"], "memory and mem are one slot")
}

func TestLimitsSurviveForgettingAndTheRegistry(t *testing.T) {
	t.Parallel()
	for _, status := range []domain.ImageStatus{domain.ImageForgotten, domain.ImageMissing} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.image("app:1")[0]
			_, err := f.limit("cpu", "4", "")
			require.NoError(t, err)
			f.inStatus(img, status)
			_, err = f.limit("cuda.device", "1", "")
			require.NoError(t, err)
			if status == domain.ImageForgotten {
				_, err := f.RestoreImage(f.root, actions.RestoreImageAction{Reference: string(img.ID)})
				require.NoError(t, err)
			} else {
				f.push("app:1")
				f.rescan()
			}
			f.requireStatus(img.ID, domain.ImageAlive)
			require.Equal(t, domain.Limits{"cpu": {Min: "4"}, "cuda.device": {Min: "1"}}, f.stored(img.ID).CustomLimits)
		})
	}
}

func TestALimitThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for name, c := range map[string][4]string{ // slot, min, max, the thing
		"neither min nor max":        {"cpu", "", "", "cpu"},
		"a negative min":             {"cpu", "-1", "", "cpu.min"},
		"a word":                     {"cpu", "many", "", "cpu.min"},
		"a size where none is meant": {"cpu", "1g", "", "cpu.min"},
		"a malformed size":           {"mem", "", "1.5 bananas", "mem.max"},
		"more than the max":          {"cpu", "10", "9", "cpu"},
		"more than the max, sizes":   {"memory", "1g", "1000m", "mem"},
		"a malformed slot":           {"CPU cores", "1", "", "CPU cores"},
		"an exponent":                {"cpu", "1e3", "", "cpu.min"},
		"infinity":                   {"mem", "", "inf", "mem.max"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.limit(c[0], c[1], c[2])
			fleetError(t, err, domain.CodeInvalid, "limit_invalid")
			require.Equal(t, c[3], domain.OnOf(err))
			_, err = f.SetImageResourceLimitByID(f.root, actions.SetImageResourceLimitByIDAction{ImageID: img.ID, Slot: c[0], Min: c[1], Max: c[2]})
			fleetError(t, err, domain.CodeInvalid, "limit_invalid")
		})
	}
	require.Equal(t, img, f.stored(img.ID).Image)
}

func TestLimitsOfAnImageWithSeveralArchitecturesNeedOne(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	_, err := f.limit("cpu", "4", "")
	fleetError(t, err, domain.CodeInvalid, "architecture_ambiguous")
	_, err = f.ClearImageCustomResourceLimit(f.root, actions.ClearImageCustomResourceLimitAction{ImageCanonical: fleetHost + "/app:1"})
	fleetError(t, err, domain.CodeInvalid, "architecture_ambiguous")

	_, err = f.SetImageResourceLimit(f.root, actions.SetImageResourceLimitAction{Reference: fleetHost + "/app:1", Architecture: "ARM64", Slot: "cpu", Min: "4"})
	require.NoError(t, err)
	for _, row := range rows {
		require.Equal(t, row.Architecture == "aarch64", len(f.stored(row.ID).CustomLimits) == 1, row.Architecture)
	}
}
