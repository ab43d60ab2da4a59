package fleet_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestAgent(t *testing.T) {
	b, shelf, fakes := newBroker(t), porttest.NewShelf(), map[port.Agent]*porttest.Agent{}
	opened := 0
	porttest.RunAgent(t, porttest.AgentHarness{
		New: func(tb testing.TB) port.Agent {
			opened++
			id, fake := domain.AgentID("node."+strconv.Itoa(opened)), porttest.NewAgent(shelf)
			serveAs(tb, b, id, fake)
			a := open(tb, b.connect(tb), fleet.Options{}, id)
			fakes[a] = fake
			return a
		},
		Push: func(_ testing.TB, i porttest.AgentImage) (pushed []porttest.PushedImage) {
			for _, arch := range i.Architectures {
				s := porttest.Shelved{
					Canonical: "cr.example.org/" + i.Repository + ":" + i.Tag, Architecture: arch,
					Manifest: porttest.DigestOf("manifest", i.Content, arch), Config: porttest.DigestOf("config", i.Content, arch),
				}
				shelf.Put(s)
				pushed = append(pushed, porttest.PushedImage{Config: s.Config, Request: domain.PullRequest{
					Reference:    domain.Reference{Registry: "cr.example.org", Path: i.Repository, Tag: i.Tag},
					Architecture: arch, Manifest: s.Manifest,
				}})
			}
			return pushed
		},
		Use: func(_ testing.TB, a port.Agent, i domain.InventoryImage) string {
			fakes[a].Use("c1", i.Canonical, i.Architecture)
			return "c1"
		},
	})
}

func serveAs(tb testing.TB, b *broker, id domain.AgentID, a port.Agent) {
	tb.Helper()
	serve(tb, b, b.connect(tb), fleet.Node{ID: id, Agent: a})
}

func TestOpenTakesRowsOfItsKind(t *testing.T) {
	conn := newBroker(t).connect(t)
	opener := fleet.Opener(conn, fleet.Options{})
	_, err := opener(t.Context(), domain.Agent{ID: "node1", Kind: domain.AgentDocker})
	fails(t, err, domain.CodeInvalid, "agent_invalid")
	_, err = opener(t.Context(), domain.Agent{ID: "a>b", Kind: domain.AgentFleet})
	fails(t, err, domain.CodeInvalid, "agent_id_invalid")
	conn.Close()
	a, err := opener(t.Context(), domain.Agent{ID: "node1", Kind: domain.AgentFleet})
	require.NoError(t, err, "opening contacts nobody")
	_, err = a.Inventory(t.Context())
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
}
