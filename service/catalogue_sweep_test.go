package service_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// adminActions need a grant over everything. All others work with whatever the
// grant reaches.
var adminActions = []string{
	"image.scan", "image.clear", "image.installed_agents",
	"registry.create", "registry.modify", "registry.delete", "registry.allow", "registry.disallow", "registry.associate",
	"registry.disassociate", "registry.rescan", "registry.credential",
	"agent.purge_images", "agent.preload_images", "agent.unload_images", "agent.register", "agent.modify", "agent.remove", "agent.intents", "agent.drop_intents",
	"scaling_group.allow", "scaling_group.disallow",
}

// ofDomain are the actions that name a domain, or a user, that is not the
// caller's to speak for: in the examples the domain default.
var ofDomain = []string{"role.create", "role.bind", "role.unbind", "access.who_can", "access.simulate", "key.create"}

// reaching grants everybody everything, as far as it reaches.
type reaching domain.Reach

func (r reaching) grant(domain.Actor, string) (domain.Grant, error) {
	return domain.Grant{Reach: domain.Reach(r), Rule: "reaching"}, nil
}

func (r reaching) Authorize(_ context.Context, a domain.Actor, permission string) (domain.Grant, error) {
	return r.grant(a, permission)
}

func (r reaching) Explain(_ context.Context, a domain.Actor, permission string) (domain.Decision, error) {
	return domain.Decision{Actor: a, Permission: permission, Grant: domain.Grant{Reach: domain.Reach(r)}}, nil
}

// policy is a real one that grants as far: to users, and everything to superadmins.
func (r reaching) policy() (*rbac.Authorizer, error) {
	return rbac.New(rbac.Config{
		Permissions: service.Permissions(), Policy: "p, superadmin, *, any\np, user, *, " + domain.Reach(r).String(), Rows: noRows{},
	})
}

func (r reaching) Policy(rows domain.PolicyRows) (port.Policy, error) {
	az, err := r.policy()
	if err != nil {
		return nil, err
	}
	return az.Policy(rows)
}

func (r reaching) WhoCan(ctx context.Context, q domain.AccessQuery) (domain.Holders, error) {
	az, err := r.policy()
	if err != nil {
		return domain.Holders{}, err
	}
	return az.WhoCan(ctx, q)
}

func (r reaching) Simulate(ctx context.Context, before, after domain.PolicyRows, limit int) (domain.Flips, error) {
	az, err := r.policy()
	if err != nil {
		return domain.Flips{}, err
	}
	return az.Simulate(ctx, before, after, limit)
}

// noRows is a database without roles.
type noRows struct{}

func (noRows) Revision(context.Context) (int64, error)   { return 1, nil }
func (noRows) Load(context.Context) (rbac.Policy, error) { return rbac.Policy{}, nil }

func withAuthorizer(az port.Authorizer) func(*service.Config) {
	return func(c *service.Config) { c.Authorizer = az }
}

func TestNobodyGetsThroughTheDoorWithoutAGrant(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t, forbidden: true, authorize: func(domain.Actor, string) (domain.Grant, error) { return domain.Grant{}, nil }}
	svc := s.service()
	for _, e := range service.Catalogue() {
		for _, a := range []actions.Action{e.New(), example(t, e)} {
			res, err := e.Invoke(alice(t), svc, a)
			fleetError(t, err, domain.CodeForbidden, "permission_missing")
			require.Equal(t, e.Spec.Requires(), domain.OnOf(err))
			require.Zero(t, res)
			require.Equal(t, []string{"limit " + e.Spec.Effect.String(), "authorize " + e.Spec.Requires(), "audit denied"}, s.played())

			res, err = e.Invoke(t.Context(), svc, a)
			fleetError(t, err, domain.CodeUnauthenticated, "no_actor")
			require.Zero(t, res)
			require.Empty(t, s.played())
		}
	}
}

