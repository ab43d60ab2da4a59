package actions_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// filled returns a value of an action with something in every field, the same
// on every call. All of it is valid, so that it also serves as an example; but
// a dry run in the background.
func filled(t *testing.T, e service.Entry) actions.Action {
	t.Helper()
	action := e.New()
	f := filler{t: t, action: e.Spec.Name}
	f.fill(reflect.ValueOf(action).Elem(), e.Action.Name(), "")
	return action
}

// texts are the values of plain strings: by type and JSON name, or by JSON name.
var texts = map[string]string{
	"ImageModifier.image":         "stable/python",
	"ImageModifier.name":          "cr.example.org/stable/python:3.12",
	"ImageModifier.registry":      "cr.example.org",
	"CreateRegistryAction.name":   "cr.example.org",
	"CreateKeyAction.name":        "ci",
	"CreateRoleAction.name":       "auditor",
	"ModifyRoleAction.name":       "auditor",
	"DeleteRoleAction.name":       "auditor",
	"GetRoleAction.name":          "auditor",
	"RuleOf.role":                 "auditor",
	"ImageRef.name":               "cr.example.org/stable/python:3.12",
	"InventoryImage.canonical":    "cr.example.org/stable/python:3.12",
	"address":                     "/var/lib/wharf",
	"alias":                       "python",
	"architecture":                "aarch64",
	"canonical":                   "cr.example.org/stable/python:3.12",
	"containers":                  "c-1",
	"container":                   "c1",
	"domain":                      "default",
	"group":                       "vision",
	"image_canonical":             "cr.example.org/stable/python:3.12",
	"labels":                      "value",
	"image":                       "cr.example.org/stable/python",
	"images":                      "cr.example.org/stable/python:3.12",
	"local":                       "python:3.12",
	"remote":                      "cr.example.org/stable/python:3.12",
	"ListRemoteImagesAction.name": "stable/.*",
	"max":                         "8",
	"min":                         "2",
	"permission":                  "image.forget",
	"project":                     "vision",
	"projects":                    "vision",
	"revision":                    "r1",
	"reference":                   "cr.example.org/stable/python:3.12",
	"registry":                    "cr.example.org",
	"scaling_group":               "gpu",
	"scopes":                      "image.*",
	"slot":                        "cpu",
	"supported_accelerators":      "cuda",
	"tag":                         "3.12",
	"target":                      "cr.example.org/stable/python:3.12",
	"target_agents":               "node-1,node-2",
	"token_realms":                "auth.example.org",
	"url":                         "https://cr.example.org",
	"username":                    "robot",
	"ParseReferenceAction.kind":   "platform",
	"ParseReferenceAction.tag":    "optional",
	"ParseReferenceAction.text":   "image://lab/vision/python:3.12",
	"BuildImageAction.name":       "image_name",
	"BuildImageAction.repository": "task_one",
	"BuildImageAction.remote":     "cr.example.org/stable/app:1",
	"CreateBuildTaskAction.name":  "mnist",
	"CreateModelAction.name":      "net",
	"CreatePipelineAction.name":   "net",
	"RenameBuiltImageAction.name": "first image",
}

// sorts are the default orders of lists; their fields are text, or a time.
var sorts = map[string]string{
	"image.list": "canonical", "alias.search": "alias", "registry.list": "name", "agent.list": "id",
	"scaling_group.list": "scaling_group", "audit.search": "at",
	"task.get": "key", "task.list": "created_at", "agent.intents": "agent",
	"remote.list": "repository", "remote.tags": "tag",
	"role.list": "name", "role.bindings": "user", "key.list": "created_at",
	"build_task.list": "id", "model.list": "id", "pipeline.list": "id", "build.list": "id",
}

const someDigest = "sha256:4b8d1c7f6a53e2094b8d1c7f6a53e2094b8d1c7f6a53e2094b8d1c7f6a53e209"

