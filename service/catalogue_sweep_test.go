package service_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
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
	"registry.disassociate", "registry.rescan",
	"agent.purge_images", "agent.preload_images", "agent.unload_images", "agent.register", "agent.modify", "agent.remove",
	"scaling_group.allow", "scaling_group.disallow",
}

// reaching grants everybody everything, as far as it reaches.
type reaching domain.Reach

func (r reaching) Authorize(context.Context, domain.Actor, string) (domain.Grant, error) {
	return domain.Grant{Reach: domain.Reach(r), Rule: "reaching"}, nil
}

func (r reaching) Explain(_ context.Context, a domain.Actor, permission string) (domain.Decision, error) {
	return domain.Decision{Actor: a, Permission: permission, Grant: domain.Grant{Reach: domain.Reach(r)}}, nil
}

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

// A real store: whatever of the two an action is, it may only fail on its rows.
func TestAdminActionsNeedAGrantOverEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, reach := range []domain.Reach{domain.ReachOwn, domain.ReachVisible} {
		svc := w.again(withAuthorizer(reaching(reach)))
		for _, e := range service.Catalogue() {
			_, err := e.Invoke(w.as(domain.Actor{ID: "alice", Domain: "default"}), svc, example(t, e))
			refused := domain.ReasonOf(err) == "reach_too_small"
			other := e.Spec.Name == "access.explain" // about somebody else, in the example
			require.Equal(t, slices.Contains(adminActions, e.Spec.Name) || other, refused, "%s with reach %s: %v", e.Spec.Name, reach, err)
			if refused {
				require.ErrorIs(t, err, domain.ErrForbidden)
			}
		}
	}
}

// world is a fleet with one of everything: a registry that is allowed for the
// domain default, an image with the alias py, and an agent that holds it.
type world struct {
	*fleet
	registry domain.Registry
	image    domain.Image
	agent    *porttest.Agent
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{fleet: newFleet(tb, withAuthorizer(reaching(domain.ReachAny)), func(c *service.Config) { c.Sealer = plainSealer{} })}
	w.registry = w.register(fleetHost, "")
	_, err := w.AllowRegistry(w.root, actions.AllowRegistryAction{RegistryID: w.registry.ID, Domain: "default"})
	require.NoError(tb, err)
	w.image = w.fleet.image("python:3.12")[0]
	_, err = w.AliasImage(w.root, actions.AliasImageAction{Alias: "py", ImageCanonical: w.image.Canonical()})
	require.NoError(tb, err)
	w.agent = w.node("a1", "x86_64", w.image)
	return w
}

// action is an example that is about this world, with the image under its alias.
func (w *world) action(e service.Entry) actions.Action {
	w.tb.Helper()
	a := example(w.tb, e)
	w.fit(reflect.ValueOf(a).Elem())
	if changes, ok := map[string]string{
		"alias.create": `{"alias":"new"}`, "alias.create_by_id": `{"alias":"new"}`,
		"registry.create": `{"name":"new.example.org","project":""}`, "registry.modify": `{"username":"robot"}`,
		"agent.register": `{"agent_id":"new"}`, "agent.report": `{"inventory":null}`, "access.explain": `{"actor":null}`,
	}[e.Spec.Name]; ok {
		require.NoError(w.tb, json.Unmarshal([]byte(changes), a))
	}
	return a
}

func (w *world) fit(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			w.fit(v.Index(i))
		}
		return
	case reflect.Struct:
	default:
		return
	}
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		switch {
		case field.Type == reflect.TypeFor[domain.ImageID]():
			f.SetString(string(w.image.ID))
		case field.Type == reflect.TypeFor[[]domain.ImageID]():
			f.Set(reflect.ValueOf([]domain.ImageID{w.image.ID}))
		case field.Type == reflect.TypeFor[domain.RegistryID]():
			f.SetString(string(w.registry.ID))
		case field.Type == reflect.TypeFor[domain.AgentID](), field.Tag.Get("kind") == "agents":
			f.SetString("a1")
		case field.Type == reflect.TypeFor[domain.Page](), field.Type == reflect.TypeFor[domain.ImageQuery](),
			field.Type == reflect.TypeFor[domain.Filter](), field.Name == "Architecture", field.Name == "Statuses",
			field.Name == "DryRun", field.Name == "Project" && f.Kind() == reflect.Pointer:
			f.SetZero()
		case field.Type == reflect.TypeFor[actions.ImageModifier]():
			f.Set(reflect.ValueOf(actions.ImageModifier{Labels: domain.Set(map[string]string{"a": "b"})}))
		case field.Tag.Get("kind") == "image", field.Tag.Get("kind") == "alias":
			f.SetString("py")
		case field.Tag.Get("kind") == "registry":
			f.SetString(fleetHost)
		case !strings.HasPrefix(field.Type.Name(), "Patch["):
			w.fit(f)
		}
	}
}

