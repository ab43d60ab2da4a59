package porttest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// AgentHarness is what [RunAgent] needs of an implementation of [port.Agent].
type AgentHarness struct {
	// New returns an agent that holds nothing, or that may hold other images
	// than those of the suite when Shared.
	New func(tb testing.TB) port.Agent
	// Push publishes an image in a registry that the agents can pull from and
	// returns one request per architecture, in the order of the image.
	Push func(tb testing.TB, i AgentImage) []PushedImage
	// Use makes a container of the agent use an image that it holds, one that
	// does not keep a forced removal from working. It returns the name that the
	// inventory is to show.
	Use func(tb testing.TB, a port.Agent, i domain.InventoryImage) (container string)
	// Shared: the agents of New are one engine with a life of its own.
	Shared bool
	// OneArchitecture: the agent holds one architecture per canonical; pulling
	// another one replaces it.
	OneArchitecture bool
}

// AgentImage says what to push. Content makes the difference: the same words,
// the same layers and configs, and so the same digests.
type AgentImage struct {
	Repository    string
	Tag           string
	Architectures []string // one: a plain manifest; more: an index
	Content       string
}

// PushedImage is one architecture of what was pushed.
type PushedImage struct {
	Request domain.PullRequest // with the manifest
	Config  domain.Digest
}

// Image is what an inventory says of it; the size is the agent's to tell.
func (p PushedImage) Image() domain.InventoryImage {
	return domain.InventoryImage{Canonical: p.Request.Reference.Canonical(), Architecture: p.Request.Architecture, Digest: p.Config}
}

// Removal is a plain request to remove it.
func (p PushedImage) Removal() domain.RemoveRequest {
	return domain.RemoveRequest{Canonical: p.Request.Reference.Canonical(), Architecture: p.Request.Architecture}
}

const (
	intel = "x86_64"
	arm64 = "aarch64"
)

// RunAgent checks the contract of [port.Agent].
func RunAgent(t *testing.T, h AgentHarness) {
	for _, c := range []struct {
		name string
		test func(*agentRun)
	}{
		{"an agent that holds nothing says so", (*agentRun).empty},
		{"the inventory is complete", (*agentRun).complete},
		{"a pull of what is there changes nothing", (*agentRun).unchanged},
		{"a pull of a tag that moved replaces the image", (*agentRun).moved},
		{"a manifest that is not the expected one is refused", (*agentRun).mismatch},
		{"a pull takes the architecture that was asked for", (*agentRun).architectures},
		{"a pull of what the registry lacks fails", (*agentRun).absent},
		{"progress never goes down", (*agentRun).progress},
		{"pulls of one image at the same time agree", (*agentRun).together},
		{"a removal takes away one tag of one architecture", (*agentRun).removeOne},
		{"a removal of what is not there is not_found", (*agentRun).removeNothing},
		{"an image in use is removed by force only", (*agentRun).inUse},
		{"a removal without pruning removes the image", (*agentRun).noPrune},
		{"what was removed can be pulled again", (*agentRun).comeBack},
		{"a context that has ended changes nothing", (*agentRun).ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &agentRun{T: t, h: h, agent: h.New(t)}
			r.repo = "wharf-contract/" + strings.ReplaceAll(strings.ToLower(c.name), " ", "-")
			c.test(r)
		})
	}
}

// agentRun is one test of the suite on one agent.
type agentRun struct {
	*testing.T
	h     AgentHarness
	agent port.Agent
	repo  string
}

func (r *agentRun) push(tag, content string, architectures ...string) []PushedImage {
	r.Helper()
	pushed := r.h.Push(r, AgentImage{Repository: r.repo, Tag: tag, Architectures: architectures, Content: content})
	require.Len(r, pushed, len(architectures), "the harness returns a request per architecture")
	return pushed
}

// pull pulls and, on an engine that outlives the test, cleans up.
func (r *agentRun) pull(p PushedImage) domain.PullOutcome {
	r.Helper()
	out, err := r.agent.Pull(r.Context(), p.Request, nil)
	require.NoError(r, err)
	if r.h.Shared {
		r.Cleanup(func() {
			removal := p.Removal()
			removal.Force = true
			_, _ = r.agent.Remove(context.WithoutCancel(r.Context()), removal) // the test may have removed it
		})
	}
	return out
}

func (r *agentRun) remove(request domain.RemoveRequest) {
	r.Helper()
	out, err := r.agent.Remove(r.Context(), request)
	require.NoError(r, err)
	require.GreaterOrEqual(r, out.FreedBytes, int64(0))
}

// holds checks that the agent has exactly these images (at least these when it
// is shared), sizes and containers aside, and returns them in this order.
func (r *agentRun) holds(want ...PushedImage) []domain.InventoryImage {
	r.Helper()
	inventory, err := r.agent.Inventory(r.Context())
	require.NoError(r, err)
	byKey := map[held]domain.InventoryImage{}
	for _, i := range inventory.Images {
		if r.h.Shared && !strings.Contains(i.Canonical, "/"+r.repo+":") {
			continue
		}
		k := held{i.Canonical, i.Architecture}
		require.NotContains(r, byKey, k, "an image is listed once")
		byKey[k] = i
	}
	var images []domain.InventoryImage
	for _, w := range want {
		k := held{w.Image().Canonical, w.Image().Architecture}
		got, ok := byKey[k]
		require.True(r, ok, "the inventory lacks %s", k)
		require.Equal(r, w.Config, got.Digest, "the digest of %s is its config's", k)
		require.Positive(r, got.SizeBytes, "the size of %s", k)
		images = append(images, got)
		delete(byKey, k)
	}
	require.Empty(r, byKey, "the inventory lists more than there is")
	return images
}

// fails checks the code and, unless it is empty, the reason of an error.
func (r *agentRun) fails(err error, code domain.Code, reason string) {
	r.Helper()
	var coded *domain.Error
	require.ErrorAs(r, err, &coded, "errors of a port are coded")
	require.Equal(r, code, coded.Code, "%v", err)
	if reason != "" {
		require.Equal(r, reason, domain.ReasonOf(err), "%v", err)
	}
}

// architectures that the agent can hold side by side.
func (r *agentRun) both() []string {
	if r.h.OneArchitecture {
		return []string{intel}
	}
	return []string{intel, arm64}
}

func (r *agentRun) empty() {
	if r.h.Shared {
		r.Skip("the agent is shared")
	}
	r.holds()
}

func (r *agentRun) complete() {
	var all []PushedImage
	for _, tag := range []string{"1", "2", "Three.x_3"} {
		all = append(all, r.push(tag, "content of "+tag, r.both()...)...)
	}
	for i, p := range all {
		out := r.pull(p)
		require.False(r, out.Unchanged)
		require.Equal(r, p.Config, out.Digest)
		images := r.holds(all[:i+1]...)
		require.Equal(r, images[i].SizeBytes, out.SizeBytes, "a pull and an inventory measure alike")
		require.Empty(r, images[i].Containers)
	}
	inventory, err := r.agent.Inventory(r.Context())
	require.NoError(r, err)
	clear(inventory.Images) // it is the caller's
	r.holds(all...)
	slices.Reverse(all)
	r.holds(all...)
}