// values are the values of types that have rules of their own.
var values = map[reflect.Type]any{
	reflect.TypeFor[time.Time]():           time.Date(2026, 1, 31, 12, 30, 15, 123456000, time.UTC),
	reflect.TypeFor[domain.ImageID]():      domain.ImageID("01890a5d-ac96-774b-bcce-b302099a8057"),
	reflect.TypeFor[domain.RegistryID]():   domain.RegistryID("01890a5d-ac96-774b-bcce-b302099a8058"),
	reflect.TypeFor[domain.AgentID]():      domain.AgentID("node-1"),
	reflect.TypeFor[domain.TaskID]():       domain.TaskID("01890a5d-ac96-774b-bcce-b302099a8059"),
	reflect.TypeFor[domain.UserID]():       domain.UserID("alice"),
	reflect.TypeFor[domain.Role]():         domain.RoleUser,
	reflect.TypeFor[domain.Reach]():        domain.ReachVisible,
	reflect.TypeFor[domain.KeyID]():        domain.KeyID("01890a5d-ac96-774b-bcce-b302099a805a"),
	reflect.TypeFor[domain.ImageStatus]():  domain.ImageForgotten,
	reflect.TypeFor[domain.ImageType]():    domain.ImageTypeService,
	reflect.TypeFor[domain.AgentKind]():    domain.AgentOCILayout,
	reflect.TypeFor[domain.AgentStatus]():  domain.AgentOffline,
	reflect.TypeFor[domain.RegistryType](): domain.RegistryOCI,
	reflect.TypeFor[domain.Digest]():       domain.Digest(someDigest),
	reflect.TypeFor[domain.Secret]():       domain.Secret("***"), // what a secret reads back as
	reflect.TypeFor[domain.BuildSource]():  domain.BuildSource{Type: domain.BuildFromDirectory, Path: "mnist"},
	reflect.TypeFor[domain.Limits]():       domain.Limits{"cpu": {Min: "2", Max: "8"}},
}

type filler struct {
	t      *testing.T
	action string
}

func (f filler) fill(v reflect.Value, owner, name string) {
	f.t.Helper()
	if text, ok := texts[owner+"."+name]; ok && v.Kind() == reflect.String {
		v.SetString(text)
		return
	}
	if known, ok := values[v.Type()]; ok {
		v.Set(reflect.ValueOf(known))
		return
	}
	switch v.Type() {
	case reflect.TypeFor[domain.Filter]():
		v.Set(reflect.ValueOf(f.filter()))
		return
	case reflect.TypeFor[domain.Page]():
		p := domain.Page{Limit: 20, Sort: sorts[f.action], Desc: true, Count: true}
		p.After = domain.Cursor{Sort: p.Sort, Desc: p.Desc, Key: "key", ID: "id"}.String()
		v.Set(reflect.ValueOf(p))
		return
	}
	switch v.Kind() {
	case reflect.String:
		text, ok := texts[name]
		require.True(f.t, ok, "no example for the field %s of %s", name, owner)
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), owner, name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), owner, name)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		key.SetString("key")
		f.fill(value, owner, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		f.fillStruct(v, owner, name)
	default:
		f.t.Fatalf("the filler does not know the kind %s of %s in %s", v.Kind(), name, owner)
	}
}

func (f filler) fillStruct(v reflect.Value, owner, name string) {
	if strings.HasPrefix(v.Type().Name(), "Patch[") {
		f.fillPatch(v, owner, name)
		return
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		jsonName, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch jsonName {
		case "offline", // contradicts the inventory
			"store",                     // the agent
			"pipeline_id", "skip_build": // the model, and the push
			continue
		}
		f.fill(v.Field(i), v.Type().Name(), jsonName)
	}
}

// fillPatch sets a value; JSON is the way in that every Patch has.
func (f filler) fillPatch(v reflect.Value, owner, name string) {
	get, ok := v.Type().MethodByName("Get")
	require.True(f.t, ok)
	value := reflect.New(get.Type.Out(0)).Elem()
	f.fill(value, owner, name)
	b, err := json.Marshal(value.Interface())
	require.NoError(f.t, err)
	require.NoError(f.t, json.Unmarshal(b, v.Addr().Interface()))
}

// filter has every form that a filter can take, over one field of the list.
func (f filler) filter() domain.Filter {
	field, value := "name", "a"
	switch f.action {
	case "audit.search":
		field = "actor"
	case "agent.list":
		field = "id"
	case "agent.intents":
		field = "agent"
	case "task.get":
		field = "key"
	case "task.list":
		field = "kind"
	case "role.bindings":
		field = "user"
	case "alias.search", "scaling_group.list":
		field = sorts[f.action]
	}
	return domain.AllOf(
		domain.Where(field, domain.Contains, value),
		domain.AnyOf(domain.Where(field, domain.In, value, "b"), domain.NotOf(domain.Where(field, domain.Eq, value))),
	)
}
