package service_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func (f *fleet) modify(target string, m actions.ImageModifier) (domain.Image, error) {
	res, err := f.ModifyImage(f.root, actions.ModifyImageAction{Target: target, Modifier: m})
	return res.Image, err
}

func TestAChangedPartOfTheIdentityChangesTheName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change actions.ImageModifier
		want   string
	}{
		"the tag":      {actions.ImageModifier{Tag: domain.Set("2")}, fleetHost + "/stable/app:2"},
		"the path":     {actions.ImageModifier{Image: domain.Set("stable/other")}, fleetHost + "/stable/other:1"},
		"the registry": {actions.ImageModifier{Registry: domain.Set("other.example.org")}, "other.example.org/stable/app:1"},
		"all parts": {
			actions.ImageModifier{Registry: domain.Set("other.example.org"), Image: domain.Set("x"), Tag: domain.Set("y")}, "other.example.org/x:y",
		},
		"the name": {actions.ImageModifier{Name: domain.Set("other.example.org/a/b:c")}, "other.example.org/a/b:c"},
		"the name and parts that agree": {
			actions.ImageModifier{Name: domain.Set(fleetHost + "/a:c"), Registry: domain.Set(fleetHost), Image: domain.Set("a"), Tag: domain.Set("c")},
			fleetHost + "/a:c",
		},
		"the name without a tag": {actions.ImageModifier{Name: domain.Set(fleetHost + "/a")}, fleetHost + "/a:latest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.image("stable/app:1")[0]
			other := f.register("other.example.org", "")
			f.alias("app", img.Canonical())

			got, err := f.modify(img.Canonical(), c.change)
			require.NoError(t, err)
			require.Equal(t, c.want, got.Canonical())
			require.Equal(t, img.ID, got.ID)
			require.Equal(t, got.Registry == other.Name, got.RegistryID == other.ID, "the row belongs to the registry that it names")

			found, err := f.GetImage(f.root, actions.GetImageAction{Reference: c.want})
			require.NoError(t, err)
			require.Equal(t, img.ID, found.Image.ID)
			require.Equal(t, []string{"app"}, found.Image.Aliases, "aliases stay with the image")
			_, err = f.GetImage(f.root, actions.GetImageAction{Reference: img.Canonical(), Statuses: domain.ImageStatuses()})
			fleetError(t, err, domain.CodeNotFound, "image_not_found")
		})
	}
}

func TestAnIdentityThatCannotBeIsRefusedAndNothingChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change actions.ImageModifier
		code   domain.Code
		reason string
	}{
		"the name and the tag contradict each other": {
			actions.ImageModifier{Name: domain.Set(fleetHost + "/app:2"), Tag: domain.Set("3")}, domain.CodeConflict, "identity_inconsistent",
		},
		"the name and the path contradict each other": {
			actions.ImageModifier{Name: domain.Set(fleetHost + "/app:2"), Image: domain.Set("b")}, domain.CodeConflict, "identity_inconsistent",
		},
		"the name and the registry contradict each other": {
			actions.ImageModifier{Name: domain.Set(fleetHost + "/app:2"), Registry: domain.Set("b.example.org")}, domain.CodeConflict, "identity_inconsistent",
		},
		"the host is not registered":        {actions.ImageModifier{Registry: domain.Set("nowhere.example.org")}, domain.CodeConflict, "registry_unknown"},
		"the name's host is not registered": {actions.ImageModifier{Name: domain.Set("nowhere.example.org/a:1")}, domain.CodeConflict, "registry_unknown"},
		"no project of the host has it":     {actions.ImageModifier{Name: domain.Set("part.example.org/outside/a:1")}, domain.CodeConflict, "registry_unknown"},
		"the identity is taken":             {actions.ImageModifier{Tag: domain.Set("taken")}, domain.CodeConflict, "image_exists"},
		"the tag is malformed":              {actions.ImageModifier{Tag: domain.Set("-bad")}, domain.CodeInvalid, "tag_invalid"},
		"the path is malformed":             {actions.ImageModifier{Image: domain.Set("Upper/Case")}, domain.CodeInvalid, "repository_invalid"},
		"the registry is malformed":         {actions.ImageModifier{Registry: domain.Set("http://x")}, domain.CodeInvalid, "registry_host_invalid"},
		"the name is malformed":             {actions.ImageModifier{Name: domain.Set("a b")}, domain.CodeInvalid, "reference_invalid"},
		"the name is a digest":              {actions.ImageModifier{Name: domain.Set(fleetHost + "/app@" + porttest.DigestOf("x").String())}, domain.CodeInvalid, "reference_invalid"},
		"the architecture is malformed":     {actions.ImageModifier{Architecture: domain.Set("x/y/z")}, domain.CodeInvalid, "architecture_invalid"},
		"the tag is null":                   {actions.ImageModifier{Tag: domain.Clear[string]()}, domain.CodeInvalid, "modifier_invalid"},
		"nothing changes":                   {actions.ImageModifier{}, domain.CodeInvalid, "modifier_empty"},
		"the type is unknown":               {actions.ImageModifier{Type: domain.Set(domain.ImageType("game"))}, domain.CodeInvalid, "image_type_invalid"},
		"the size is negative":              {actions.ImageModifier{SizeBytes: domain.Set(int64(-1))}, domain.CodeInvalid, "modifier_invalid"},
		"the digest is malformed":           {actions.ImageModifier{Digest: domain.Set(domain.Digest("sha256:xyz"))}, domain.CodeInvalid, "digest_invalid"},
		"a limit is unusable": {
			actions.ImageModifier{ResourceLimits: domain.Set(domain.Limits{"cpu": {Min: "4", Max: "2"}})}, domain.CodeInvalid, "limit_invalid",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.image("app:1")[0]
			f.image("app:taken")
			f.register("part.example.org", "inside")
			_, err := f.modify(img.Canonical(), c.change)
			fleetError(t, err, c.code, c.reason)
			require.NotEmpty(t, domain.OnOf(err))
			require.Equal(t, img, f.stored(img.ID).Image)
			_, err = f.ModifyImageByID(f.root, actions.ModifyImageByIDAction{ImageID: img.ID, Modifier: c.change})
			fleetError(t, err, c.code, c.reason)
		})
	}
}