// prepare brings the world into the state that an action is for.
func (w *world) prepare(action string) {
	w.tb.Helper()
	switch action {
	case "registry.delete":
		_, err := w.PurgeImageByID(w.root, actions.PurgeImageByIDAction{ImageID: w.image.ID})
		require.NoError(w.tb, err)
	case "agent.preload_images":
		_, err := w.UnloadImages(w.root, actions.UnloadImagesAction{TargetAgents: "a1", Images: []actions.ImageRef{{Name: "py"}}})
		require.NoError(w.tb, err)
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

// An installation with nothing in it answers with empty lists.
func TestEmptyListsAreNotNull(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	for _, e := range service.Catalogue() {
		if e.New().Validate() != nil {
			continue // it needs something
		}
		res, err := e.Invoke(f.root, f.ImageService, e.New())
		require.NoError(t, err, e.Spec.Name)
		require.Empty(t, nulls(reflect.ValueOf(res), e.Result.Name()))
	}
}

// nulls returns the lists and maps of a result that clients would see as null.
func nulls(v reflect.Value, at string) []string {
	var found []string
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			found = nulls(v.Elem(), at)
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, nulls(v.Index(i), at+"[]")...)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			found = append(found, nulls(v.MapIndex(k), at+"{}")...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f, name := v.Type().Field(i), at+"."+v.Type().Field(i).Name
			if !f.IsExported() {
				continue
			}
			isList := v.Field(i).Kind() == reflect.Slice || v.Field(i).Kind() == reflect.Map
			if isList && v.Field(i).IsNil() && !strings.Contains(f.Tag.Get("json"), "omit") {
				found = append(found, name)
			}
			found = append(found, nulls(v.Field(i), name)...)
		}
	}
	return found
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

// everything is all that a dry run could have touched.
func (w *world) everything() string {
	w.tb.Helper()
	var all []any
	for _, e := range service.Catalogue() {
		if strings.HasSuffix(e.Spec.Name, ".list") || e.Spec.Name == "alias.search" {
			a := e.New()
			if list, ok := a.(*actions.ListImagesAction); ok {
				list.Statuses = domain.ImageStatuses()
			}
			res, err := e.Invoke(w.root, w.ImageService, a)
			require.NoError(w.tb, err)
			all = append(all, res)
		}
	}
	hub, node := w.registries[fleetHost], w.agent
	all = append(all, hub.Calls(porttest.OpDeleteTag), hub.Calls(porttest.OpDeleteDigest), node.Calls(porttest.OpPull), node.Calls(porttest.OpRemove))
	return fleetJSON(w.tb, append(all, w.known("a1")))
}

func TestAForeignTenantFindsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.everything()
	foreign := w.as(domain.Actor{ID: "mallory", Role: domain.RoleUser, Domain: "elsewhere", Projects: []string{"vision"}})
	for _, reach := range []domain.Reach{domain.ReachOwn, domain.ReachVisible} {
		svc := w.again(withAuthorizer(reaching(reach)))
		for _, e := range service.Catalogue() {
			a := w.action(e)
			res, err := e.Invoke(foreign, svc, a)
			switch {
			case slices.Contains(adminActions, e.Spec.Name):
				require.ErrorIs(t, err, domain.ErrForbidden, e.Spec.Name)
			case strings.HasSuffix(e.Spec.Name, ".list"), strings.HasSuffix(e.Spec.Name, ".search"):
				require.NoError(t, err, e.Spec.Name)
				require.NotContains(t, fleetJSON(t, res), "python", e.Spec.Name)
				require.NotContains(t, fleetJSON(t, res), w.registry.ID, e.Spec.Name)
			case strings.HasSuffix(e.Spec.Name, "_many"):
				require.NoError(t, err, e.Spec.Name)
				require.Contains(t, fleetJSON(t, res), `"code":"not_found"`, e.Spec.Name)
				require.NotContains(t, fleetJSON(t, res), "python", e.Spec.Name)
			case e.Spec.Name == "access.explain":
				require.NoError(t, err)
			default:
				require.ErrorIs(t, err, domain.ErrNotFound, "%s with reach %s", e.Spec.Name, reach)
				require.NotContains(t, err.Error(), "python", e.Spec.Name)
			}
		}
	}
	require.Equal(t, before, w.everything())
}
