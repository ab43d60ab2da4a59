package service_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func (f *fleet) alias(alias, reference string) {
	f.tb.Helper()
	_, err := f.AliasImage(f.root, actions.AliasImageAction{Alias: alias, ImageCanonical: reference})
	require.NoError(f.tb, err)
}

func TestAnAliasIsRefusedWhereItCouldMeanTwoThings(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.register("docker.io", "")
	f.registries["docker.io"].Push(fleetContent("library/python:3.9", "", "amd64"))
	f.scan("python:3.9")
	f.alias("taken", fleetHost+"/app:1")

	for name, c := range map[string]struct {
		alias string
		code  domain.Code
		why   string
	}{
		"taken":                      {"taken", domain.CodeConflict, "alias_taken"},
		"taken, with spaces around":  {"  taken\t", domain.CodeConflict, "alias_taken"},
		"a canonical name":           {fleetHost + "/app:1", domain.CodeConflict, "alias_shadows_image"},
		"a canonical name, no tag":   {"docker.io/library/python:3.9", domain.CodeConflict, "alias_shadows_image"},
		"a short name":               {"python:3.9", domain.CodeConflict, "alias_shadows_image"},
		"a short name with project":  {"library/python:3.9", domain.CodeConflict, "alias_shadows_image"},
		"an id":                      {string(img.ID), domain.CodeInvalid, "alias_invalid"},
		"an id in capitals":          {strings.ToUpper(string(img.ID)), domain.CodeInvalid, "alias_invalid"},
		"an id that nobody has":      {"00000000-0000-0000-0000-000000000000", domain.CodeInvalid, "alias_invalid"},
		"nothing":                    {"", domain.CodeInvalid, "alias_invalid"},
		"spaces":                     {"   ", domain.CodeInvalid, "alias_invalid"},
		"a space inside":             {"a b", domain.CodeInvalid, "alias_invalid"},
		"a control character":        {"a\x00b", domain.CodeInvalid, "alias_invalid"},
		"invalid UTF-8":              {"a\xffb", domain.CodeInvalid, "alias_invalid"},
		"more than 256 characters":   {strings.Repeat("a", 257), domain.CodeInvalid, "alias_invalid"},
		"an escape of a terminal":    {"a\x1b[31m", domain.CodeInvalid, "alias_invalid"},
		"the short name of a latest": {"python:3.9 ", domain.CodeConflict, "alias_shadows_image"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.AliasImage(f.root, actions.AliasImageAction{Alias: c.alias, ImageCanonical: string(img.ID)})
			fleetError(t, err, c.code, c.why)
			require.NotEmpty(t, domain.OnOf(err))
			require.NotContains(t, domain.MessageOf(err), "\x1b")
			_, byID := f.AliasImageByID(f.root, actions.AliasImageByIDAction{Alias: c.alias, ImageID: img.ID})
			fleetError(t, byID, c.code, c.why)
		})
	}
	require.Equal(t, []string{"taken"}, f.stored(img.ID).Aliases)
}

func TestAnAliasMayLookLikeAnythingThatIsFree(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for _, alias := range []string{"app", "tensorflow-gpu", "python:3.9", "Über-Bild", "a/b/c", "100%_\\'\"", strings.Repeat("x", 256)} {
		res, err := f.AliasImageByID(f.root, actions.AliasImageByIDAction{Alias: " " + alias + " ", ImageID: img.ID})
		require.NoError(t, err, alias)
		require.Equal(t, alias, res.Alias.Alias, "it is trimmed and nothing else")
		require.Equal(t, img.ID, res.ImageID)

		got, err := f.GetImage(f.root, actions.GetImageAction{Reference: alias})
		require.NoError(t, err, alias)
		require.Equal(t, img.ID, got.Image.ID)
	}
	require.Len(t, f.stored(img.ID).Aliases, 7)
}

