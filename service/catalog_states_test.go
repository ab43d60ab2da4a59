package service_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// fleetVerb is a row of the table of verbs and statuses. The wish is what came
// of it and, after a semicolon, the status of the row then.
type fleetVerb struct {
	name string
	do   func(f *fleet, img domain.Image) (string, error)

	alive, forgotten, missing, absent string
}

// fleetVerbImage has an alias in every status but absent.
const (
	fleetVerbImage = fleetHost + "/app:1"
	fleetVerbAlias = "my-app"
)

func fleetRead(reference string, statuses ...domain.ImageStatus) func(*fleet, domain.Image) (string, error) {
	return func(f *fleet, _ domain.Image) (string, error) {
		res, err := f.GetImage(f.root, actions.GetImageAction{Reference: reference, Statuses: statuses})
		return string(res.Image.Status), err
	}
}

func fleetList(statuses ...domain.ImageStatus) func(*fleet, domain.Image) (string, error) {
	return func(f *fleet, _ domain.Image) (string, error) {
		res, err := f.ListImages(f.root, actions.ListImagesAction{ImageQuery: domain.ImageQuery{
			Statuses: statuses, Where: domain.Where("canonical", domain.Eq, fleetVerbImage),
		}})
		return strconv.Itoa(len(res.Images)), err
	}
}

func fleetChanged(changed bool) string {
	if changed {
		return "changed"
	}
	return "no-op"
}

const (
	fleetGone    = "not_found/image_not_found"
	fleetMissing = "precondition/image_missing"
)

var fleetVerbs = []fleetVerb{
	{name: "get", do: fleetRead(fleetVerbImage), alive: "alive; alive", forgotten: fleetGone, missing: fleetGone, absent: fleetGone},
	{
		name: "get in any status", do: fleetRead(fleetVerbImage, domain.ImageStatuses()...),
		alive: "alive; alive", forgotten: "forgotten; forgotten", missing: "missing; missing", absent: fleetGone,
	},
	{name: "list", do: fleetList(), alive: "1; alive", forgotten: "0; forgotten", missing: "0; missing", absent: "0; absent"},
	{
		name: "list any status", do: fleetList(domain.ImageStatuses()...),
		alive: "1; alive", forgotten: "1; forgotten", missing: "1; missing", absent: "0; absent",
	},
	{name: "resolve an alias", do: fleetRead(fleetVerbAlias), alive: "alive; alive", forgotten: fleetGone, missing: fleetGone, absent: fleetGone},
	{
		name: "resolve an alias in any status", do: fleetRead(fleetVerbAlias, domain.ImageStatuses()...),
		alive: "alive; alive", forgotten: "forgotten; forgotten", missing: "missing; missing", absent: fleetGone,
	},
	{
		name: "forget", alive: "changed; forgotten", forgotten: "no-op; forgotten", missing: "changed; forgotten", absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: fleetVerbImage})
			return fleetChanged(res.Changed), err
		},
	},
	{
		name: "forget by id", alive: "changed; forgotten", forgotten: "no-op; forgotten", missing: "changed; forgotten", absent: fleetGone,
		do: func(f *fleet, img domain.Image) (string, error) {
			res, err := f.ForgetImageByID(f.root, actions.ForgetImageByIDAction{ImageID: img.ID})
			return fleetChanged(res.Changed), err
		},
	},
	{
		name: "restore", alive: "no-op; alive", forgotten: "changed; alive", missing: fleetMissing, absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.RestoreImage(f.root, actions.RestoreImageAction{Reference: fleetVerbImage})
			return fleetChanged(res.Changed), err
		},
	},
	{
		name:  "rescan with other content",
		alive: "updated; alive", forgotten: "updated; forgotten", missing: "updated; alive", absent: "added; alive",
		do: func(f *fleet, _ domain.Image) (string, error) {
			f.registries[fleetHost].Push(fleetContent("app:1", "newer", "amd64"))
			s := f.rescan()[0]
			return map[[2]int]string{{1, 0}: "added", {0, 1}: "updated"}[[2]int{s.Added, s.Updated}], nil
		},
	},
	{
		name: "rescan without it", alive: "1 gone; missing", forgotten: "0 gone; forgotten", missing: "0 gone; missing", absent: "0 gone; absent",
		do: func(f *fleet, _ domain.Image) (string, error) {
			f.registries[fleetHost].Remove("app", "1")
			return strconv.Itoa(f.rescan()[0].Gone) + " gone", nil
		},
	},
	{
		name:  "scan one image",
		alive: "unchanged; alive", forgotten: "unchanged; forgotten", missing: "updated; alive", absent: "added; alive",
		do: func(f *fleet, _ domain.Image) (string, error) {
			f.push("app:1")
			res, err := f.ScanImage(f.root, actions.ScanImageAction{Reference: fleetVerbImage})
			require.NoError(f.tb, err)
			return string(res.Images[0].Did), nil
		},
	},
	{
		name: "purge by id", alive: "; absent", forgotten: "; absent", missing: "; absent", absent: fleetGone,
		do: func(f *fleet, img domain.Image) (string, error) {
			_, err := f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: img.ID})
			return "", err
		},
	},
	{
		name: "modify", alive: "a; alive", forgotten: "a; forgotten", missing: "a; missing", absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.ModifyImage(f.root, actions.ModifyImageAction{
				Target: fleetVerbImage, Modifier: actions.ImageModifier{Labels: domain.Set(map[string]string{"team": "a"})},
			})
			return res.Image.OperatorLabels["team"], err
		},
	},
	{
		name: "set a limit", alive: "4; alive", forgotten: "4; forgotten", missing: "4; missing", absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.SetImageResourceLimit(f.root, actions.SetImageResourceLimitAction{Reference: fleetVerbImage, Slot: "cpu", Min: "4"})
			return res.Image.CustomLimits["cpu"].Min, err
		},
	},
	{
		name: "clear the limits", alive: "; alive", forgotten: "; forgotten", missing: "; missing", absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			_, err := f.ClearImageCustomResourceLimit(f.root, actions.ClearImageCustomResourceLimitAction{ImageCanonical: fleetVerbImage})
			return "", err
		},
	},
	{
		name: "alias", alive: "b; alive", forgotten: "b; forgotten", missing: "b; missing", absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.AliasImage(f.root, actions.AliasImageAction{Alias: "b", ImageCanonical: fleetVerbImage})
			return res.Alias.Alias, err
		},
	},
	{
		name: "remove the alias", absent: "not_found/alias_not_found",
		alive: "my-app; alive", forgotten: "my-app; forgotten", missing: "my-app; missing",
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.DealiasImage(f.root, actions.DealiasImageAction{Alias: fleetVerbAlias})
			return res.Alias.Alias, err
		},
	},
	{
		name: "use", alive: "; alive", forgotten: fleetGone, missing: fleetGone, absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			_, err := f.RecordImageUse(f.root, actions.RecordImageUseAction{Reference: fleetVerbImage})
			return "", err
		},
	},
	{
		name: "preload", alive: "pulled; alive", forgotten: "precondition/image_forgotten", missing: fleetMissing, absent: fleetGone,
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: fleetVerbImage}}, TargetAgents: "empty"})
			require.NoError(f.tb, err)
			if p := res.Outcomes[0].Problem; p != nil {
				return "", p
			}
			return string(res.Outcomes[0].Did), nil
		},
	},
	{
		name: "unload", alive: "removed; alive", forgotten: "removed; forgotten", missing: "removed; missing", absent: "removed; absent",
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.UnloadImages(f.root, actions.UnloadImagesAction{Images: []actions.ImageRef{{Name: fleetVerbImage}}, TargetAgents: "full"})
			require.NoError(f.tb, err)
			return string(res.Outcomes[0].Did), nil
		},
	},
	{
		name: "purge on a node", alive: "1; alive", forgotten: "1; forgotten", missing: "1; missing", absent: "1; absent",
		do: func(f *fleet, _ domain.Image) (string, error) {
			res, err := f.PurgeImages(f.root, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{
				{AgentID: "full", Images: []actions.ImageRef{{Name: fleetVerbImage}}},
			}})
			require.NoError(f.tb, err)
			require.Empty(f.tb, res.Errors)
			return strconv.Itoa(len(res.PurgedImages)), nil
		},
	},
	{
		name: "untag", alive: "; missing", forgotten: "; forgotten", missing: fleetMissing, absent: fleetGone,
		do: func(f *fleet, img domain.Image) (string, error) {
			_, err := f.UntagImageFromRegistry(f.root, actions.UntagImageFromRegistryAction{ImageID: img.ID})
			return "", err
		},
	},
}

