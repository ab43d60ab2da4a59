package porttest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// shelfHarness runs the suite on fake agents; wrap may put a fault around each.
func shelfHarness(wrap func(*porttest.Agent) port.Agent) porttest.AgentHarness {
	shelf := porttest.NewShelf()
	fakes := map[port.Agent]*porttest.Agent{}
	return porttest.AgentHarness{
		New: func(testing.TB) port.Agent {
			fake := porttest.NewAgent(shelf)
			a := wrap(fake)
			fakes[a] = fake
			return a
		},
		Push: func(_ testing.TB, i porttest.AgentImage) []porttest.PushedImage {
			ref := domain.Reference{Registry: "cr.example.org", Path: i.Repository, Tag: i.Tag}
			var pushed []porttest.PushedImage
			for _, arch := range i.Architectures {
				s := porttest.Shelved{
					Canonical: ref.Canonical(), Architecture: arch, SizeBytes: 100,
					Manifest: porttest.DigestOf("manifest", i.Content, arch), Config: porttest.DigestOf("config", i.Content, arch),
				}
				shelf.Put(s)
				pushed = append(pushed, porttest.PushedImage{
					Request: domain.PullRequest{Reference: ref, Architecture: arch, Manifest: s.Manifest, Registry: domain.Registry{Name: ref.Registry}},
					Config:  s.Config,
				})
			}
			return pushed
		},
		Use: func(_ testing.TB, a port.Agent, i domain.InventoryImage) string {
			fakes[a].Use("c1", i.Canonical, i.Architecture)
			return "c1"
		},
	}
}

func TestAgent(t *testing.T) {
	porttest.RunAgent(t, shelfHarness(func(a *porttest.Agent) port.Agent { return a }))
}

func TestAgentHook(t *testing.T) {
	a := porttest.NewAgent(nil, domain.InventoryImage{Canonical: "cr.example.org/a:1", Architecture: "amd64", SizeBytes: 7})
	ref := domain.Reference{Registry: "cr.example.org", Path: "b", Tag: "1"}

	arrived, gone := make(chan string, 8), domain.Errorf(domain.CodeUnavailable, "agent_unavailable", "node1", "the agent does not answer")
	a.SetHook(func(ctx context.Context, op, key string) error {
		switch op {
		case porttest.OpPull: // hangs
			arrived <- key
			<-ctx.Done()
			return ctx.Err()
		case porttest.OpRemove: // is gone
			return gone
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, err := a.Pull(ctx, domain.PullRequest{Reference: ref, Architecture: "arm64"}, nil)
			if domain.CodeOf(err) != domain.CodeCanceled {
				t.Errorf("a hanging pull that is canceled: %v", err)
			}
		})
	}
	for range 3 {
		require.Equal(t, "cr.example.org/b:1 (aarch64)", <-arrived)
	}
	_, err := a.Remove(t.Context(), domain.RemoveRequest{Canonical: "cr.example.org/a:1", Architecture: "x86_64"})
	require.ErrorIs(t, err, gone)
	cancel()
	wg.Wait()

	require.Equal(t, 3, a.Peak(porttest.OpPull))
	require.Equal(t, 4, a.Peak(""))
	require.Len(t, a.Calls(porttest.OpPull), 3)
	require.Equal(t, []string{"cr.example.org/a:1 (x86_64)"}, a.Calls(porttest.OpRemove))

	a.SetHook(nil)
	freed, err := a.Remove(t.Context(), domain.RemoveRequest{Canonical: "cr.example.org/a:1", Architecture: "x86_64"})
	require.NoError(t, err)
	require.EqualValues(t, 7, freed.FreedBytes)
	_, err = a.Inventory(domain.MarkTx(t.Context()))
	require.ErrorIs(t, err, domain.ErrInternal, "no port is called inside a transaction")
}

func TestOpenAgents(t *testing.T) {
	here := porttest.NewAgent(nil)
	open := porttest.OpenAgents(map[domain.AgentID]*porttest.Agent{"node1": here})
	a, err := open(t.Context(), domain.Agent{ID: "node1"})
	require.NoError(t, err)
	require.Same(t, here, a)
	_, err = open(t.Context(), domain.Agent{ID: "node2"})
	require.ErrorIs(t, err, domain.ErrUnavailable)
}

func TestShelf(t *testing.T) {
	row := domain.Image{Registry: "cr.example.org", Name: "b", Tag: "1", Architecture: "x86_64", ConfigDigest: porttest.DigestOf("config"), SizeBytes: 3}
	shelf := porttest.NewShelf(porttest.ShelvedOf(row))
	a := porttest.NewAgent(shelf)
	request := domain.PullRequest{Reference: row.Reference(), Architecture: "amd64"}
	out, err := a.Pull(t.Context(), request, nil)
	require.NoError(t, err)
	require.Equal(t, domain.PullOutcome{Digest: row.ConfigDigest, SizeBytes: 3}, out)
	shelf.Drop(row.Canonical(), "x86_64")
	_, err = a.Pull(t.Context(), request, nil)
	require.ErrorIs(t, err, domain.ErrNotFound)
}
