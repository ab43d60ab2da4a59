package porttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Further operations that an [AgentHook] is told; key is the name of an image, or
// the id of a container.
const (
	OpBuild           = "build"
	OpUntag           = "untag"
	OpContainers      = "containers"
	OpContainer       = "container"
	OpStopContainer   = "stop_container"
	OpRemoveContainer = "remove_container"
	OpCommit          = "commit"
)

// BrokenRequirement makes the build of a template fail in an [Engine].
const BrokenRequirement = "no-such-package"

// Engine is an [Agent] that can do what a container engine can: it is a
// [port.Builder], [port.Containers] and [port.Committer] too. Everything it makes
// is for one architecture.
type Engine struct {
	*Agent
	architecture string

	// guarded by the agent's lock
	labels     map[domain.Digest]map[string]string
	containers map[string]made
	count      int
}

// made is a container and the name that it was made of.
type made struct {
	domain.Container
	of held
}

// NewEngine returns an engine for x86_64 that holds the images; a nil shelf has
// every image.
func NewEngine(s *Shelf, images ...domain.InventoryImage) *Engine {
	return &Engine{
		Agent: NewAgent(s, images...), architecture: intel,
		labels: map[domain.Digest]map[string]string{}, containers: map[string]made{},
	}
}

// OpenEngines is [OpenAgents] for engines.
func OpenEngines(engines map[domain.AgentID]*Engine) port.OpenAgent {
	return func(ctx context.Context, row domain.Agent) (port.Agent, error) {
		if e := engines[row.ID]; e != nil {
			return e, nil
		}
		return OpenAgents(nil)(ctx, row)
	}
}

// Run makes a container of an image that the engine holds by that name; false
// when it does not. The ids count up: c1, c2 …; the name is the id's. Labels are
// added to those of the image.
func (e *Engine) Run(name string, running bool, labels ...map[string]string) (domain.Container, bool) {
	ref, err := domain.ParseReference(name)
	e.mu.Lock()
	defer e.mu.Unlock()
	h := held{ref.Canonical(), e.architecture}
	image, ok := e.images[h]
	if err != nil || !ok {
		return domain.Container{}, false
	}
	e.count++
	c := domain.Container{
		ID: fmt.Sprintf("c%d", e.count), Image: image.Digest, ImageName: name, Running: running,
		Labels:    merged(append([]map[string]string{e.labels[image.Digest]}, labels...)...),
		CreatedAt: time.Date(2026, 1, 1, 0, 0, e.count, 0, time.UTC),
	}
	c.Name = c.ID
	e.containers[c.ID] = made{c, h}
	e.used[h] = append(e.used[h], c.Name)
	return c, true
}

// Find returns what a name stands for, with the labels of what the engine built
// or committed itself; "" when nothing has the name.
func (e *Engine) Find(name string) (domain.Digest, map[string]string) {
	ref, err := domain.ParseReference(name)
	e.mu.Lock()
	defer e.mu.Unlock()
	image, ok := e.images[held{ref.Canonical(), e.architecture}]
	if err != nil || !ok {
		return "", nil
	}
	return image.Digest, maps.Clone(e.labels[image.Digest])
}

// Containers implements [port.Containers].
func (e *Engine) Containers(ctx context.Context, images ...domain.Digest) ([]domain.Container, error) {
	leave, err := e.enter(ctx, OpContainers, "")
	if err != nil {
		return nil, err
	}
	defer leave()
	found := []domain.Container{}
	for _, c := range e.containers {
		if slices.Contains(images, c.Image) {
			found = append(found, c.Container)
		}
	}
	slices.SortFunc(found, func(a, b domain.Container) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return found, nil
}

// Container implements [port.Committer].
func (e *Engine) Container(ctx context.Context, id string) (domain.Container, error) {
	leave, err := e.enterContainer(ctx, OpContainer, id)
	if err != nil {
		return domain.Container{}, err
	}
	defer leave()
	c, ok := e.containers[id]
	if !ok {
		return domain.Container{}, domain.NotFound("container", id)
	}
	c.Labels = maps.Clone(c.Labels)
	return c.Container, nil
}

// StopContainer implements [port.Containers].
func (e *Engine) StopContainer(ctx context.Context, id string) error {
	leave, err := e.enterContainer(ctx, OpStopContainer, id)
	if err != nil {
		return err
	}
	defer leave()
	if c, ok := e.containers[id]; ok {
		c.Running = false
		e.containers[id] = c
	}
	return nil
}

// RemoveContainer implements [port.Containers]; one that runs is conflict, reason
// container_running.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	leave, err := e.enterContainer(ctx, OpRemoveContainer, id)
	if err != nil {
		return err
	}
	defer leave()
	c, ok := e.containers[id]
	if !ok {
		return nil
	}
	if c.Running {
		return domain.Errorf(domain.CodeConflict, "container_running", id, "the container runs; stop it first")
	}
	delete(e.containers, id)
	e.used[c.of] = slices.DeleteFunc(slices.Clone(e.used[c.of]), func(n string) bool { return n == c.Name })
	return nil
}

// Commit implements [port.Committer].
func (e *Engine) Commit(ctx context.Context, r domain.CommitRequest, sink domain.TransferSink) (domain.CommitOutcome, error) {
	ref, err := e.nameOf(r.Name)
	if err != nil {
		return domain.CommitOutcome{}, err
	}
	leave, err := e.enterContainer(ctx, OpCommit, r.Container)
	if err != nil {
		return domain.CommitOutcome{}, err
	}
	c, ok := e.containers[r.Container]
	if !ok {
		leave()
		return domain.CommitOutcome{}, domain.NotFound("container", r.Container)
	}
	leave()
	event := domain.TransferEvent{Kind: domain.TransferCommitStarted, Src: r.Container, Dst: ref.Canonical()}
	sink.Tell(event) // outside the lock: it is the caller's
	e.mu.Lock()
	e.count++
	digest := DigestOf("commit", c.ID, fmt.Sprint(e.count))
	size := e.put(ref, digest, merged(c.Labels, r.Labels))
	e.mu.Unlock()
	event.Kind = domain.TransferCommitFinished
	sink.Tell(event)
	return domain.CommitOutcome{Digest: digest, SizeBytes: size}, nil
}

// put names an image, under the lock.
func (e *Engine) put(ref domain.Reference, d domain.Digest, labels map[string]string) (size int64) {
	const made = 1 << 20
	h := held{ref.Canonical(), e.architecture}
	e.images[h] = domain.InventoryImage{Canonical: h.canonical, Architecture: h.architecture, Digest: d, SizeBytes: made}
	e.labels[d] = labels
	return made
}

func (e *Engine) nameOf(name string) (domain.Reference, error) {
	ref, err := domain.ParseReference(name)
	if err == nil && ref.Digest != "" {
		err = domain.Invalid("reference_invalid", name, "an image is named by a tag, not by a digest")
	}
	return ref, err
}

func (e *Engine) enterContainer(ctx context.Context, op, id string) (leave func(), err error) {
	if id == "" || strings.ContainsAny(id, "/? ") {
		return nil, domain.Invalid("container_invalid", "container", "not an id of a container: %s", domain.Quote(id))
	}
	return e.enter(ctx, op, id)
}

func merged(labels ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, l := range labels {
		maps.Copy(all, l)
	}
	return all
}
