package integration_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

// newManager is a site whose process does the background work too.
func newManager(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	a, err := app.Open(t.Context(), app.Config{
		DatabaseURL: containers.PostgresTemplate(t, "wharf", migrate), Dir: dir, Background: true,
		Service: service.Config{Work: service.Work{Redelivery: 2 * time.Second, Flush: 50 * time.Millisecond}},
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ran)
		require.NoError(t, a.Close())
	})
	return &site{
		App: a, dir: dir, host: containers.Registry(t, containers.RegistryOptions{Version: containers.DistributionV3, Delete: true}),
		root: domain.WithActor(t.Context(), domain.Actor{ID: "admin", Role: domain.RoleSuperadmin}),
	}
}

// What is done once when a process begins must not end it when it is done.
func TestBackgroundWorkGoesOnWhenTheFirstLookAtNodesIsOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Background: true, NodeSilence: 50 * time.Millisecond})
	require.NoError(t, err)
	defer a.Close()
	root := domain.WithActor(t.Context(), domain.Actor{ID: "admin", Role: domain.RoleSuperadmin})
	_, err = a.RegisterAgent(root, actions.RegisterAgentAction{AgentID: "gone", Kind: domain.AgentFleet, ScalingGroup: "g"})
	require.NoError(t, err)
	_, err = a.ModifyAgent(root, actions.ModifyAgentAction{AgentID: "gone", Status: domain.Set(domain.AgentOnline)})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	require.Eventually(t, func() bool {
		res, err := a.ListAgents(root, actions.ListAgentsAction{})
		return err == nil && res.Agents[0].Status == domain.AgentOffline
	}, 20*time.Second, 10*time.Millisecond, "who went away while nobody listened is offline")
	res, err := a.RescanImages(root, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		got, err := a.GetTask(root, actions.GetTaskAction{TaskID: res.TaskID})
		return err == nil && got.Task.State.Finished()
	}, 20*time.Second, 10*time.Millisecond, "tasks are still worked off")
	select {
	case err := <-ran:
		t.Fatalf("the background work ended: %v", err)
	default:
	}
	stop()
	require.NoError(t, <-ran)
}

// enrol registers a node that dials in.
func (s *site) enrol(t *testing.T, id domain.AgentID) {
	t.Helper()
	key, err := app.NodeKey(s.seed(id))
	require.NoError(t, err)
	_, err = s.RegisterAgent(s.root, actions.RegisterAgentAction{
		AgentID: id, Kind: domain.AgentFleet, Address: key, ScalingGroup: "default", Architecture: "x86_64", Labels: map[string]string{"disk": "ssd"},
	})
	require.NoError(t, err)
}

func (s *site) seed(id domain.AgentID) string { return filepath.Join(s.dir, string(id)+".nkey") }

// dialIn runs a node on an OCI layout until the returned function is called.
func (s *site) dialIn(t *testing.T, id domain.AgentID) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		ran <- app.RunNode(ctx, app.NodeConfig{
			ID: id, URL: s.URL(), Seed: s.seed(id), Layout: filepath.Join(s.dir, string(id)), Heartbeat: 200 * time.Millisecond,
		})
	}()
	left := false
	leave = func() {
		if !left {
			left = true
			cancel()
			require.NoError(t, <-ran)
		}
	}
	t.Cleanup(leave)
	return leave
}

// status waits until a node counts as online or offline.
func (s *site) status(t *testing.T, id domain.AgentID, want domain.AgentStatus) {
	t.Helper()
	require.Eventually(t, func() bool {
		res, err := s.ListAgents(s.root, actions.ListAgentsAction{Where: domain.Where("id", domain.Eq, string(id))})
		return err == nil && res.Agents[0].Status == want
	}, 20*time.Second, 20*time.Millisecond, "%s is not %s", id, want)
}

