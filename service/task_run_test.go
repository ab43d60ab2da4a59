package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// quick makes background work notice things soon.
func quick(cfg *service.Config) {
	cfg.Work = service.Work{Flush: 5 * time.Millisecond, Redelivery: 100 * time.Millisecond}
}

// runTasks works off tasks until the returned function is called, which waits
// for the work to stop.
func runTasks(tb testing.TB, svc *service.ImageService) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = service.NewRunner(svc).Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	tb.Cleanup(stop)
	return stop
}

// ended waits for the end of a task and returns it with its events.
func (f *fleet) ended(id domain.TaskID) (domain.Task, []domain.TaskEvent) {
	f.tb.Helper()
	var events []domain.TaskEvent
	after := int64(0)
	for {
		res, err := f.WatchTask(f.root, actions.WatchTaskAction{TaskID: id, AfterEvent: after, WaitMS: 20_000})
		require.NoError(f.tb, err)
		require.True(f.tb, res.Done || len(res.Events) > 0, "nothing happens to the task")
		events = append(events, res.Events...)
		if res.Done {
			got, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: id})
			require.NoError(f.tb, err)
			return got.Task, events
		}
		after = events[len(events)-1].Seq
	}
}

// nodes adds nodes that pull from the shelf.
func (f *fleet) nodes(ids ...domain.AgentID) {
	f.tb.Helper()
	for _, id := range ids {
		f.agents[id] = porttest.NewAgent(f.shelf)
		_, err := f.RegisterAgent(f.root, actions.RegisterAgentAction{AgentID: id, Kind: domain.AgentOCILayout, Address: string(id), ScalingGroup: "g", Architecture: "x86_64"})
		require.NoError(f.tb, err)
	}
}

func TestABackgroundPreloadReturnsAtOnceAndIsWorkedOff(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	f.image("tool:1")
	f.image("tool:2")
	f.nodes("n1", "n2", "n3")
	f.agents["n3"].SetHook(func(context.Context, string, string) error {
		return domain.Errorf(domain.CodeUnavailable, "agent_unavailable", "n3", "the node does not answer")
	})
	preload := actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: fleetHost + "/tool:1"}, {Name: fleetHost + "/tool:2"}}, TargetAgents: "*", Background: true, Deferral: actions.Deferral{NoDefer: true}}
	res, err := f.PreloadImages(f.root, preload)
	require.NoError(t, err)
	require.NotEmpty(t, res.TaskID)
	again, err := f.PreloadImages(f.root, preload)
	require.NoError(t, err)
	require.Equal(t, res.TaskID, again.TaskID, "the same work is one task")
	require.Empty(t, f.agents["n1"].Calls(porttest.OpPull), "nobody works yet")

	runTasks(t, f.ImageService)
	task, events := f.ended(res.TaskID)
	require.Equal(t, domain.TaskPartial, task.State)
	require.Equal(t, domain.TaskAccount{Seen: 6, Done: 4, Failed: 2}, task.Account)
	require.Equal(t, domain.EventDone, events[len(events)-1].Type)
	for i, e := range events {
		require.EqualValues(t, i+1, e.Seq)
		require.LessOrEqual(t, e.Current, e.Total)
		require.GreaterOrEqual(t, e.Current, events[max(i-1, 0)].Current)
	}
	failed, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: task.ID, Where: domain.Where("state", domain.Eq, "failed")})
	require.NoError(t, err)
	require.Len(t, failed.Items, 2)
	require.Equal(t, domain.CodeUnavailable, failed.Items[0].Problem.Code)

	// The node is back: only what failed is tried again.
	f.agents["n3"].SetHook(nil)
	pulls := len(f.agents["n1"].Calls(porttest.OpPull))
	retry, err := f.RetryTask(f.root, actions.RetryTaskAction{TaskID: task.ID})
	require.NoError(t, err)
	task, _ = f.ended(retry.Task.ID)
	require.Equal(t, domain.TaskDone, task.State)
	require.Equal(t, domain.TaskAccount{Seen: 2, Done: 2}, task.Account)
	require.Equal(t, res.TaskID, task.RetryOf)
	require.Len(t, f.agents["n1"].Calls(porttest.OpPull), pulls)
}

