package parity_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/repositorytest"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

const (
	hub    = "cr.example.org"     // of the domain default
	theirs = "theirs.example.org" // of the domain elsewhere
	empty  = "empty.example.org"  // of nobody, without images
)

var (
	root    = domain.Actor{ID: "root", Role: domain.RoleSuperadmin}
	alice   = domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"web"}}
	mallory = domain.Actor{ID: "mallory", Role: domain.RoleUser, Domain: "elsewhere", Projects: []string{"web"}}
	nobody  = domain.Actor{ID: "eve", Role: "nobody", Domain: "default"}
)

// site is an installation as every test begins with: the bytes of its database,
// what is outside of it, and the ids of what it has by the names that cases use.
type site struct {
	data   []byte
	images []domain.Image
	ids    map[string]string
}

var built = sync.OnceValues(func() (*site, error) {
	dir, err := os.MkdirTemp("", "parity")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s := &site{ids: map[string]string{}}
	if err := s.build(dir); err != nil {
		return nil, err
	}
	s.data, err = os.ReadFile(filepath.Join(dir, "wharf.db"))
	return s, err
})

func theSite(t *testing.T) *site {
	t.Helper()
	s, err := built()
	require.NoError(t, err)
	return s
}

// outside is what the service talks to.
type outside struct {
	registries map[string]*porttest.Registry
	agents     map[domain.AgentID]*porttest.Agent
	hand       *porttest.Local // images at hand: tool:1
	engine     *engine         // engine-1
}

func (s *site) outside() *outside {
	o := &outside{registries: map[string]*porttest.Registry{}, agents: map[domain.AgentID]*porttest.Agent{}}
	for _, host := range []string{hub, theirs, empty} {
		o.registries[host] = porttest.NewRegistry()
	}
	push := func(host, name, owner string, archs ...string) {
		repo, tag, _ := strings.Cut(name, ":")
		c := porttest.RegistryContent{Repository: repo, Tags: []string{tag}, Index: len(archs) > 1}
		for _, a := range archs {
			i := porttest.RegistryImage{Architecture: a, Content: name}
			if owner != "" {
				i.Labels = repositorytest.OwnedBy(domain.UserID(owner))
			}
			c.Images = append(c.Images, i)
		}
		o.registries[host].Push(c)
	}
	push(hub, "python:3.12", "", "amd64")
	push(hub, "torch:2", "", "amd64", "arm64")
	push(hub, "old:1", "", "amd64")
	push(hub, "app:alice", "alice", "amd64")
	push(theirs, "base:1", "", "amd64")
	o.restock(s.images)
	return o
}

// restock puts images within the reach of the node rack-1, which holds the first.
func (o *outside) restock(images []domain.Image) {
	o.engine = newEngine(o, images)
	shelf := porttest.NewShelf()
	for _, i := range images {
		shelf.Put(porttest.ShelvedOf(i))
	}
	o.hand = porttest.NewLocal(shelf, porttest.Shelved{Canonical: "tool:1", Architecture: "x86_64"})
	if len(images) > 0 {
		i := images[0]
		o.agents["rack-1"] = porttest.NewAgent(shelf, domain.InventoryImage{Canonical: i.Canonical(), Architecture: i.Architecture, Digest: i.ConfigDigest, SizeBytes: i.SizeBytes})
	}
}

// config wires a service to what is outside of it.
func (o *outside) config(dir string) app.Config {
	return app.Config{
		Dir: dir, Keys: base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
		Service: service.Config{
			Architecture: "x86_64", Limiter: service.NewLimiter(nil, nil),
			References: domain.ReferenceParser{Clusters: domain.Clusters{All: []domain.Cluster{{Name: "lab", Registry: "lab.example.org", Project: "tools"}}}},
			Registries: map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: porttest.OpenRegistries(o.registries)},
			Agents:     map[domain.AgentKind]port.OpenAgent{domain.AgentOCILayout: porttest.OpenAgents(o.agents), domain.AgentDocker: o.open},
			Local:      func(context.Context, string) (port.Local, error) { return o.hand, nil },
		},
	}
}

// must collects the first error of many steps.
type must struct{ err error }

func do[A, R any](ctx context.Context, m *must, call func(context.Context, A) (R, error), a A) R {
	res, err := call(ctx, a)
	if err != nil && m.err == nil {
		m.err = err
	}
	return res
}

