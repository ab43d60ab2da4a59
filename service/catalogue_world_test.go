package service_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// world is a fleet with one of everything: a registry that is allowed for the
// domain default, the image image://lab/kernels/python:3.12 with the alias py, an agent that holds it, a role and
// a binding in that domain, and a key.
type world struct {
	*fleet
	name     string // what actions call the image
	registry domain.Registry
	image    domain.Image
	agent    *porttest.Agent
	task     domain.TaskID
	key      domain.KeyID
	builder  *buildNode // d1, which builds; it has built the image 1 from the model 1 of the build task 1
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{name: "py", builder: newBuildNode()}
	sources := tb.TempDir()
	require.NoError(tb, os.Mkdir(filepath.Join(sources, "mnist"), 0o700))
	w.fleet = newFleet(tb, withMover(&mover{}), withAuthorizer(reaching(domain.ReachAny)), withBuilders(sources, map[domain.AgentID]*buildNode{"d1": w.builder}), func(c *service.Config) {
		c.Sealer, c.Build.Agent = plainSealer{}, "d1"
		c.References.Clusters.All = []domain.Cluster{{Name: "lab", Registry: fleetHost, Project: "kernels"}}
	})
	w.registry = w.register(fleetHost, "")
	_, err := w.AllowRegistry(w.root, actions.AllowRegistryAction{RegistryID: w.registry.ID, Domain: "default"})
	require.NoError(tb, err)
	w.image = w.fleet.image("kernels/python:3.12")[0]
	_, err = w.AliasImage(w.root, actions.AliasImageAction{Alias: "py", ImageCanonical: w.image.Canonical()})
	require.NoError(tb, err)
	w.agent = w.engine("a1", w.image).Agent
	_, err = w.CreateRole(w.root, actions.CreateRoleAction{Name: "auditor", Rules: []domain.RoleRule{{Permission: "image.forget", Reach: domain.ReachVisible, Domain: "default"}}})
	require.NoError(tb, err)
	_, err = w.BindRole(w.root, actions.BindRoleAction{Binding: domain.Binding{User: "alice", Role: "user", Domain: "default"}})
	require.NoError(tb, err)
	key, err := w.CreateKey(w.root, actions.CreateKeyAction{Name: "ci"})
	require.NoError(tb, err)
	w.key = key.Key.ID
	w.builds()
	return w
}

// builds adds a build task with a model, a pipeline, and an image of the model.
func (w *world) builds() {
	w.tb.Helper()
	_, err := w.RegisterAgent(w.root, actions.RegisterAgentAction{AgentID: "d1", Kind: domain.AgentDocker, Address: "unix:///d", ScalingGroup: "gpu"})
	require.NoError(w.tb, err)
	task, err := w.CreateBuildTask(w.root, actions.CreateBuildTaskAction{Name: "first"})
	require.NoError(w.tb, err)
	source := domain.BuildSource{Type: domain.BuildFromDirectory, Path: "mnist"}
	model, err := w.CreateModel(w.root, actions.CreateModelAction{TaskID: task.Task.ID, Name: "first", Source: source})
	require.NoError(w.tb, err)
	_, err = w.CreatePipeline(w.root, actions.CreatePipelineAction{TaskID: task.Task.ID, Name: "first", Source: source})
	require.NoError(w.tb, err)
	_, err = w.BuildImage(w.root, actions.BuildImageAction{Name: "python", ModelID: model.Model.ID})
	require.NoError(w.tb, err)
}