// A reach that is too small is a denial like any other: nothing starts, nothing
// is said of the input, and repeats share an entry.
func TestAdminActionsAreDeniedBeforeTheyStart(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t, forbidden: true, authorize: reaching(domain.ReachVisible).grant}
	svc := s.service()
	for _, e := range service.Catalogue() {
		if !slices.Contains(adminActions, e.Spec.Name) {
			continue
		}
		for _, a := range []actions.Action{example(t, e), e.New()} {
			_, err := e.Invoke(alice(t), svc, a)
			if assert.Equal(t, "reach_too_small", domain.ReasonOf(err), e.Spec.Name) {
				assert.Equal(t, []string{"limit " + e.Spec.Effect.String(), "authorize " + e.Spec.Requires(), "audit denied"}, s.played(), e.Spec.Name)
			}
			s.played()
		}
	}
}

// A real store: whatever of the two an action is, it may only fail on its rows.
func TestAdminActionsNeedAGrantOverEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, reach := range []domain.Reach{domain.ReachOwn, domain.ReachVisible} {
		svc := w.again(withAuthorizer(reaching(reach)))
		for _, e := range service.Catalogue() {
			_, err := e.Invoke(w.as(domain.Actor{ID: "alice", Domain: "default"}), svc, example(t, e))
			refused := domain.ReasonOf(err) == "reach_too_small"
			// In the examples two are about somebody else, and one pushes.
			other := slices.Contains([]string{"access.explain", "key.create", "build.image"}, e.Spec.Name)
			require.Equal(t, slices.Contains(adminActions, e.Spec.Name) || other, refused, "%s with reach %s: %v", e.Spec.Name, reach, err)
			if refused {
				require.ErrorIs(t, err, domain.ErrForbidden)
			}
		}
	}
}

func TestEveryActionWorksWithAnAliasAndGivesListsAndNotNull(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		t.Run(e.Spec.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.prepare(e.Spec.Name)
			a := w.action(e)
			res, err := e.Invoke(w.root, w.ImageService, a)
			require.NoError(t, err, fleetJSON(t, a))
			require.NotContains(t, fleetJSON(t, res), `"code":`, "an item failed")
			require.Empty(t, nulls(reflect.ValueOf(res), e.Result.Name()))
		})
	}
}

func TestEveryActionThatTakesAnImageTakesImageURIs(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for _, name := range []string{"image:python:3.12", "image:/kernels/python:3.12", "image://lab/kernels/python:3.12"} {
		for _, e := range service.Catalogue() {
			if !takesImage(reflect.TypeOf(e.New()).Elem()) {
				continue
			}
			taken[e.Spec.Name] = true
			t.Run(name+" "+e.Spec.Name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.prepare(e.Spec.Name)
				w.name = name
				a := w.action(e)
				require.Contains(t, fleetJSON(t, a), name)
				res, err := e.Invoke(w.root, w.ImageService, a)
				require.NoError(t, err, fleetJSON(t, a))
				require.NotContains(t, fleetJSON(t, res), `"code":`, "an item failed")
			})
		}
	}
	for _, name := range []string{"image.get", "alias.create", "image.forget", "agent.preload_images", "agent.purge_images"} {
		require.True(t, taken[name], name)
	}
}

// takesImage reports whether an action has a field for the name of an image.
func takesImage(typ reflect.Type) bool {
	if typ.Kind() == reflect.Slice {
		return takesImage(typ.Elem())
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[domain.Filter]() { // which holds filters
		return false
	}
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Tag.Get("kind") == "image" || takesImage(f.Type) {
			return true
		}
	}
	return false
}

func TestAnImageURIOfNoClusterSaysSoAndNotThatTheImageIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.GetImage(w.root, actions.GetImageAction{Reference: "image://nowhere/kernels/python:3.12"})
	fleetError(t, err, domain.CodeInvalid, "cluster_unknown")
	_, err = w.ForgetImage(w.root, actions.ForgetImageAction{Reference: "image://nowhere/kernels/python:3.12"})
	fleetError(t, err, domain.CodeInvalid, "cluster_unknown")
	_, err = w.GetImage(w.root, actions.GetImageAction{Reference: "image:other"})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
	_, err = w.AliasImage(w.root, actions.AliasImageAction{Alias: "image:python:3.12", ImageCanonical: "py"})
	fleetError(t, err, domain.CodeConflict, "alias_shadows_image")
	_, err = w.AliasImage(w.root, actions.AliasImageAction{Alias: "image:latest", ImageCanonical: "py"})
	fleetError(t, err, domain.CodeInvalid, "ambiguous_image_latest")
	_, err = service.New(service.Config{
		Store: w.store, Authorizer: porttest.AllowAll{}, References: domain.ReferenceParser{Clusters: domain.Clusters{Current: "nowhere"}},
	})
	fleetError(t, err, domain.CodeInvalid, "cluster_unknown")
}

