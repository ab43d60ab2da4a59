package survival_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// station is a node that dials in.
type station struct {
	ID        domain.AgentID
	URL, Seed string
	Images    int
	Pull      time.Duration
}

func (station) role() string { return "node" }

func (s station) run(ctx context.Context, log *slog.Logger) error {
	conn, err := broker.Dial(ctx, broker.DialConfig{URL: s.URL, SeedFile: s.Seed, Logger: log})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, shelf := library(s.Images)
	return fleet.Serve(ctx, conn, fleet.Node{
		ID: s.ID, Agent: &node{Agent: porttest.NewAgent(shelf), row: domain.Agent{ID: s.ID}, pull: s.Pull},
		Every: 200 * time.Millisecond, Logger: log,
	})
}

// exchange is a site whose tasks are worked off in the test's own process, on
// nodes that dial in.
func exchange(t *testing.T, images int) (*site, *app.App, string) {
	t.Helper()
	registry, _ := library(images)
	dir, work := t.TempDir(), lively()
	work.Return = 2 * time.Second // a node that is back before it was missed says nothing of it
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Background: true, Service: service.Config{
		Registries: map[domain.RegistryType]port.OpenRegistry{
			domain.RegistryOCI: porttest.OpenRegistries(map[string]*porttest.Registry{host: registry}),
		},
		Work: work,
	}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ran)
		require.NoError(t, a.Close())
	})
	s := &site{ImageService: a.ImageService, store: a.Store, root: domain.WithActor(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})}
	_, err = s.CreateRegistry(s.root, actions.CreateRegistryAction{Name: host})
	require.NoError(t, err)
	_, err = s.RescanImages(s.root, actions.RescanImagesAction{})
	require.NoError(t, err)
	return s, a, dir
}

func (s *site) online(t *testing.T, id domain.AgentID) {
	t.Helper()
	require.Eventually(t, func() bool {
		res, err := s.ListAgents(s.root, actions.ListAgentsAction{Where: domain.Where("id", domain.Eq, string(id))})
		return err == nil && res.Agents[0].Status == domain.AgentOnline
	}, longest, 20*time.Millisecond, "%s does not come", id)
}

func TestANodeThatIsKilledInTheMiddleOfAPullFailsNobodyElsesItems(t *testing.T) {
	t.Parallel()
	const nodes, images, victim = 5, 10, "node-002/"
	s, a, dir := exchange(t, images)
	j := newJournal()
	stations, processes := make([]station, nodes), make([]*process, nodes)
	for i := range stations {
		id := domain.AgentID(fmt.Sprintf("node-%03d", i))
		stations[i] = station{ID: id, URL: a.URL(), Seed: filepath.Join(dir, string(id)+".nkey"), Images: images, Pull: 300 * time.Millisecond}
		key, err := app.NodeKey(stations[i].Seed)
		require.NoError(t, err)
		_, err = s.RegisterAgent(s.root, actions.RegisterAgentAction{AgentID: id, Kind: domain.AgentFleet, Address: key, ScalingGroup: "g", Architecture: "x86_64"})
		require.NoError(t, err)
		_, err = s.ReportInventory(s.root, actions.ReportInventoryAction{AgentID: id, Offline: true}) // until it dials in
		require.NoError(t, err)
		processes[i] = j.start(t, stations[i])
	}
	for _, st := range stations {
		s.online(t, st.ID)
	}
	id := s.preload(t, 0, images)
	j.began(t, processes[2], 4)
	processes[2].kill()
	killed := time.Now()
	task, events := s.ended(t, id)
	s.addsUp(t, task, events)
	t.Logf("over %s after the kill: %+v", time.Since(killed).Round(time.Millisecond), task.Account)
	require.Equal(t, nodes*images, task.Account.Seen)
	waiting := map[string]bool{}
	for key, state := range s.committed(t, id) {
		if strings.HasPrefix(key, victim) && state != domain.ItemDone {
			require.Equal(t, domain.ItemDeferred, state, key)
			waiting[key] = true
			continue
		}
		require.Equal(t, domain.ItemDone, state, key)
	}
	require.GreaterOrEqual(t, len(waiting), images-4, "two were done at most when it died, and two under way")
	require.Less(t, len(waiting), images)
	intents, err := s.ListIntents(s.root, actions.ListIntentsAction{})
	require.NoError(t, err)
	require.Len(t, intents.Intents, len(waiting))
	for _, i := range intents.Intents {
		require.Contains(t, waiting, fmt.Sprintf("%s/%s/%s", i.AgentID, i.Canonical, i.Architecture))
	}

	// It comes back, and has what it missed.
	again := j.start(t, stations[2])
	require.True(t, j.until(longest, func([]line) bool { return j.of(again) >= len(waiting) }), "it is asked for %d of %d", j.of(again), len(waiting))
	require.Eventually(t, func() bool {
		left, err := s.ListIntents(s.root, actions.ListIntentsAction{})
		return err == nil && len(left.Intents) == 0
	}, longest, 50*time.Millisecond, "intents stay")
	lines, _ := j.all()
	for _, l := range lines {
		if l.by == again {
			require.Contains(t, waiting, l.key)
		}
	}
}