func (s *site) build(dir string) error {
	o := s.outside()
	a, err := app.Open(context.Background(), o.config(dir))
	if err != nil {
		return err
	}
	m := &must{}
	ctx := domain.WithActor(context.Background(), root)
	for name, host := range map[string]string{"$HUB": hub, "$THEIRS": theirs, "$EMPTY": empty} {
		row := actions.CreateRegistryAction{Name: host}
		if host == empty {
			row.Username, row.Password = "robot", "s3cret"
		}
		s.ids[name] = string(do(ctx, m, a.CreateRegistry, row).Registry.ID)
	}
	do(ctx, m, a.AllowRegistry, actions.AllowRegistryAction{RegistryID: domain.RegistryID(s.ids["$HUB"]), Domain: "default"})
	do(ctx, m, a.AllowRegistry, actions.AllowRegistryAction{RegistryID: domain.RegistryID(s.ids["$THEIRS"]), Domain: "elsewhere"})
	do(ctx, m, a.AssociateRegistry, actions.AssociateRegistryAction{RegistryID: domain.RegistryID(s.ids["$HUB"]), Project: "web"})
	for _, i := range []struct{ name, ref string }{
		{"$PY", hub + "/python:3.12"}, {"$TORCH", hub + "/torch:2"}, {"$OLD", hub + "/old:1"}, {"$APP", hub + "/app:alice"}, {"$BASE", theirs + "/base:1"},
	} {
		for _, found := range do(ctx, m, a.ScanImage, actions.ScanImageAction{Reference: i.ref}).Images {
			s.images = append(s.images, found.Image)
			s.ids[i.name] = string(found.Image.ID)
		}
	}
	if m.err != nil {
		return errors.Join(m.err, a.Close())
	}
	o.restock(s.images)
	do(ctx, m, a.ForgetImageByID, actions.ForgetImageByIDAction{ImageID: domain.ImageID(s.ids["$OLD"])})
	do(ctx, m, a.AliasImage, actions.AliasImageAction{Alias: "snake", ImageCanonical: hub + "/python:3.12"})
	do(ctx, m, a.SetImageResourceLimitByID, actions.SetImageResourceLimitByIDAction{ImageID: domain.ImageID(s.ids["$PY"]), Slot: "cpu", Min: "1", Max: "4"})
	for _, id := range []domain.AgentID{"rack-1", "rack-2"} { // the second one is away
		do(ctx, m, a.RegisterAgent, actions.RegisterAgentAction{AgentID: id, Kind: domain.AgentOCILayout, Address: "/" + string(id), ScalingGroup: "gpu", Architecture: "x86_64", Labels: map[string]string{"zone": "eu"}})
	}
	do(ctx, m, a.RegisterAgent, actions.RegisterAgentAction{AgentID: "engine-1", Kind: domain.AgentDocker, Address: "/engine-1", ScalingGroup: "engines", Architecture: "x86_64"})
	do(ctx, m, a.ReportInventory, actions.ReportInventoryAction{AgentID: "rack-1"})
	do(ctx, m, a.PreloadImages, actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: "snake"}}, TargetAgents: "rack-2"})
	do(ctx, m, a.AllowScalingGroup, actions.AllowScalingGroupAction{ScalingGroupGrant: domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default"}})
	do(ctx, m, a.CreateRole, actions.CreateRoleAction{Name: "auditor", Rules: []domain.RoleRule{{Permission: "image.get", Reach: domain.ReachVisible, Domain: "default"}}})
	do(ctx, m, a.CreateRole, actions.CreateRoleAction{Name: "warden", Rules: []domain.RoleRule{{Permission: "image.forget", Reach: domain.ReachVisible}, {Permission: "image.get", Reach: domain.ReachVisible, Domain: "default"}}})
	do(ctx, m, a.BindRole, actions.BindRoleAction{Binding: domain.Binding{User: "bob", Role: "auditor", Domain: "default"}})
	s.ids["$KEY"] = string(do(ctx, m, a.CreateKey, actions.CreateKeyAction{Name: "ci"}).Key.ID)
	s.ids["$TASK"] = string(do(ctx, m, a.RescanImages, actions.RescanImagesAction{Background: true}).TaskID)
	failed := do(ctx, m, a.RescanImages, actions.RescanImagesAction{Registry: hub, Background: true}).TaskID
	s.ids["$FAILED"] = string(failed)
	s.builds(ctx, m, a)
	s.ids["$NONE"] = string(domain.NewID[domain.ImageID]())
	if m.err == nil {
		m.err = fail(ctx, a, failed)
	}
	return errors.Join(m.err, a.Close())
}

// builds adds the build tasks 1 and 2, the second one empty, the model 1 with the
// image 1, which is a row only, the pipeline 2, and the model 3 without images.
func (s *site) builds(ctx context.Context, m *must, a *app.App) {
	task := do(ctx, m, a.CreateBuildTask, actions.CreateBuildTaskAction{Name: "mnist"}).Task.ID
	do(ctx, m, a.CreateBuildTask, actions.CreateBuildTaskAction{Name: "empty"})
	source := domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: "scratch", Files: map[string]string{"a": "b"}}}
	model := do(ctx, m, a.CreateModel, actions.CreateModelAction{TaskID: task, Name: "net", Source: source}).Model.ID
	do(ctx, m, a.CreatePipeline, actions.CreatePipelineAction{TaskID: task, Name: "nightly", Source: source})
	do(ctx, m, a.CreateModel, actions.CreateModelAction{TaskID: task, Name: "unused", Source: source})
	do(ctx, m, a.BuildImage, actions.BuildImageAction{Name: "image_name", ModelID: model, Repository: "task_one", SkipBuild: true})
}

// fail ends a task as one that failed.
func fail(ctx context.Context, a *app.App, id domain.TaskID) error {
	task, err := a.Store.TakeTask(ctx, id, 0, time.Now())
	if err != nil {
		return err
	}
	_, err = a.Store.FlushTask(ctx, repository.TaskProgress{
		ID: id, Attempt: task.Attempt, Items: []domain.TaskItem{{Key: "a", State: domain.ItemFailed}}, End: domain.TaskFailed, Now: time.Now(),
	})
	return err
}

// copied is a folder with a database of its own.
func (s *site) copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "wharf.db"), s.data, 0o600))
	return dir
}

// fill puts ids where a text names them.
func (s *site) fill(text string) string {
	for name, id := range s.ids {
		text = strings.ReplaceAll(text, name, id)
	}
	return text
}
