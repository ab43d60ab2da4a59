package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// twoEngines is one service with two engines as its nodes, both of which pull
// from one registry.
type twoEngines struct {
	*app.App
	root     context.Context // as superadmin
	gate     *gate
	one, two *realEngine
	second   *containers.Engine // is two
	images   []actions.ImageRef
	pushed   []porttest.PushedImage
}

func newTwoEngines(t *testing.T, stall time.Duration) *twoEngines {
	t.Helper()
	// A pull that stands still is given up soon. Twice: the one that is not to fail
	// also waits until the other one is met halfway.
	fleet := service.Fleet{PullStall: stall, PullAttempts: 2, PullBackoff: time.Millisecond, AgentCall: 2 * time.Second}
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Service: service.Config{Fleet: fleet}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	s := &twoEngines{App: a, root: domain.WithActor(t.Context(), domain.Actor{ID: "admin", Role: domain.RoleSuperadmin}), gate: newGate(t)}
	s.one = engineAt(t, containers.Docker(t), s.gate.host)
	t.Cleanup(func() { s.one.sweep(t) })
	s.second = containers.SecondEngine(t, nil)
	s.two = engineAt(t, s.second.Address, s.gate.host)
	for id, e := range map[domain.AgentID]*realEngine{"node1": s.one, "node2": s.two} {
		_, err := s.RegisterAgent(s.root, actions.RegisterAgentAction{
			AgentID: id, Kind: domain.AgentDocker, Address: e.address, ScalingGroup: "default", Architecture: "x86_64",
		})
		require.NoError(t, err)
	}
	for _, tag := range []string{"1", "2"} {
		p := s.one.push(t, porttest.AgentImage{Repository: "team/tool", Tag: tag, Architectures: []string{"x86_64"}, Content: tag + t.Name()})[0]
		s.pushed = append(s.pushed, p)
		s.images = append(s.images, actions.ImageRef{Name: p.Image().Canonical})
	}
	_, err = s.CreateRegistry(s.root, actions.CreateRegistryAction{Name: s.gate.host, URL: "http://" + s.gate.host})
	require.NoError(t, err)
	_, err = s.RescanImages(s.root, actions.RescanImagesAction{Registry: s.gate.host})
	require.NoError(t, err)
	return s
}

// preload loads the images onto both; what happened, by node and tag.
func (s *twoEngines) preload(images ...actions.ImageRef) (map[string]actions.AgentOutcome, error) {
	res, err := s.PreloadImages(s.root, actions.PreloadImagesAction{Images: images, TargetAgents: "node1,node2", Deferral: actions.Deferral{NoDefer: true}})
	if err != nil {
		return nil, err
	}
	did := map[string]actions.AgentOutcome{}
	for _, o := range res.Outcomes {
		did[string(o.AgentID)+" "+o.Image[len(o.Image)-1:]] = o
	}
	return did, nil
}

// did says what happened in short.
func did(outcomes map[string]actions.AgentOutcome) map[string]string {
	short := map[string]string{}
	for key, o := range outcomes {
		short[key] = string(o.Did)
		if o.Problem != nil {
			short[key] += " " + o.Problem.Reason
		}
	}
	return short
}

// holders tells which nodes the catalogue says hold an image.
func (s *twoEngines) holders(t *testing.T, image actions.ImageRef) (nodes []domain.AgentID) {
	t.Helper()
	row, err := s.GetImage(s.root, actions.GetImageAction{Reference: image.Name})
	require.NoError(t, err)
	held, err := s.GetImageInstalledAgents(s.root, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{row.Image.ID}})
	require.NoError(t, err)
	for _, h := range held.Agents[row.Image.ID] {
		nodes = append(nodes, h.AgentID)
	}
	return nodes
}

func TestTwoEnginesAreTwoNodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end, begin func(*containers.Engine, testing.TB)
		stall      time.Duration
		reason     string
	}{
		"one is killed in mid-pull":  {(*containers.Engine).Kill, (*containers.Engine).Start, time.Minute, "agent_unavailable"},
		"one is stopped in mid-pull": {(*containers.Engine).Stop, (*containers.Engine).Continue, 4 * time.Second, "pull_stalled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTwoEngines(t, c.stall)
			outcomes, err := s.preload(s.images[0])
			require.NoError(t, err)
			require.Equal(t, map[string]string{"node1 1": "pulled", "node2 1": "pulled"}, did(outcomes))
			require.Equal(t, []domain.AgentID{"node1", "node2"}, s.holders(t, s.images[0]))

			release := s.gate.hold(s.pushed[1].Config)
			loaded := make(chan error, 1)
			go func() {
				var err error
				outcomes, err = s.preload(s.images...)
				loaded <- err
			}()
			s.gate.wait(t, 2) // both are pulling
			c.end(s.second, t)
			release()
			require.NoError(t, <-loaded)
			require.Equal(t, map[string]string{
				"node1 1": "unchanged", "node2 1": "unchanged", "node1 2": "pulled", "node2 2": "failed " + c.reason,
			}, did(outcomes))
			require.Equal(t, []domain.AgentID{"node1", "node2"}, s.holders(t, s.images[0]), "what it held before it still does")
			require.Equal(t, []domain.AgentID{"node1"}, s.holders(t, s.images[1]))

			outcomes, err = s.preload(s.images[1])
			require.NoError(t, err)
			require.Equal(t, "unchanged", did(outcomes)["node1 2"])
			require.Contains(t, did(outcomes)["node2 2"], "failed")

			c.begin(s.second, t)
			outcomes, err = s.preload(s.images...)
			require.NoError(t, err)
			require.Equal(t, map[string]string{
				"node1 1": "unchanged", "node2 1": "unchanged", "node1 2": "unchanged", "node2 2": "pulled",
			}, did(outcomes))
			require.Equal(t, []domain.AgentID{"node1", "node2"}, s.holders(t, s.images[1]))
			for _, e := range []*realEngine{s.one, s.two} {
				is, err := e.api.ImageInspect(t.Context(), s.images[1].Name)
				require.NoError(t, err)
				require.Equal(t, string(s.pushed[1].Config), is.ID)
			}
		})
	}
}
