package porttest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// The operations that an [AgentHook] is told and that [Agent.Calls] and
// [Agent.Peak] count.
const (
	OpInventory = "inventory"
	OpPull      = "pull"
	OpRemove    = "remove"
)

// AgentHook runs before each operation of an [Agent], outside its lock. It may
// block until ctx ends, to be a node that hangs, or return an error, to be one
// that is gone. key is the image as [domain.ImageKey] shows it, "" for an
// inventory.
type AgentHook func(ctx context.Context, op, key string) error

// Agent is a [port.Agent] in memory. It pulls from a [Shelf].
type Agent struct {
	shelf *Shelf

	mu      sync.Mutex
	images  map[held]domain.InventoryImage
	used    map[held][]string
	loose   int64 // bytes that removals without pruning left
	hook    AgentHook
	calls   map[string][]string
	running map[string]int
	peak    map[string]int
}

// held is what identifies an image on an agent.
type held struct{ canonical, architecture string }

func heldAs(canonical, architecture string) (held, error) {
	arch, err := domain.NormalizeArchitecture(architecture)
	return held{canonical, arch}, err
}

func (h held) String() string {
	return domain.ImageKey{Reference: h.canonical, Architecture: h.architecture}.String()
}

// NewAgent returns an agent that holds the images; their containers use them. A
// nil shelf has every image.
func NewAgent(s *Shelf, images ...domain.InventoryImage) *Agent {
	a := &Agent{
		shelf: s, images: map[held]domain.InventoryImage{}, used: map[held][]string{},
		calls: map[string][]string{}, running: map[string]int{}, peak: map[string]int{},
	}
	for _, i := range images {
		h, _ := heldAs(i.Canonical, i.Architecture)
		i.Architecture = h.architecture
		a.used[h], i.Containers = slices.Clone(i.Containers), nil
		a.images[h] = i
	}
	return a
}

// OpenAgents opens the agents of a map by the id of their row; one that is not
// there is unavailable, like a node that is gone.
func OpenAgents(agents map[domain.AgentID]*Agent) port.OpenAgent {
	return func(_ context.Context, row domain.Agent) (port.Agent, error) {
		if a := agents[row.ID]; a != nil {
			return a, nil
		}
		return nil, domain.Errorf(domain.CodeUnavailable, "agent_unavailable", string(row.ID), "the agent does not answer: %s", row.ID)
	}
}

// Inventory implements [port.Agent]; the images come sorted.
func (a *Agent) Inventory(ctx context.Context) (domain.Inventory, error) {
	leave, err := a.enter(ctx, OpInventory, "")
	if err != nil {
		return domain.Inventory{}, err
	}
	defer leave()
	images := make([]domain.InventoryImage, 0, len(a.images))
	for h, i := range a.images {
		i.Containers = slices.Clone(a.used[h])
		images = append(images, i)
	}
	slices.SortFunc(images, func(a, b domain.InventoryImage) int {
		return cmp.Or(cmp.Compare(a.Canonical, b.Canonical), cmp.Compare(a.Architecture, b.Architecture))
	})
	return domain.Inventory{Images: images}, nil
}

// Pull implements [port.Agent].
func (a *Agent) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	h, err := heldAs(r.Reference.Canonical(), r.Architecture)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	p.Report(0, 0, "pulling")
	leave, err := a.enter(ctx, OpPull, h.String())
	if err != nil {
		return domain.PullOutcome{}, err
	}
	out, err := a.pull(h, r)
	leave()
	if err == nil {
		p.Report(out.SizeBytes, out.SizeBytes, "pulled")
	}
	return out, err
}

func (a *Agent) pull(h held, r domain.PullRequest) (domain.PullOutcome, error) {
	s, err := a.shelf.take(h, r.Manifest)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	old, was := a.images[h]
	a.images[h] = domain.InventoryImage{Canonical: h.canonical, Architecture: h.architecture, Digest: s.Config, SizeBytes: s.SizeBytes}
	return domain.PullOutcome{Digest: s.Config, SizeBytes: s.SizeBytes, Unchanged: was && old.Digest == s.Config}, nil
}

// Remove implements [port.Agent]. It frees the size of the image unless another
// one has the same digest.
func (a *Agent) Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error) {
	h, err := heldAs(r.Canonical, r.Architecture)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	leave, err := a.enter(ctx, OpRemove, h.String())
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	defer leave()
	gone, ok := a.images[h]
	if !ok {
		return domain.RemoveOutcome{}, domain.NotFound("image", h.String())
	}
	if len(a.used[h]) > 0 && !r.Force {
		return domain.RemoveOutcome{}, domain.Errorf(domain.CodeConflict, "image_in_use", h.String(), "containers use the image: %v", a.used[h])
	}
	delete(a.images, h)
	shared := false
	for _, i := range a.images {
		shared = shared || i.Digest == gone.Digest
	}
	if !shared {
		a.loose += gone.SizeBytes
	}
	if r.NoPrune {
		return domain.RemoveOutcome{}, nil
	}
	freed := a.loose
	a.loose = 0
	return domain.RemoveOutcome{FreedBytes: freed}, nil
}

// enter runs the hook, counts, and takes the lock; leave gives it back.
func (a *Agent) enter(ctx context.Context, op, key string) (leave func(), err error) {
	a.mu.Lock()
	a.calls[op] = append(a.calls[op], key)
	for _, o := range []string{op, ""} {
		a.running[o]++
		a.peak[o] = max(a.peak[o], a.running[o])
	}
	hook := a.hook
	a.mu.Unlock()

	err = domain.RefuseInTx(ctx, "porttest: agent "+op)
	if err == nil && hook != nil {
		err = hook(ctx, op, key)
	}
	if err == nil {
		err = ctx.Err()
	}
	a.mu.Lock()
	a.running[op]--
	a.running[""]--
	if err != nil {
		a.mu.Unlock()
		return nil, domain.Wrap("porttest: agent "+op, err)
	}
	return a.mu.Unlock, nil
}