func TestAChangeOfArchitectureIsAnIdentityToo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	_, err := f.ModifyImageByID(f.root, actions.ModifyImageByIDAction{
		ImageID: rows[0].ID, Modifier: actions.ImageModifier{Architecture: domain.Set(rows[1].Architecture)},
	})
	fleetError(t, err, domain.CodeConflict, "image_exists")
	res, err := f.ModifyImageByID(f.root, actions.ModifyImageByIDAction{
		ImageID: rows[0].ID, Modifier: actions.ImageModifier{Architecture: domain.Set("linux/riscv64")},
	})
	require.NoError(t, err)
	require.Equal(t, "riscv64", res.Image.Architecture)
}

func TestAHostIsTheSameInCapitals(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.register("other.example.org", "")
	got, err := f.modify(img.Canonical(), actions.ImageModifier{Registry: domain.Set("Other.Example.ORG")})
	require.NoError(t, err)
	require.Equal(t, "other.example.org/app:1", got.Canonical())
	got, err = f.modify(string(img.ID), actions.ImageModifier{Name: domain.Set("other.example.org/b:2"), Registry: domain.Set("OTHER.example.org")})
	require.NoError(t, err)
	require.Equal(t, "other.example.org/b:2", got.Canonical())
}

func TestOperatorLabelsOverrideAndSurviveARescan(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	content := fleetContent("app:1", "", "amd64")
	content.Images[0].Labels = map[string]string{"team": "registry", "kept": "yes", domain.LabelRole: "COMPUTE"}
	f.registries[fleetHost].Push(content)
	img := f.scan(fleetHost + "/app:1")[0]

	got, err := f.modify(img.Canonical(), actions.ImageModifier{Labels: domain.Set(map[string]string{"team": "ops", domain.LabelRole: "SYSTEM"})})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "ops", "kept": "yes", domain.LabelRole: "SYSTEM"}, got.EffectiveLabels())
	require.Equal(t, domain.ImageTypeSystem, got.Type, "what follows from labels follows")

	content.Images[0].Labels = map[string]string{"team": "registry again", "new": "1", domain.LabelRole: "INFERENCE"}
	f.registries[fleetHost].Push(content)
	require.Equal(t, 1, f.rescan()[0].Updated)
	now := f.stored(img.ID)
	require.Equal(t, map[string]string{"team": "ops", "new": "1", domain.LabelRole: "SYSTEM"}, now.EffectiveLabels())
	require.Equal(t, domain.ImageTypeSystem, now.Type)

	found, err := f.ListImages(f.root, actions.ListImagesAction{ImageQuery: domain.ImageQuery{Where: domain.Where("label.team", domain.Eq, "ops")}})
	require.NoError(t, err)
	require.Len(t, found.Images, 1, "filters see the labels that count")

	got, err = f.modify(img.Canonical(), actions.ImageModifier{Labels: domain.Clear[map[string]string]()})
	require.NoError(t, err)
	require.Equal(t, "registry again", got.EffectiveLabels()["team"])
	require.Equal(t, domain.ImageTypeService, got.Type)
	found, err = f.ListImages(f.root, actions.ListImagesAction{ImageQuery: domain.ImageQuery{Where: domain.Where("label.team", domain.Eq, "ops")}})
	require.NoError(t, err)
	require.Empty(t, found.Images)
}

