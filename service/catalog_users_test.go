package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/repositorytest"
	"github.com/wharf-project/wharf/service"
)

var (
	fleetAlice = domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"web"}}
	fleetBob   = domain.Actor{ID: "bob", Role: domain.RoleUser, Domain: "default", Projects: []string{"web"}}
)

// fleetTenants is a fleet with the default policy, where alice and bob see the
// registry: a common image, and one that each has made.
type fleetTenants struct {
	*fleet
	common, alices, bobs domain.Image
	as                   context.Context // alice's
}

func newFleetTenants(t *testing.T) *fleetTenants {
	t.Helper()
	az, err := rbac.Default(service.Permissions())
	require.NoError(t, err)
	f := newFleet(t, func(c *service.Config) { c.Authorizer = az })
	reg := f.register(fleetHost, "")
	_, err = f.AllowRegistry(f.root, actions.AllowRegistryAction{RegistryID: reg.ID, Domain: "default"})
	require.NoError(t, err)
	made := func(tag string, by domain.UserID) domain.Image {
		c := fleetContent("app:"+tag, "", "amd64")
		c.Images[0].Labels = repositorytest.OwnedBy(by)
		f.registries[fleetHost].Push(c)
		return f.scan(fleetHost + "/app:" + tag)[0]
	}
	return &fleetTenants{fleet: f, common: f.image("app:1")[0], alices: made("alice", "alice"), bobs: made("bob", "bob"), as: f.as(fleetAlice)}
}

func TestAUserDoesWhatTheyMayToTheirOwnImageOnly(t *testing.T) {
	t.Parallel()
	for name, verb := range map[string]func(f *fleetTenants, img domain.Image) error{
		"forget": func(f *fleetTenants, img domain.Image) error {
			_, err := f.ForgetImage(f.as, actions.ForgetImageAction{Reference: img.Canonical()})
			return err
		},
		"forget by id": func(f *fleetTenants, img domain.Image) error {
			_, err := f.ForgetImageByID(f.as, actions.ForgetImageByIDAction{ImageID: img.ID})
			return err
		},
		"forget, dry": func(f *fleetTenants, img domain.Image) error {
			_, err := f.ForgetImageByID(f.as, actions.ForgetImageByIDAction{ImageID: img.ID, DryRun: true})
			return err
		},
		"forget many": func(f *fleetTenants, img domain.Image) error {
			res, err := f.ForgetImages(f.as, actions.ForgetImagesAction{ImageIDs: []domain.ImageID{img.ID}})
			require.NoError(t, err)
			if p := res.Outcomes[0].Problem; p != nil {
				return p
			}
			return nil
		},
		"restore": func(f *fleetTenants, img domain.Image) error {
			_, err := f.RestoreImage(f.as, actions.RestoreImageAction{Reference: string(img.ID)})
			return err
		},
		"purge": func(f *fleetTenants, img domain.Image) error {
			_, err := f.PurgeImageByID(f.as, actions.PurgeImageByIDAction{ImageID: img.ID})
			return err
		},
		"purge everywhere": func(f *fleetTenants, img domain.Image) error {
			_, err := f.PurgeImageByID(f.as, actions.PurgeImageByIDAction{ImageID: img.ID, RemoveFromRegistry: true, RemoveFromAgents: true})
			return err
		},
		"purge, dry": func(f *fleetTenants, img domain.Image) error {
			_, err := f.PurgeImageByID(f.as, actions.PurgeImageByIDAction{ImageID: img.ID, DryRun: true, RemoveFromRegistry: true})
			return err
		},
		"purge many": func(f *fleetTenants, img domain.Image) error {
			res, err := f.PurgeImagesByID(f.as, actions.PurgeImagesByIDAction{ImageIDs: []domain.ImageID{img.ID}})
			require.NoError(t, err)
			if p := res.Outcomes[0].Problem; p != nil {
				return p
			}
			return nil
		},
		"untag": func(f *fleetTenants, img domain.Image) error {
			_, err := f.UntagImageFromRegistry(f.as, actions.UntagImageFromRegistryAction{ImageID: img.ID})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleetTenants(t)
			f.node("a", "x86_64", f.common, f.alices, f.bobs)
			fleetError(t, verb(f, f.bobs), domain.CodeNotFound, "image_not_found")
			fleetError(t, verb(f, f.common), domain.CodeForbidden, "image_out_of_reach")
			require.Equal(t, f.bobs, f.fleet.stored(f.bobs.ID).Image)
			require.Equal(t, f.common, f.fleet.stored(f.common.ID).Image)
			require.Len(t, f.registries[fleetHost].Calls("delete_tag"), 0)
			require.Len(t, f.holds("a"), 3)
			require.NoError(t, verb(f, f.alices))
		})
	}
}

