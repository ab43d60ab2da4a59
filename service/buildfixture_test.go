package service_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// buildNode is an agent that builds, pushes, and runs what it built, in memory.
type buildNode struct {
	*porttest.Agent

	mu         sync.Mutex
	images     map[string]domain.Digest // by name
	containers []domain.Container
	requests   []domain.BuildRequest
	pushes     []domain.PushRequest
	calls      []string
	hook       func(op string) error // before each call, without the lock
}

func newBuildNode() *buildNode {
	return &buildNode{Agent: porttest.NewAgent(nil), images: map[string]domain.Digest{}}
}

func (n *buildNode) enter(ctx context.Context, op string) error {
	if err := domain.RefuseInTx(ctx, op); err != nil {
		return err
	}
	n.mu.Lock()
	n.calls = append(n.calls, op)
	hook := n.hook
	n.mu.Unlock()
	if hook != nil {
		if err := hook(op); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (n *buildNode) Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) {
	sink.Tell(domain.TransferEvent{Kind: domain.TransferBuild, Message: "Step 1/1"})
	if err := n.enter(ctx, "build"); err != nil {
		return domain.BuildOutcome{}, err
	}
	b, err := json.Marshal([]any{r.Source, r.Labels, r.Architecture})
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	sum := sha256.Sum256(b)
	d := domain.Digest("sha256:" + hex.EncodeToString(sum[:]))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.images[r.Name], n.requests = d, append(n.requests, r)
	return domain.BuildOutcome{Digest: d, SizeBytes: 1}, nil
}

func (n *buildNode) Untag(ctx context.Context, name string) error {
	if err := n.enter(ctx, "untag"); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.containers {
		if d := n.images[name]; d != "" && c.Image == d {
			return domain.Errorf(domain.CodeConflict, "image_in_use", name, "a container uses the image")
		}
	}
	delete(n.images, name)
	return nil
}

func (n *buildNode) Containers(ctx context.Context, images ...domain.Digest) (list []domain.Container, err error) {
	if err := n.enter(ctx, "containers"); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.containers {
		if slices.Contains(images, c.Image) {
			list = append(list, c)
		}
	}
	return list, nil
}

func (n *buildNode) StopContainer(ctx context.Context, id string) error {
	if err := n.enter(ctx, "stop "+id); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.containers {
		if n.containers[i].ID == id {
			n.containers[i].Running = false
		}
	}
	return nil
}

func (n *buildNode) RemoveContainer(ctx context.Context, id string) error {
	if err := n.enter(ctx, "remove "+id); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.containers = slices.DeleteFunc(n.containers, func(c domain.Container) bool { return c.ID == id })
	return nil
}

func (n *buildNode) Push(ctx context.Context, r domain.PushRequest, _ domain.TransferSink) (domain.PushOutcome, error) {
	if err := n.enter(ctx, "push"); err != nil {
		return domain.PushOutcome{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pushes = append(n.pushes, r)
	return domain.PushOutcome{Digest: domain.Digest("sha256:" + hex.EncodeToString(make([]byte, 32)))}, nil
}

// runs starts a container of an image.
func (n *buildNode) runs(id string, of domain.BuiltImage, running bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.containers = append(n.containers, domain.Container{ID: id, Name: "n-" + id, Image: of.Digest, Running: running})
}

// has is the names of images and containers, sorted; done is what was asked of
// the node since the last time.
func (n *buildNode) has() (images, containers []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name := range n.images {
		images = append(images, name)
	}
	slices.Sort(images)
	for _, c := range n.containers {
		containers = append(containers, c.ID)
	}
	return images, containers
}

func (n *buildNode) done() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := n.calls
	n.calls = nil
	return calls
}

// on makes a call of the node do something first; nil: nothing.
func (n *buildNode) on(op string, do func() error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = func(now string) error {
		if now == op && do != nil {
			return do()
		}
		return nil
	}
}

// withBuilders serves agents of the kind docker with nodes that build.
func withBuilders(sources string, nodes map[domain.AgentID]*buildNode) func(*service.Config) {
	return func(c *service.Config) {
		c.Build.Sources = sources
		c.Agents[domain.AgentDocker] = func(_ context.Context, row domain.Agent) (port.Agent, error) { return nodes[row.ID], nil }
	}
}

// buildYard is a fleet with one node that builds, d1, and a task with a model
// and a pipeline.
type buildYard struct {
	*fleet
	node            *buildNode
	nodes           map[domain.AgentID]*buildNode
	sources         string
	task            domain.BuildTask
	model, pipeline domain.Buildable
}

func newBuildYard(tb testing.TB, options ...func(*service.Config)) *buildYard {
	tb.Helper()
	y := &buildYard{node: newBuildNode(), sources: tb.TempDir()}
	y.nodes = map[domain.AgentID]*buildNode{"d1": y.node}
	y.fleet = newFleet(tb, append([]func(*service.Config){withBuilders(y.sources, y.nodes)}, options...)...)
	y.builder("d1")
	require.NoError(tb, os.MkdirAll(filepath.Join(y.sources, "mnist"), 0o755))
	y.task = y.newTask(y.root, "mnist")
	y.model = y.newModel(y.root, y.task.ID, "net")
	res, err := y.CreatePipeline(y.root, actions.CreatePipelineAction{TaskID: y.task.ID, Name: "net", Source: y.model.Source})
	require.NoError(tb, err)
	y.pipeline = res.Pipeline
	return y
}

// builder registers a node that builds.
func (y *buildYard) builder(id domain.AgentID) {
	y.tb.Helper()
	if y.nodes[id] == nil {
		y.nodes[id] = newBuildNode()
	}
	_, err := y.RegisterAgent(y.root, actions.RegisterAgentAction{AgentID: id, Kind: domain.AgentDocker, Address: "unix:///d", ScalingGroup: "gpu", Architecture: "x86_64"})
	require.NoError(y.tb, err)
}

func (y *buildYard) newTask(ctx context.Context, name string) domain.BuildTask {
	y.tb.Helper()
	res, err := y.CreateBuildTask(ctx, actions.CreateBuildTaskAction{Name: name})
	require.NoError(y.tb, err)
	return res.Task
}

func (y *buildYard) newModel(ctx context.Context, task int64, name string) domain.Buildable {
	y.tb.Helper()
	res, err := y.CreateModel(ctx, actions.CreateModelAction{
		TaskID: task, Name: name, Source: domain.BuildSource{Type: domain.BuildFromDirectory, Path: "mnist"},
	})
	require.NoError(y.tb, err)
	return res.Model
}

// built builds an image that has to work.
func (y *buildYard) built(ctx context.Context, a actions.BuildImageAction) domain.BuiltImage {
	y.tb.Helper()
	if a.ModelID == 0 && a.PipelineID == 0 {
		a.ModelID = y.model.ID
	}
	res, err := y.BuildImage(ctx, a)
	require.NoError(y.tb, err)
	return *res.Image
}

// rows is all built images there are.
func (y *buildYard) rows() []domain.BuiltImage {
	y.tb.Helper()
	res, err := y.ListBuiltImages(y.root, actions.ListBuiltImagesAction{})
	require.NoError(y.tb, err)
	return res.Images
}