func TestNullClearsWhatCanBeCleared(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	var set actions.ImageModifier
	require.NoError(t, json.Unmarshal([]byte(`{"is_local": true, "size_bytes": 5000000000, "type": "service", "supported_accelerators": ["cuda", "rocm"],
		"labels": {"a": "b"}, "resource_limits": {"cpu": "8", "memory": {"min": "32G", "max": "64G"}}}`), &set))
	got, err := f.modify(img.Canonical(), set)
	require.NoError(t, err)
	require.Equal(t, got, f.stored(img.ID).Image, "what is returned is what is stored")
	require.True(t, got.IsLocal)
	require.EqualValues(t, 5_000_000_000, got.SizeBytes)
	require.Equal(t, []string{"cuda", "rocm"}, got.SupportedAccelerators())
	require.Equal(t, domain.Limits{"cpu": {Min: "8"}, "mem": {Min: "32G", Max: "64G"}}, got.CustomLimits)

	var cleared actions.ImageModifier
	require.NoError(t, json.Unmarshal([]byte(`{"supported_accelerators": null, "labels": null, "resource_limits": null}`), &cleared))
	got, err = f.modify(img.Canonical(), cleared)
	require.NoError(t, err)
	now := f.stored(img.ID)
	require.Equal(t, []string{"*"}, now.SupportedAccelerators())
	require.Empty(t, now.OperatorLabels)
	require.Empty(t, now.CustomLimits)
	require.True(t, now.IsLocal, "what is absent stays")
	require.Equal(t, got.Revision, now.Revision)
}

func TestAnImageThatSupportsNoAcceleratorIsNotOneThatSupportsAny(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	_, err := f.modify(img.Canonical(), actions.ImageModifier{Accelerators: domain.Set([]string{})})
	require.NoError(t, err)
	require.Empty(t, f.stored(img.ID).SupportedAccelerators())
}

func TestAChangeOfARevisionThatIsGoneIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	reg := f.register(fleetHost, "")
	img := f.image("app:1")[0]
	f.node("a", "x86_64")
	label := actions.ImageModifier{Labels: domain.Set(map[string]string{"a": "b"})}
	for name, change := range map[string]func(revision int64) (int64, error){
		"image": func(r int64) (int64, error) {
			res, err := f.ModifyImage(f.root, actions.ModifyImageAction{Target: img.Canonical(), Modifier: label, Revision: r})
			return res.Image.Revision, err
		},
		"image by id": func(r int64) (int64, error) {
			res, err := f.ModifyImageByID(f.root, actions.ModifyImageByIDAction{ImageID: img.ID, Modifier: label, Revision: r})
			return res.Image.Revision, err
		},
		"registry": func(r int64) (int64, error) {
			res, err := f.ModifyRegistry(f.root, actions.ModifyRegistryAction{RegistryID: reg.ID, IsGlobal: domain.Set(true), Revision: r})
			return res.Registry.Revision, err
		},
		"agent": func(r int64) (int64, error) {
			res, err := f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "a", ScalingGroup: domain.Set("gpu"), Revision: r})
			return res.Agent.Revision, err
		},
	} {
		seen, err := change(0)
		require.NoError(t, err, name)
		_, err = change(seen + 1)
		fleetError(t, err, domain.CodeConflict, "revision_changed")
		next, err := change(seen)
		require.NoError(t, err, name)
		_, err = change(seen)
		fleetError(t, err, domain.CodeConflict, "revision_changed")
		require.Greater(t, next, seen, name)
	}
}