func TestAUserSeesWhatIsCommonAndTheirOwn(t *testing.T) {
	t.Parallel()
	f := newFleetTenants(t)
	list, err := f.ListImages(f.as, actions.ListImagesAction{})
	require.NoError(t, err)
	require.Equal(t, []string{"1", "alice"}, fleetSorted(list.Images, func(i domain.ImageDetail) string { return i.Tag }))
	used, err := f.RecordImageUse(f.as, actions.RecordImageUseAction{Reference: f.common.Canonical()})
	require.NoError(t, err)
	require.Equal(t, f.common.ID, used.ImageID)
	_, err = f.RecordImageUse(f.as, actions.RecordImageUseAction{Reference: f.bobs.Canonical()})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
	_, err = f.GetImage(f.as, actions.GetImageAction{Reference: f.bobs.Canonical(), Statuses: domain.ImageStatuses()})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")

	f.alias("bobs", f.bobs.Canonical())
	_, err = f.GetImage(f.as, actions.GetImageAction{Reference: "bobs"})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
	aliases, err := f.SearchAliases(f.as, actions.SearchAliasesAction{})
	require.NoError(t, err)
	require.Empty(t, aliases.Aliases)
}

func TestAUserPurgesTheirOwnImageEverywhere(t *testing.T) {
	t.Parallel()
	f := newFleetTenants(t)
	f.node("a", "x86_64", f.common, f.alices)
	res, err := f.PurgeImageByID(f.as, actions.PurgeImageByIDAction{ImageID: f.alices.ID, RemoveFromRegistry: true, RemoveFromAgents: true})
	require.NoError(t, err)
	require.Equal(t, []domain.AgentID{"a"}, res.RemovedFrom, "although the user sees no agents")
	require.Equal(t, []string{f.common.Canonical() + " x86_64"}, f.holds("a"))
	require.Equal(t, []string{"app:alice"}, f.registries[fleetHost].Calls("delete_tag"))
	require.Equal(t, "absent", f.statusNow(f.alices.Canonical()))
}

func TestAUserUntagsTheirOwnImage(t *testing.T) {
	t.Parallel()
	f := newFleetTenants(t)
	res, err := f.UntagImageFromRegistry(f.as, actions.UntagImageFromRegistryAction{ImageID: f.alices.ID})
	require.NoError(t, err)
	require.Equal(t, domain.ImageMissing, res.Image.Status)
	_, err = f.RestoreImage(f.as, actions.RestoreImageAction{Reference: string(f.alices.ID)})
	fleetError(t, err, domain.CodePrecondition, "image_missing")
}

func TestAUserMayNotDoWhatOperatorsDo(t *testing.T) {
	t.Parallel()
	f := newFleetTenants(t)
	before := fleetJSON(t, []any{f.stored(f.alices.ID), f.stored(f.common.ID)})
	for name, err := range map[string]error{
		"alias": fleetErr(f.AliasImageByID(f.as, actions.AliasImageByIDAction{Alias: "mine", ImageID: f.alices.ID})),
		"modify": fleetErr(f.ModifyImageByID(f.as, actions.ModifyImageByIDAction{
			ImageID: f.alices.ID, Modifier: actions.ImageModifier{IsLocal: domain.Set(true)},
		})),
		"limit":     fleetErr(f.SetImageResourceLimitByID(f.as, actions.SetImageResourceLimitByIDAction{ImageID: f.alices.ID, Slot: "cpu", Min: "1"})),
		"scan":      fleetErr(f.ScanImage(f.as, actions.ScanImageAction{Reference: f.alices.Canonical()})),
		"rescan":    fleetErr(f.RescanImages(f.as, actions.RescanImagesAction{})),
		"clear":     fleetErr(f.ClearImages(f.as, actions.ClearImagesAction{Registry: fleetHost})),
		"installed": fleetErr(f.GetImageInstalledAgents(f.as, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{f.alices.ID}})),
		"preload":   fleetErr(f.PreloadImages(f.as, actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: "x"}}, TargetAgents: "*"})),
		"agents":    fleetErr(f.ListAgents(f.as, actions.ListAgentsAction{})),
		"report":    fleetErr(f.ReportInventory(f.as, actions.ReportInventoryAction{AgentID: "a"})),
		"audit":     fleetErr(f.SearchAudit(f.as, actions.SearchAuditAction{})),
	} {
		fleetError(t, err, domain.CodeForbidden, "permission_missing")
		require.NotEmpty(t, domain.OnOf(err), name)
	}
	require.Equal(t, before, fleetJSON(t, []any{f.stored(f.alices.ID), f.stored(f.common.ID)}))
}

func fleetErr[T any](_ T, err error) error { return err }