// An installation with nothing in it answers with empty lists.
func TestEmptyListsAreNotNull(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	for _, e := range service.Catalogue() {
		if e.New().Validate() != nil || e.Spec.Name == "remote.list" {
			continue // it needs something, or a cluster
		}
		res, err := e.Invoke(f.root, f.ImageService, e.New())
		require.NoError(t, err, e.Spec.Name)
		require.Empty(t, nulls(reflect.ValueOf(res), e.Result.Name()))
	}
}

// A tag may hold no image at all.
func TestAScanThatSeesNoImageGivesAnEmptyList(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	f.registries[fleetHost].Push(porttest.RegistryContent{
		Repository: "app", Tags: []string{"sig"}, Index: true, Images: []porttest.RegistryImage{{Attestation: true, Content: "x"}},
	})
	res, err := f.ScanImage(f.root, actions.ScanImageAction{Reference: fleetHost + "/app:sig"})
	require.NoError(t, err)
	require.Empty(t, nulls(reflect.ValueOf(res), "ScanImageResult"))
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		if _, ok := e.Action.FieldByName("DryRun"); !ok {
			continue
		}
		t.Run(e.Spec.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.prepare(e.Spec.Name)
			before := w.everything()
			a := w.action(e)
			require.NoError(t, json.Unmarshal([]byte(`{"dry_run":true,"force":true,"remove_from_registry":true,"remove_from_agents":true}`), a))
			res, err := e.Invoke(w.root, w.ImageService, a)
			require.NoError(t, err)
			require.True(t, reflect.ValueOf(res).FieldByName("DryRun").Bool())
			require.Equal(t, before, w.everything())
		})
	}
}

func TestAForeignTenantFindsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit(false)
	before := w.everything()
	foreign := w.as(domain.Actor{ID: "mallory", Role: domain.RoleUser, Domain: "elsewhere", Projects: []string{"vision"}})
	for _, reach := range []domain.Reach{domain.ReachOwn, domain.ReachVisible} {
		svc := w.again(withAuthorizer(reaching(reach)))
		for _, e := range service.Catalogue() {
			if e.Spec.Name == "build_task.create" {
				continue // it is of nobody else
			}
			a := w.action(e)
			res, err := e.Invoke(foreign, svc, a)
			switch {
			case slices.Contains(adminActions, e.Spec.Name), slices.Contains(ofDomain, e.Spec.Name):
				require.ErrorIs(t, err, domain.ErrForbidden, e.Spec.Name)
			case strings.HasSuffix(e.Spec.Name, ".list") && e.Spec.Name != "remote.list", e.Spec.Name == "alias.search", e.Spec.Name == "role.bindings":
				require.NoError(t, err, e.Spec.Name)
				require.NotContains(t, fleetJSON(t, res), ":[{", "%s lists something", e.Spec.Name)
			case e.Spec.Name == "audit.search":
				require.NoError(t, err)
				require.NotContains(t, fleetJSON(t, res), `"actor":"root"`)
			case strings.HasSuffix(e.Spec.Name, "_many"), e.Spec.Name == "remote.remove":
				require.NoError(t, err, e.Spec.Name)
				require.Contains(t, fleetJSON(t, res), `"code":"not_found"`, e.Spec.Name)
				require.NotContains(t, fleetJSON(t, res), "python", e.Spec.Name)
			case e.Spec.Name == "access.explain", e.Spec.Name == "reference.parse": // tells of a text, not of an image
				require.NoError(t, err)
			default:
				require.ErrorIs(t, err, domain.ErrNotFound, "%s with reach %s", e.Spec.Name, reach)
				require.NotContains(t, err.Error(), "python", e.Spec.Name)
			}
		}
	}
	require.Equal(t, before, w.everything())
}
