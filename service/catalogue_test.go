package service_test

import (
	"context"
	"encoding"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// destructive are the actions that take something away which a repeated call or
// a rescan does not bring back. Each can be tried without effect.
var destructive = []string{
	"image.forget", "image.forget_by_id", "image.forget_many", "image.purge", "image.purge_many", "image.untag", "image.clear",
	"alias.delete", "registry.delete", "role.delete", "agent.remove", "agent.purge_images", "agent.unload_images",
	"build_task.delete", "model.delete", "pipeline.delete", "build.delete",
}

// superadminOnly are the permissions that the default policy gives to nobody
// but the superadmin: they set the installation up, or concern every user.
var superadminOnly = []string{
	"image.modify", "image.set_limit", "image.clear_limit", "image.clear", "alias.create", "alias.delete",
	"registry.credential", "registry.create", "registry.modify", "registry.delete", "registry.allow", "registry.disallow", "registry.associate", "registry.disassociate",
	"agent.register", "agent.modify", "agent.remove", "agent.drop_intents", "scaling_group.allow", "scaling_group.disallow",
}

// example is the action's filled example, kept beside package actions; tasks
// are not available yet, so it runs in the foreground.
func example(tb testing.TB, e service.Entry) actions.Action {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("..", "actions", "testdata", e.Spec.Name+".json"))
	require.NoError(tb, err)
	action := e.New()
	require.NoError(tb, json.Unmarshal(b, action))
	if f := reflect.ValueOf(action).Elem().FieldByName("Background"); f.IsValid() {
		f.SetBool(false)
	}
	return action
}

// A method that two rooms have vanishes from the service without a word, and a
// method that is missing in the catalogue has no permission, no path and no help.
func TestCatalogueAndMethodsAreTheSame(t *testing.T) {
	t.Parallel()
	entries := map[string]service.Entry{}
	for _, e := range service.Catalogue() {
		require.NotContains(t, entries, e.Method, "in the catalogue twice")
		entries[e.Method] = e
	}
	svc := reflect.TypeFor[*service.ImageService]()
	methods := map[string]bool{}
	for i := range svc.NumMethod() {
		m := svc.Method(i)
		methods[m.Name] = true
		e, ok := entries[m.Name]
		require.True(t, ok, "%s is not in the catalogue", m.Name)
		require.Equal(t, 3, m.Type.NumIn(), m.Name)
		require.Equal(t, reflect.TypeFor[context.Context](), m.Type.In(1), m.Name)
		require.Equal(t, e.Action, m.Type.In(2), m.Name)
		require.Equal(t, m.Name+"Action", e.Action.Name())
		require.Equal(t, 2, m.Type.NumOut(), m.Name)
		require.Equal(t, e.Result, m.Type.Out(0), m.Name)
		require.Equal(t, reflect.TypeFor[error](), m.Type.Out(1), m.Name)
		require.Contains(t, []string{m.Name + "Result", strings.TrimSuffix(m.Name, "ByID") + "Result"}, e.Result.Name())
	}
	require.Len(t, methods, len(entries), "the catalogue names methods that do not exist")

	fields := reflect.TypeFor[service.ImageService]()
	for i := range fields.NumField() {
		room := fields.Field(i).Type
		for j := range room.NumMethod() {
			name := room.Method(j).Name
			require.True(t, methods[name], "%s.%s is hidden by a method of another room", room, name)
		}
	}
}