func TestAnAliasCanBeGivenThroughAnotherAlias(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("first", fleetHost+"/app:1")
	f.alias("second", "first")

	res, err := f.GetImage(f.root, actions.GetImageAction{Reference: "second"})
	require.NoError(t, err)
	require.Equal(t, img.ID, res.Image.ID)
	require.Equal(t, []string{"first", "second"}, res.Image.Aliases)

	// It names the image and not the other alias, so there is no chain to break.
	_, err = f.DealiasImage(f.root, actions.DealiasImageAction{Alias: "first"})
	require.NoError(t, err)
	_, err = f.GetImage(f.root, actions.GetImageAction{Reference: "first"})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
	_, err = f.GetImage(f.root, actions.GetImageAction{Reference: "second"})
	require.NoError(t, err)
}

func TestARemovedAliasCanBeGivenAgain(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("app:1")[0], f.image("app:2")[0]
	f.alias("current", fleetHost+"/app:1")

	dry, err := f.DealiasImage(f.root, actions.DealiasImageAction{Alias: "current", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, one.ID, dry.ImageID)
	require.Equal(t, []string{"current"}, f.stored(one.ID).Aliases, "a dry run removes nothing")

	res, err := f.DealiasImage(f.root, actions.DealiasImageAction{Alias: " current "})
	require.NoError(t, err)
	require.Equal(t, one.ID, res.ImageID)
	_, err = f.DealiasImage(f.root, actions.DealiasImageAction{Alias: "current"})
	fleetError(t, err, domain.CodeNotFound, "alias_not_found")

	f.alias("current", fleetHost+"/app:2")
	require.Equal(t, []string{"current"}, f.stored(two.ID).Aliases)
	require.Empty(t, f.stored(one.ID).Aliases)
}

func TestAnAliasMeansOneArchitecture(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	_, err := f.AliasImage(f.root, actions.AliasImageAction{Alias: "app", ImageCanonical: fleetHost + "/app:1"})
	fleetError(t, err, domain.CodeInvalid, "architecture_ambiguous")
	require.Contains(t, domain.MessageOf(err), "(aarch64), "+fleetHost+"/app:1 (x86_64)", "it names the candidates")

	_, err = f.AliasImage(f.root, actions.AliasImageAction{Alias: "app", ImageCanonical: fleetHost + "/app:1", Architecture: "arm64"})
	require.NoError(t, err)
	res, err := f.GetImage(f.root, actions.GetImageAction{Reference: "app"})
	require.NoError(t, err)
	require.Equal(t, "aarch64", res.Image.Architecture, "although the default is another one")
	require.Contains(t, []domain.ImageID{rows[0].ID, rows[1].ID}, res.Image.ID)
	_, err = f.GetImage(f.root, actions.GetImageAction{Reference: "app", Architecture: "amd64"})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
}

func TestAnAliasWorksWhereverAReferenceDoes(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("app", fleetHost+"/app:1")
	f.node("a", "x86_64")

	set, err := f.SetImageResourceLimit(f.root, actions.SetImageResourceLimitAction{Reference: "app", Slot: "cpu", Min: "2"})
	require.NoError(t, err)
	require.Equal(t, img.ID, set.Image.ID)
	cleared, err := f.ClearImageCustomResourceLimit(f.root, actions.ClearImageCustomResourceLimitAction{ImageCanonical: "app"})
	require.NoError(t, err)
	require.Equal(t, img.ID, cleared.Image.ID)
	used, err := f.RecordImageUse(f.root, actions.RecordImageUseAction{Reference: "app"})
	require.NoError(t, err)
	require.Equal(t, img.ID, used.ImageID)
	scanned, err := f.ScanImage(f.root, actions.ScanImageAction{Reference: "app"})
	require.NoError(t, err)
	require.Equal(t, img.ID, scanned.Images[0].Image.ID)
	loaded, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: "app"}}, TargetAgents: "a"})
	require.NoError(t, err)
	require.Equal(t, actions.DidPull, loaded.Outcomes[0].Did)
	require.Equal(t, fleetHost+"/app:1", loaded.Outcomes[0].Image, "outcomes name images in full")
	purged, err := f.PurgeImages(f.root, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{{AgentID: "a", Images: []actions.ImageRef{{Name: "app"}}}}})
	require.NoError(t, err)
	require.Equal(t, []string{fleetHost + "/app:1"}, purged.PurgedImages[0].PurgedImages)
	unloaded, err := f.UnloadImages(f.root, actions.UnloadImagesAction{Images: []actions.ImageRef{{Name: "app"}}, TargetAgents: "*"})
	require.NoError(t, err)
	require.Equal(t, actions.DidNothing, unloaded.Outcomes[0].Did)
	modified, err := f.ModifyImage(f.root, actions.ModifyImageAction{Target: "app", Modifier: actions.ImageModifier{IsLocal: domain.Set(true)}})
	require.NoError(t, err)
	require.Equal(t, img.ID, modified.Image.ID)
	forgotten, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: "app"})
	require.NoError(t, err)
	require.Equal(t, img.ID, forgotten.Image.ID)
	restored, err := f.RestoreImage(f.root, actions.RestoreImageAction{Reference: "app"})
	require.NoError(t, err)
	require.Equal(t, img.ID, restored.Image.ID)
}