func TestABackgroundRescanAccountsForEveryRepository(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	for _, name := range []string{"a:1", "a:2", "b:1", "c:1"} {
		f.push(name)
	}
	f.registries[fleetHost].SetHook(func(_ context.Context, op, key string) error {
		if key == "b:1" || key == "b" && op == "tags" {
			return domain.Errorf(domain.CodeUnavailable, "registry_failed", key, "the registry failed")
		}
		return nil
	})
	runTasks(t, f.ImageService)
	res, err := f.RescanImages(f.root, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	task, _ := f.ended(res.TaskID)
	require.Equal(t, 3, task.Account.Seen)
	require.Equal(t, task.Account.Seen, task.Account.Over())
	list, err := f.ListImages(f.root, actions.ListImagesAction{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(list.Images), 3)
}

func TestACancelledTaskStopsSoonWithACorrectAccount(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	f.image("tool:1")
	f.image("tool:2")
	f.nodes("n1")
	begun := make(chan struct{})
	var once atomic.Bool
	f.agents["n1"].SetHook(func(ctx context.Context, op, _ string) error {
		if op != porttest.OpPull {
			return nil
		}
		if once.CompareAndSwap(false, true) {
			close(begun)
		}
		<-ctx.Done() // a pull that never ends by itself
		return ctx.Err()
	})
	runTasks(t, f.ImageService)
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{
		Images: []actions.ImageRef{{Name: fleetHost + "/tool:1"}, {Name: fleetHost + "/tool:2"}}, TargetAgents: "n1", Background: true,
	})
	require.NoError(t, err)
	<-begun
	_, err = f.CancelTask(f.root, actions.CancelTaskAction{TaskID: res.TaskID})
	require.NoError(t, err)
	task, events := f.ended(res.TaskID)
	require.Equal(t, domain.TaskCancelled, task.State)
	require.Equal(t, domain.TaskAccount{Seen: 2, Cancelled: 2}, task.Account)
	require.Equal(t, domain.EventCancelled, events[len(events)-1].Type)
}

func TestATaskWhoseWorkerDiesGoesOnElsewhereWithoutRepeatingWhatIsCommitted(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	var refs []actions.ImageRef
	for _, tag := range []string{"1", "2", "3", "4"} {
		f.image("tool:" + tag)
		refs = append(refs, actions.ImageRef{Name: fleetHost + "/tool:" + tag})
	}
	f.nodes("n1")
	stuck := make(chan struct{})
	var pulls atomic.Int32
	f.agents["n1"].SetHook(func(ctx context.Context, op, _ string) error {
		if op == porttest.OpPull && pulls.Add(1) == 3 {
			close(stuck)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	first := f.again(quick, func(cfg *service.Config) { cfg.Fleet.AgentPulls = 1 })
	stop := runTasks(t, first)
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: refs, TargetAgents: "n1", Background: true})
	require.NoError(t, err)
	<-stuck
	require.Eventually(t, func() bool { // two items are written
		got, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: res.TaskID})
		return err == nil && got.Task.Account.Done == 2
	}, 10*time.Second, 5*time.Millisecond)
	stop() // the process ends in the middle of the third

	got, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: res.TaskID})
	require.NoError(t, err)
	require.Equal(t, domain.TaskQueued, got.Task.State, "it was given back")
	runTasks(t, f.again(quick))
	task, _ := f.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State)
	require.Equal(t, 2, task.Attempt)
	require.Equal(t, domain.TaskAccount{Seen: 4, Done: 4}, task.Account)
	require.EqualValues(t, 5, pulls.Load(), "two, the one that was cut off, and the two that were left")
}

func TestATaskIsNobodyElses(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	res, err := f.RescanImages(f.root, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	stranger := f.again(func(cfg *service.Config) {
		cfg.Authorizer = porttest.Grants{domain.RoleUser: {"task.get": domain.ReachOwn, "task.cancel": domain.ReachOwn, "task.retry": domain.ReachOwn}}
	})
	ctx := f.as(domain.Actor{ID: "mallory", Role: domain.RoleUser})
	_, err = stranger.GetTask(ctx, actions.GetTaskAction{TaskID: res.TaskID})
	require.ErrorIs(t, err, domain.ErrNotFound)
	_, err = stranger.CancelTask(ctx, actions.CancelTaskAction{TaskID: res.TaskID})
	require.ErrorIs(t, err, domain.ErrNotFound)
	_, err = stranger.WatchTask(ctx, actions.WatchTaskAction{TaskID: res.TaskID})
	require.ErrorIs(t, err, domain.ErrNotFound)
	_, err = f.RetryTask(f.root, actions.RetryTaskAction{TaskID: res.TaskID})
	require.ErrorIs(t, err, domain.ErrPrecondition, "it is not over")
}

func TestATaskDoesNotFailOfItsOwnersRateLimit(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	svc := f.again(quick, func(cfg *service.Config) {
		cfg.Limiter = service.NewLimiter(map[string]service.Rate{"registry": {PerSecond: 1e-6, Burst: 1}}, nil)
	})
	res, err := svc.RescanImages(f.root, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	_, err = svc.RescanImages(f.root, actions.RescanImagesAction{Background: true})
	require.ErrorIs(t, err, domain.ErrRateLimited)
	runTasks(t, svc)
	task, _ := f.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State, "%+v", task.Problem)
}

func TestATaskTellsWhatItIsAt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.register(fleetHost, "")
	img := f.image("tool:1")
	f.nodes("n1")
	at, leave := make(chan struct{}), make(chan struct{})
	f.agents["n1"].SetHook(func(ctx context.Context, op, _ string) error {
		if op != porttest.OpPull {
			return nil
		}
		close(at)
		select {
		case <-leave:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	runTasks(t, f.ImageService)
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", img[0].Canonical()).Images, TargetAgents: "n1", Background: true})
	require.NoError(t, err)
	<-at
	require.Eventually(t, func() bool {
		got, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: res.TaskID})
		return err == nil && len(got.Task.Running) == 1 && got.Task.Running[0].Key == "n1/"+img[0].Canonical()+"/x86_64"
	}, 10*time.Second, 10*time.Millisecond)
	close(leave)
	task, _ := f.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State)
	require.Empty(t, task.Running)
}