func TestSpecsAreInOrder(t *testing.T) {
	t.Parallel()
	specs := map[string]actions.Spec{}
	for _, e := range service.Catalogue() {
		s := e.Spec
		require.Regexp(t, regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`), s.Name)
		require.NotContains(t, specs, s.Name, "two actions have one name")
		specs[s.Name] = s
		require.NotEmpty(t, s.Requires(), s.Name)
		require.Regexp(t, regexp.MustCompile(`^[A-Z][^\n]{4,69}[^.\s]$`), s.Summary, s.Name)
		require.Equal(t, s, reflect.Zero(e.Action).Interface().(actions.Action).Spec(), "the same for every value")
		require.Equal(t, s, example(t, e).Spec())
		_, hasBackground := e.Action.FieldByName("Background")
		require.Equal(t, s.Class != "", hasBackground, "%s: what is long can be left to the background", s.Name)
		require.False(t, s.Class != "" && !s.Effect.External(), "%s: what is long reaches beyond our rows", s.Name)
	}
	for name, s := range specs {
		if base, ok := strings.CutSuffix(name, "_by_id"); ok {
			twin, has := specs[base]
			require.True(t, has, "%s has no twin", name)
			require.Equal(t, twin.Requires(), s.Requires(), "twins share the permission")
			require.Equal(t, twin.Effect, s.Effect, "twins share the effect")
		}
		require.Contains(t, specs, s.Requires(), "%s needs a permission that is no action", name)
	}
}

func TestWhatDestroysCanBeTriedFirst(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		f, asks := e.Action.FieldByName("DryRun")
		if slices.Contains(destructive, e.Spec.Name) {
			require.True(t, asks, "%s destroys and has no dry run", e.Spec.Name)
		}
		if !asks {
			continue
		}
		require.Equal(t, "dry_run,omitempty", f.Tag.Get("json"), e.Spec.Name)
		g, tells := e.Result.FieldByName("DryRun")
		require.True(t, tells, "%s does not say that it was a dry run", e.Spec.Name)
		require.Equal(t, "dry_run,omitempty", g.Tag.Get("json"), e.Spec.Name)
	}
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func TestEveryFieldHasANameInSnakeCase(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			if typ.Kind() == reflect.Map {
				walk(typ.Key())
			}
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		opaque := typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || strings.HasPrefix(typ.Name(), "Patch[") || typ == reflect.TypeFor[time.Time]()
		if seen[typ] || opaque {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if (!f.Anonymous || name != "") && name != "-" && !snakeCase.MatchString(name) {
				found[typ.String()+"."+f.Name] = true
			}
			walk(f.Type)
		}
	}
	for _, e := range service.Catalogue() {
		walk(e.Action)
		walk(e.Result)
	}
	require.Empty(t, found)
}

// What a user may write in the place of an image is marked, so that transports
// and sweeps find it.
func TestEveryReferenceFieldIsMarked(t *testing.T) {
	t.Parallel()
	marked := 0
	var walk func(action string, typ reflect.Type)
	walk = func(action string, typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[domain.Filter]() {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			kind, name := f.Tag.Get("kind"), strings.Split(f.Tag.Get("json"), ",")[0]
			if f.Type.Kind() == reflect.String && slices.Contains([]string{"reference", "image_canonical", "target"}, name) {
				require.Equal(t, "image", kind, "%s: %s", action, name)
			}
			if kind != "" {
				require.Contains(t, []string{"image", "repository", "alias", "registry", "agent", "agents", "task", "future"}, kind, "%s: %s", action, name)
				marked++
			}
			walk(action, f.Type)
		}
	}
	for _, e := range service.Catalogue() {
		walk(e.Spec.Name, e.Action)
	}
	require.Greater(t, marked, 20)
}

func TestAnEntryInvokesItsActionAndNoOther(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t}
	svc := s.service()
	list := service.Catalogue()
	require.Equal(t, "GetImage", list[0].Method)
	value := actions.GetImageAction{Reference: "python:3.12"}
	for _, a := range []actions.Action{value, &value} {
		res, err := list[0].Invoke(alice(t), svc, a)
		require.NoError(t, err)
		require.IsType(t, actions.GetImageResult{}, res)
	}
	s.played()
	for _, a := range []actions.Action{actions.ForgetImageAction{}, nil, (*actions.GetImageAction)(nil)} {
		_, err := list[0].Invoke(alice(t), svc, a)
		require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
	}
	require.Empty(t, s.played())
	require.IsType(t, &actions.GetImageAction{}, list[0].New())
}

func TestPermissionsComeOnceEach(t *testing.T) {
	t.Parallel()
	list := service.Permissions()
	sorted := slices.Sorted(slices.Values(list))
	require.Equal(t, slices.Compact(slices.Clone(sorted)), sorted)
	require.Less(t, len(list), len(service.Catalogue()))
}

func TestTheDefaultPolicyKnowsEveryPermission(t *testing.T) {
	t.Parallel()
	az, err := rbac.Default(service.Permissions())
	require.NoError(t, err)
	var only []string
	for _, permission := range service.Permissions() {
		root, err := az.Authorize(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin}, permission)
		require.NoError(t, err)
		require.Equal(t, domain.ReachAny, root.Reach, permission)
		others := 0
		for _, role := range []domain.Role{domain.RoleAdmin, domain.RoleMonitor, domain.RoleUser, rbac.RoleSystem, rbac.RoleAgent, rbac.RoleWebhook} {
			g, err := az.Authorize(t.Context(), domain.Actor{ID: "x", Role: role, Domain: "default"}, permission)
			require.NoError(t, err)
			if g.Reach > domain.ReachNone {
				others++
			}
		}
		if others == 0 {
			only = append(only, permission)
		}
	}
	require.ElementsMatch(t, superadminOnly, only)
}

// Whoever may not change anything has no permission of an action that does.
func TestAMonitorChangesNothing(t *testing.T) {
	t.Parallel()
	az, err := rbac.Default(service.Permissions())
	require.NoError(t, err)
	for _, e := range service.Catalogue() {
		g, err := az.Authorize(t.Context(), domain.Actor{ID: "m", Role: domain.RoleMonitor}, e.Spec.Requires())
		require.NoError(t, err)
		require.False(t, g.Reach > domain.ReachNone && e.Spec.Effect != actions.Read, e.Spec.Name)
	}
}