func TestEveryVerbTreatsEveryStatusAsTheTableSays(t *testing.T) {
	t.Parallel()
	for _, verb := range fleetVerbs {
		for status, want := range map[string]string{"alive": verb.alive, "forgotten": verb.forgotten, "missing": verb.missing, "absent": verb.absent} {
			t.Run(verb.name+"/"+status, func(t *testing.T) {
				t.Parallel()
				f := newFleet(t)
				img := f.image("app:1")[0]
				_, err := f.AliasImage(f.root, actions.AliasImageAction{Alias: fleetVerbAlias, ImageCanonical: fleetVerbImage})
				require.NoError(t, err)
				f.node("full", "x86_64", img)
				f.node("empty", "x86_64")
				if status == "absent" {
					_, err := f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: img.ID})
					require.NoError(t, err)
				} else {
					f.inStatus(img, domain.ImageStatus(status))
				}

				did, err := verb.do(f, img)
				got := did + "; " + f.statusNow(fleetVerbImage)
				if err != nil {
					got = string(domain.CodeOf(err)) + "/" + domain.ReasonOf(err)
					require.NotEmpty(t, domain.OnOf(err), "the error names the thing: %v", err)
					require.Equal(t, status, f.statusNow(fleetVerbImage), "a verb that fails changes nothing")
				}
				require.Equal(t, want, got)
			})
		}
	}
}

// statusNow is the status of the one image of that name, or absent.
func (f *fleet) statusNow(canonical string) string {
	f.tb.Helper()
	res, err := f.GetImage(f.root, actions.GetImageAction{Reference: canonical, Statuses: domain.ImageStatuses()})
	if domain.CodeOf(err) == domain.CodeNotFound {
		return "absent"
	}
	require.NoError(f.tb, err)
	return string(res.Image.Status)
}