// action is an example that is about this world, with the image under w.name.
func (w *world) action(e service.Entry) actions.Action {
	w.tb.Helper()
	a := example(w.tb, e)
	w.fit(reflect.ValueOf(a).Elem())
	if changes, ok := map[string]string{
		"alias.create": `{"alias":"new"}`, "alias.create_by_id": `{"alias":"new"}`,
		"registry.create": `{"name":"new.example.org","project":""}`, "registry.modify": `{"username":"robot"}`,
		"agent.register": `{"agent_id":"new"}`, "agent.report": `{"inventory":null}`, "access.explain": `{"actor":null}`,
		"reference.parse": `{"text":"python:3.12","kind":"remote"}`,
		"pipeline.get":    `{"id":2}`, "pipeline.delete": `{"id":2}`, "build.image": `{"agent_id":"d1","push":false,"remote":""}`,
		"role.create": `{"name":"new"}`, "key.create": `{"expires_at":"2100-01-01T00:00:00Z"}`,
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
		case field.Type == reflect.TypeFor[domain.TaskID]():
			f.SetString(string(w.task))
		case field.Type == reflect.TypeFor[domain.KeyID]():
			f.SetString(string(w.key))
		case field.Name == "TaskID" && strings.HasPrefix(v.Type().Name(), "List"):
			f.SetZero() // of all
		case field.Type.Kind() == reflect.Int64 && slices.Contains([]string{"ID", "TaskID", "ModelID"}, field.Name):
			f.SetInt(1)
		case field.Type == reflect.TypeFor[domain.AgentID](), field.Tag.Get("kind") == "agents":
			f.SetString("a1")
		case field.Type == reflect.TypeFor[domain.Page](), field.Type == reflect.TypeFor[domain.ImageQuery](),
			field.Type == reflect.TypeFor[domain.Filter](), field.Name == "Architecture", field.Name == "Statuses",
			field.Name == "DryRun", field.Name == "Revision", field.Name == "Project" && f.Kind() == reflect.Pointer:
			f.SetZero()
		case field.Type == reflect.TypeFor[actions.ImageModifier]():
			f.Set(reflect.ValueOf(actions.ImageModifier{Labels: domain.Set(map[string]string{"a": "b"})}))
		case field.Tag.Get("kind") == "image":
			fleetSet(f, w.name)
		case field.Tag.Get("kind") == "repository":
			f.SetString("py") // stands for its repository
		case field.Tag.Get("kind") == "alias":
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
	if strings.HasPrefix(action, "task.") {
		w.submit(action == "task.retry")
	}
	switch action {
	case "registry.credential":
		_, err := w.ModifyRegistry(w.root, actions.ModifyRegistryAction{RegistryID: w.registry.ID, Username: domain.Set("robot"), Password: domain.Set(domain.Secret("s3cret"))})
		require.NoError(w.tb, err)
	case "image.save": // replaces what is its own, of a container
		w.registries[fleetHost].Push(porttest.RegistryContent{Repository: w.image.Repository(), Tags: []string{w.image.Tag}, Images: []porttest.RegistryImage{
			{Architecture: "amd64", Labels: map[string]string{domain.LabelCustomizedOwner: "user:root"}},
		}})
		w.image = w.scan(w.image.Canonical())[0]
		_, ok := w.engines["a1"].Run(w.image.Canonical(), true)
		require.True(w.tb, ok)
	case "registry.delete":
		_, err := w.PurgeImageByID(w.root, actions.PurgeImageByIDAction{ImageID: w.image.ID})
		require.NoError(w.tb, err)
	case "model.delete", "build_task.delete":
		_, err := w.DeleteBuiltImage(w.root, actions.DeleteBuiltImageAction{ID: 1})
		require.NoError(w.tb, err)
		if action == "build_task.delete" {
			_, err = w.DeleteModel(w.root, actions.DeleteModelAction{ID: 1})
			require.NoError(w.tb, err)
			_, err = w.DeletePipeline(w.root, actions.DeletePipelineAction{ID: 2})
			require.NoError(w.tb, err)
		}
	case "agent.preload_images":
		_, err := w.UnloadImages(w.root, actions.UnloadImagesAction{TargetAgents: "a1", Images: []actions.ImageRef{{Name: "py"}}})
		require.NoError(w.tb, err)
	}
}

// submit makes a task, and on request one that has failed already.
func (w *world) submit(failed bool) {
	w.tb.Helper()
	res, err := w.RescanImages(w.root, actions.RescanImagesAction{Background: true})
	require.NoError(w.tb, err)
	if w.task = res.TaskID; !failed {
		return
	}
	task, err := w.store.TakeTask(w.tb.Context(), w.task, 0, time.Now())
	require.NoError(w.tb, err)
	_, err = w.store.FlushTask(w.tb.Context(), repository.TaskProgress{
		ID: task.ID, Attempt: task.Attempt, Items: []domain.TaskItem{{Key: "a", State: domain.ItemFailed}}, End: domain.TaskFailed, Now: time.Now(),
	})
	require.NoError(w.tb, err)
}

// everything is all that a dry run could have touched.
func (w *world) everything() string {
	w.tb.Helper()
	var all []any
	for _, e := range service.Catalogue() {
		if strings.HasSuffix(e.Spec.Name, ".list") || e.Spec.Name == "alias.search" || e.Spec.Name == "role.bindings" {
			a := e.New()
			switch list := a.(type) {
			case *actions.ListImagesAction:
				list.Statuses = domain.ImageStatuses()
			case *actions.ListRemoteImagesAction:
				list.Registry = fleetHost
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

// nulls returns the lists and maps of a result that clients would see as null,
// but for those where null is an answer: accelerators, of which it means any.
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
			if isList && v.Field(i).IsNil() && !strings.Contains(f.Tag.Get("json"), "omit") && f.Name != "Accelerators" {
				found = append(found, name)
			}
			found = append(found, nulls(v.Field(i), name)...)
		}
	}
	return found
}
