package service_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/keyring"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

const fleetPassword = "correct horse battery"

func fleetSealer(tb testing.TB, seed string) *keyring.Keyring {
	tb.Helper()
	ring, err := keyring.New(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(seed, 32)[:32])))
	require.NoError(tb, err)
	return ring
}

// opened keeps the rows that registries were opened with.
type fleetOpened struct {
	mu   sync.Mutex
	rows []domain.Registry
}

func (o *fleetOpened) watch(c *service.Config) {
	open := c.Registries[domain.RegistryOCI]
	c.Registries[domain.RegistryOCI] = func(ctx context.Context, row domain.Registry) (port.Registry, error) {
		o.mu.Lock()
		o.rows = append(o.rows, row)
		o.mu.Unlock()
		return open(ctx, row)
	}
}

func TestARegistrysPasswordReachesItsAdapterAndNobodyElse(t *testing.T) {
	t.Parallel()
	var opened fleetOpened
	f := newFleet(t, func(c *service.Config) { c.Sealer = fleetSealer(t, "a") }, opened.watch)
	f.register("other.example.org", "")
	created, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: fleetHost, Username: "robot", Password: fleetPassword})
	require.NoError(t, err)
	modified, err := f.ModifyRegistry(f.root, actions.ModifyRegistryAction{RegistryID: created.Registry.ID, Password: domain.Set(domain.Secret(fleetPassword + "!"))})
	require.NoError(t, err)
	f.registries[fleetHost] = f.registries["other.example.org"]
	f.push("app:1")
	f.rescan()
	list, err := f.ListRegistries(f.root, actions.ListRegistriesAction{})
	require.NoError(t, err)

	var got string
	for _, row := range opened.rows {
		if row.Name == fleetHost {
			got = row.Password.Reveal()
		}
	}
	require.Equal(t, fleetPassword+"!", got)
	told := fleetJSON(t, []any{created, modified, list, f.audit("registry.create"), f.audit("registry.modify")})
	require.Contains(t, told, "***")
	for _, text := range []string{told, f.logs.String()} {
		require.NotContains(t, text, fleetPassword)
	}
	row, err := f.admin().Read().Registries.Get(t.Context(), created.Registry.ID)
	require.NoError(t, err)
	require.NotContains(t, row.Password.Reveal(), fleetPassword, "the database holds it sealed")
}

func TestPasswordsNeedAKey(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	_, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: fleetHost, Username: "robot", Password: fleetPassword})
	fleetError(t, err, domain.CodePrecondition, "sealer_missing")

	sealed := f.again(func(c *service.Config) { c.Sealer = fleetSealer(t, "a") })
	_, err = sealed.CreateRegistry(f.root, actions.CreateRegistryAction{Name: fleetHost, Username: "robot", Password: fleetPassword})
	require.NoError(t, err)
	for name, svc := range map[string]*service.ImageService{"no key": f.ImageService, "another key": f.again(func(c *service.Config) { c.Sealer = fleetSealer(t, "b") })} {
		res, err := svc.RescanImages(f.root, actions.RescanImagesAction{})
		require.NoError(t, err)
		require.False(t, res.Registries[0].Complete, name)
		require.Len(t, res.Registries[0].Errors, 1, name)
		require.NotContains(t, fleetJSON(t, res), fleetPassword)
	}
}

func TestARegistryIsModifiedFieldByField(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) { c.Sealer = fleetSealer(t, "a") })
	reg := f.register(fleetHost, "stable")
	change := func(a actions.ModifyRegistryAction) (domain.Registry, error) {
		a.RegistryID = reg.ID
		res, err := f.ModifyRegistry(f.root, a)
		return res.Registry, err
	}
	row, err := change(actions.ModifyRegistryAction{URL: domain.Set("http://127.0.0.1:5000"), IsGlobal: domain.Set(false), TokenRealms: domain.Set([]string{"auth.example.org"})})
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:5000", row.Endpoint())
	require.False(t, row.IsGlobal)
	row, err = change(actions.ModifyRegistryAction{Username: domain.Set("robot"), Password: domain.Set(domain.Secret("secret"))})
	require.NoError(t, err)
	require.Equal(t, "robot", row.Username)
	row, err = change(actions.ModifyRegistryAction{Username: domain.Clear[string]()})
	require.NoError(t, err)
	require.Empty(t, row.Username+row.Password.Reveal(), "no user, no password")
	require.Equal(t, []string{"auth.example.org"}, row.TokenRealms, "what is absent stays")

	for name, a := range map[string]actions.ModifyRegistryAction{
		"a URL that is none":        {URL: domain.Set("ftp://x")},
		"credentials in the URL":    {URL: domain.Set("https://a:b@x")},
		"a password without a user": {Password: domain.Set(domain.Secret("secret"))},
		"a user without a password": {Username: domain.Set("robot")},
	} {
		_, err := change(a)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		require.NotEmpty(t, domain.OnOf(err), name)
	}
	_, err = change(actions.ModifyRegistryAction{Type: domain.Set(domain.RegistryType("harbor"))})
	fleetError(t, err, domain.CodePrecondition, "adapter_missing")
	_, err = f.ModifyRegistry(f.root, actions.ModifyRegistryAction{RegistryID: domain.NewID[domain.RegistryID](), IsGlobal: domain.Set(true)})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
}

