package service_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// savingNode is an engine whose images arrive in registries when it pushes them.
// What it does not hold it moves as a mover does.
type savingNode struct {
	*porttest.Engine
	*mover
	registries map[string]*porttest.Registry
	commit     func(ctx context.Context, sink domain.TransferSink) error // in the place of the engine's; nil: its own
	named      map[string]string                                         // images by container, in the place of the engine's names
}

func (n *savingNode) Container(ctx context.Context, id string) (domain.Container, error) {
	c, err := n.Engine.Container(ctx, id)
	if name, other := n.named[id]; other {
		c.ImageName = name
	}
	return c, err
}

func (n *savingNode) Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	out, err := n.mover.Push(ctx, r, sink)
	digest, labels := n.Find(r.Local)
	switch {
	case err != nil || digest == "" && !strings.HasPrefix(r.Local, "localhost/"):
		return out, err
	case digest == "":
		return out, domain.NotFound("image", r.Local)
	}
	pushed := n.registries[r.Remote.Registry].Push(porttest.RegistryContent{
		Repository: r.Remote.Path, Tags: []string{r.Remote.Tag},
		Images: []porttest.RegistryImage{{Architecture: "amd64", Content: string(digest), Labels: labels}},
	})
	out.Digest = pushed.Digest
	return out, nil
}

func (n *savingNode) Commit(ctx context.Context, r domain.CommitRequest, sink domain.TransferSink) (domain.CommitOutcome, error) {
	if n.commit != nil {
		return domain.CommitOutcome{Digest: porttest.DigestOf("said"), SizeBytes: 1}, n.commit(ctx, sink)
	}
	return n.Engine.Commit(ctx, r, sink)
}

// saved are the names of the images that saving left on the node.
func (n *savingNode) saved(tb testing.TB) (names []string) {
	tb.Helper()
	inv, err := n.Inventory(context.WithoutCancel(tb.Context()))
	require.NoError(tb, err)
	for _, i := range inv.Images {
		if strings.HasPrefix(i.Canonical, "localhost/") {
			names = append(names, i.Canonical)
		}
	}
	return names
}

// engine registers a node that is an engine, and holds the images.
func (f *fleet) engine(id domain.AgentID, images ...domain.Image) *savingNode {
	f.tb.Helper()
	var held []domain.InventoryImage
	for _, i := range images {
		held = append(held, domain.InventoryImage{Canonical: i.Canonical(), Architecture: i.Architecture, Digest: i.ConfigDigest, SizeBytes: i.SizeBytes})
	}
	n := &savingNode{Engine: porttest.NewEngine(f.shelf, held...), mover: &mover{}, registries: f.registries}
	f.engines[id], f.agents[id] = n, n.Agent
	_, err := f.RegisterAgent(f.root, actions.RegisterAgentAction{AgentID: id, Kind: domain.AgentOCILayout, Address: "/images", ScalingGroup: "default", Architecture: "x86_64"})
	require.NoError(f.tb, err)
	_, err = f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: id})
	require.NoError(f.tb, err)
	return n
}

// open opens engines, and agents in memory.
func (f *fleet) open(ctx context.Context, row domain.Agent) (port.Agent, error) {
	if n := f.engines[row.ID]; n != nil {
		return n, nil
	}
	return porttest.OpenAgents(f.agents)(ctx, row)
}

// saves is shared with a node a1 that has containers of alice and of others.
type saves struct {
	*shared
	node                            *savingNode
	mine, bobs, nobodys, everybodys string // containers
}

func newSaves(tb testing.TB, options ...func(*service.Config)) *saves {
	tb.Helper()
	s := &saves{shared: newShared(tb)}
	image := s.scan(fleetHost + "/ml/app:1")[0]
	s.node = s.engine("a1", image)
	owned := func(owner string) string {
		c, ok := s.node.Run(image.Canonical(), true, map[string]string{domain.LabelOwnerUserID: owner})
		require.True(tb, ok)
		return c.ID
	}
	s.mine, s.bobs, s.everybodys = owned("alice"), owned("bob"), owned("")
	c, _ := s.node.Run(image.Canonical(), true)
	s.nobodys = c.ID
	s.own = s.again(append(options, withAuthorizer(reaching(domain.ReachOwn)))...)
	s.ImageService = s.again(options...)
	return s
}

func (s *saves) action(tag string) actions.SaveImageAction {
	return actions.SaveImageAction{AgentID: "a1", Container: s.mine, Remote: fleetHost + "/ml/app:" + tag}
}

// clear checks that nothing is left of a save that failed: no image on the node,
// no row, and no place, which a quota of one needs.
func (s *saves) clear() {
	s.tb.Helper()
	require.Empty(s.tb, s.node.saved(s.tb))
	quota := func(c *service.Config) { c.Save.Quota = 2 } // the other one is ml/app:mine
	svc := s.again(quota, withAuthorizer(reaching(domain.ReachOwn)))
	_, err := svc.SaveImage(s.alice(), actions.SaveImageAction{AgentID: "a1", Container: s.mine, Remote: fleetHost + "/ml/app:free", DryRun: true})
	require.NoError(s.tb, err)
}