func TestANameWinsOverAnAliasThatWasThereFirst(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	mine := f.image("app:1")[0]
	f.alias("python:3.9", fleetHost+"/app:1")
	f.register("docker.io", "")
	f.registries["docker.io"].Push(fleetContent("library/python:3.9", "", "amd64"))
	python := f.scan("docker.io/library/python:3.9")[0]

	res, err := f.GetImage(f.root, actions.GetImageAction{Reference: "python:3.9"})
	require.NoError(t, err)
	require.Equal(t, python.ID, res.Image.ID)
	require.Equal(t, []string{"python:3.9"}, f.stored(mine.ID).Aliases, "the alias can still be seen and removed")
	_, err = f.DealiasImage(f.root, actions.DealiasImageAction{Alias: "python:3.9"})
	require.NoError(t, err)
}

func TestAliasesAreListedWithWhatTheyName(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.image("app:1")
	f.image("app:2")
	f.alias("one", fleetHost+"/app:1")
	f.alias("o%e", fleetHost+"/app:2")

	res, err := f.SearchAliases(f.root, actions.SearchAliasesAction{Where: domain.Where("alias", domain.Contains, "%"), Page: domain.Page{Count: true}})
	require.NoError(t, err)
	require.Len(t, res.Aliases, 1, "a wildcard means itself")
	require.Equal(t, fleetHost+"/app:2", res.Aliases[0].Canonical)
	require.Equal(t, "x86_64", res.Aliases[0].Architecture)
	require.Equal(t, 1, *res.Total)

	first, err := f.SearchAliases(f.root, actions.SearchAliasesAction{Page: domain.Page{Limit: 1, Sort: "alias", Desc: true}})
	require.NoError(t, err)
	second, err := f.SearchAliases(f.root, actions.SearchAliasesAction{Page: domain.Page{Limit: 1, Sort: "alias", Desc: true, After: first.Next}})
	require.NoError(t, err)
	require.Equal(t, []string{"one", "o%e"}, []string{first.Aliases[0].Alias.Alias, second.Aliases[0].Alias.Alias})
	require.Empty(t, second.Next)
}

func TestAnImagesAliasesGoWithIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("app", fleetHost+"/app:1")
	res, err := f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: img.ID})
	require.NoError(t, err)
	require.Equal(t, []string{"app"}, res.Aliases)
	_, err = f.GetImage(f.root, actions.GetImageAction{Reference: "app"})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
	f.image("app:2")
	f.alias("app", fleetHost+"/app:2")
}