func TestARegistryIsOpenedOncePerRevision(t *testing.T) {
	t.Parallel()
	var opened fleetOpened
	f := newFleet(t, opened.watch)
	reg := f.register(fleetHost, "")
	f.push("app:1")
	f.scan(fleetHost + "/app:1")
	f.rescan()
	require.Len(t, opened.rows, 1, "tokens and connections are shared")
	_, err := f.ModifyRegistry(f.root, actions.ModifyRegistryAction{RegistryID: reg.ID, TLSSkipVerify: domain.Set(true)})
	require.NoError(t, err)
	f.rescan()
	require.Len(t, opened.rows, 2)
	require.True(t, opened.rows[1].TLSSkipVerify)
}

func TestARegistryIsRegisteredOnceAndGoesWithoutImagesOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	reg := f.register(fleetHost, "")
	for _, name := range []string{fleetHost, strings.ToUpper(fleetHost)} {
		_, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: name})
		fleetError(t, err, domain.CodeConflict, "registry_exists")
	}
	img := f.image("app:1")[0]
	dry, err := f.DeleteRegistry(f.root, actions.DeleteRegistryAction{RegistryID: reg.ID, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, 1, dry.Images)
	_, err = f.DeleteRegistry(f.root, actions.DeleteRegistryAction{RegistryID: reg.ID})
	fleetError(t, err, domain.CodePrecondition, "registry_in_use")
	_, err = f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: img.ID})
	require.NoError(t, err)
	res, err := f.DeleteRegistry(f.root, actions.DeleteRegistryAction{RegistryID: reg.ID})
	require.NoError(t, err)
	require.Equal(t, reg.ID, res.Registry.ID)
	_, err = f.DeleteRegistry(f.root, actions.DeleteRegistryAction{RegistryID: reg.ID})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
}

func TestWhoMayUseARegistryIsSaidTwiceWithoutHarm(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	id := f.register(fleetHost, "").ID
	for _, want := range []bool{true, false} {
		allowed, err := f.AllowRegistry(f.root, actions.AllowRegistryAction{RegistryID: id, Domain: "default"})
		require.NoError(t, err)
		require.Equal(t, want, allowed.Changed)
		associated, err := f.AssociateRegistry(f.root, actions.AssociateRegistryAction{RegistryID: id, Project: "web"})
		require.NoError(t, err)
		require.Equal(t, want, associated.Changed)
	}
	list, err := f.ListRegistries(f.root, actions.ListRegistriesAction{Where: domain.Where("domain", domain.Eq, "default")})
	require.NoError(t, err)
	require.Equal(t, []string{"web"}, list.Registries[0].Projects)
	for _, want := range []bool{true, false} {
		disallowed, err := f.DisallowRegistry(f.root, actions.DisallowRegistryAction{RegistryID: id, Domain: "default"})
		require.NoError(t, err)
		require.Equal(t, want, disallowed.Changed)
		disassociated, err := f.DisassociateRegistry(f.root, actions.DisassociateRegistryAction{RegistryID: id, Project: "web"})
		require.NoError(t, err)
		require.Equal(t, want, disassociated.Changed)
	}
	absent := domain.NewID[domain.RegistryID]()
	_, err = f.AllowRegistry(f.root, actions.AllowRegistryAction{RegistryID: absent, Domain: "default"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
	_, err = f.AssociateRegistry(f.root, actions.AssociateRegistryAction{RegistryID: absent, Project: "web"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
}