// over waits for the end of a task.
func (s *site) over(t *testing.T, id domain.TaskID) domain.Task {
	t.Helper()
	for after := int64(0); ; {
		w, err := s.WatchTask(s.root, actions.WatchTaskAction{TaskID: id, AfterEvent: after, WaitMS: 20_000})
		require.NoError(t, err)
		if w.Done {
			res, err := s.GetTask(s.root, actions.GetTaskAction{TaskID: id})
			require.NoError(t, err)
			return res.Task
		}
		require.NotEmpty(t, w.Events, "nothing happens to the task")
		after = w.Events[len(w.Events)-1].Seq
	}
}

func (s *site) installed(t *testing.T, id domain.ImageID) (agents []domain.AgentID) {
	t.Helper()
	res, err := s.GetImageInstalledAgents(s.root, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{id}})
	require.NoError(t, err)
	for _, h := range res.Agents[id] {
		agents = append(agents, h.AgentID)
	}
	return agents
}

func TestNodesThatDialInAreLoadedAndServedWhenTheyReturn(t *testing.T) {
	t.Parallel()
	s := newManager(t)
	s.register(t, "cr.example.org")
	s.push(t, kernels.Image{Repository: "lab/python", Tag: "3.12"})
	_, err := s.ScanImage(s.root, actions.ScanImageAction{Reference: "cr.example.org/lab/python:3.12"})
	require.NoError(t, err)
	img := s.get(t, "cr.example.org/lab/python:3.12")
	s.enrol(t, "node.1")
	s.enrol(t, "node-2")
	s.dialIn(t, "node.1")
	leave := s.dialIn(t, "node-2")
	s.status(t, "node.1", domain.AgentOnline)
	s.status(t, "node-2", domain.AgentOnline)
	leave()
	s.status(t, "node-2", domain.AgentOffline)

	res, err := s.PreloadImages(s.root, actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: img.Canonical()}}, TargetAgents: "label:disk=ssd", Background: true})
	require.NoError(t, err)
	task := s.over(t, res.TaskID)
	require.Equal(t, domain.TaskDone, task.State)
	require.Equal(t, domain.TaskAccount{Seen: 2, Done: 1, Deferred: 1}, task.Account)
	require.Equal(t, []domain.AgentID{"node.1"}, s.installed(t, img.ID))

	s.dialIn(t, "node-2")
	s.status(t, "node-2", domain.AgentOnline)
	require.Eventually(t, func() bool { return len(s.installed(t, img.ID)) == 2 }, 20*time.Second, 50*time.Millisecond, "it is served when it returns")
	require.Eventually(t, func() bool { // the intent goes after what it was for is known
		waits, err := s.ListIntents(s.root, actions.ListIntentsAction{})
		return err == nil && len(waits.Intents) == 0
	}, 20*time.Second, 50*time.Millisecond)

	gone, err := s.UnloadImages(s.root, actions.UnloadImagesAction{Images: []actions.ImageRef{{Name: img.Canonical()}}, TargetAgents: "status:online", Background: true})
	require.NoError(t, err)
	require.Equal(t, domain.TaskAccount{Seen: 2, Done: 2}, s.over(t, gone.TaskID).Account)
	require.Empty(t, s.installed(t, img.ID))
}

func TestANodeThatNobodyRegisteredCannotDialIn(t *testing.T) {
	t.Parallel()
	s := newManager(t)
	err := app.RunNode(t.Context(), app.NodeConfig{ID: "stranger", URL: s.URL(), Seed: s.seed("stranger"), Layout: filepath.Join(s.dir, "stranger")})
	require.ErrorIs(t, err, domain.ErrForbidden)

	// Who is registered speaks for itself only, whatever it calls itself.
	s.enrol(t, "node-1")
	s.enrol(t, "node-2")
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		ran <- app.RunNode(ctx, app.NodeConfig{
			ID: "node-2", URL: s.URL(), Seed: s.seed("node-1"), Layout: filepath.Join(s.dir, "liar"), Heartbeat: 50 * time.Millisecond,
		})
	}()
	s.dialIn(t, "node-1")
	s.status(t, "node-1", domain.AgentOnline)
	s.status(t, "node-2", domain.AgentOffline)
	cancel()
	<-ran
}
