package cli_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// works does the world's background work until the test ends.
func (w *world) works() {
	w.t.Helper()
	a, err := app.Open(w.t.Context(), app.Config{Dir: w.dir, Service: service.Config{
		Now: func() time.Time { return noon }, Work: service.Work{Flush: 5 * time.Millisecond, Redelivery: 2 * time.Second},
	}})
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = service.NewRunner(a.ImageService).Run(ctx)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
		require.NoError(w.t, a.Close())
	})
}

func TestBackgroundToTheEnd(t *testing.T) {
	w := furnished(t)
	preload := []string{"agent", "preload-images", "py", "cr.test/lab/torch:2", "gone", "--agents", "*", "--background"}
	w.run(preload...).ok().golden("tables/task_started")
	var started struct {
		TaskID string `json:"task_id"`
	}
	w.run(append(preload, "--json")...).ok().json(&started)
	id := started.TaskID
	require.Len(t, id, 36, "the same work is the same task")
	w.run("task", "get", id).ok().golden("tables/task_get_queued")
	require.Equal(t, []string{id}, w.offers("task", "cancel", ""))
	require.Empty(t, w.offers("task", "retry", ""), "it is not over")

	w.works()
	w.run("task", "watch", id, "--quiet").exits(12).golden("tables/task_watch_end")
	w.run("task", "list").ok().golden("tables/task_list")
	w.run("task", "list", "--where", "state=queued").ok().says("nothing found where state=queued")
	w.run("task", "get", id).ok().golden("tables/task_get")
	w.run("task", "get", id, "--where", "state=cancelled").ok().says("no items where state=cancelled")
	w.run("task", "cancel", id).ok().says("was over before: partial")
	require.Empty(t, w.offers("task", "cancel", ""))
	require.Equal(t, []string{id}, w.offers("task", "retry", id[:5]))
	require.Equal(t, []string{id}, w.offers("task", "get", ""))
	require.Empty(t, w.offers("task", "watch", id, ""))

	w.run("task", "retry", id, "--json").ok().json(&struct{}{})
	w.run("task", "retry", id).ok().says("started as task ").says("wharf task watch")
	w.run("task", "watch", someID).exits(5).says("no such task")
	w.run("task", "watch", "x").exits(2)

	var page struct {
		Task  domain.Task
		Items []domain.TaskItem
		Next  string
	}
	w.run("task", "get", id, "--limit", "1", "--all", "--json").ok().json(&page)
	require.Len(t, page.Items, 3)
	require.Empty(t, page.Next)
	require.Equal(t, domain.TaskPartial, page.Task.State)
}

func TestCancelledTasks(t *testing.T) {
	w := furnished(t)
	var started struct {
		TaskID string `json:"task_id"`
	}
	w.run("registry", "rescan", "--background", "--json").ok().json(&started)
	w.run("task", "cancel", started.TaskID).ok().says("is cancelled")
	w.run("task", "watch", started.TaskID).exits(14).says("is cancelled: registry.rescan, 0 items: 0 done").silent("task retry")

	running := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return actions.CancelTaskResult{Task: domain.Task{ID: someID, State: domain.TaskRunning, Cancel: true}}, nil
	})
	running.run("task", "cancel", someID).ok().says("asked task " + someID + " to stop")
	running = answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return actions.GetTaskResult{Task: domain.Task{ID: someID, State: domain.TaskRunning, Cancel: true, Attempt: 2, Account: domain.TaskAccount{Seen: 4, Done: 1}}}, nil
	})
	running.run("task", "get", someID).ok().says("running, to stop").says("1 of 4 items: 1 done").says("attempts:")
}

// Whoever is asked sees a plan at once; what follows is for the background.
func TestBackgroundAsksWithAPlan(t *testing.T) {
	var ran []actions.UnloadImagesAction
	w := answers(t, func(_ context.Context, _ service.Entry, a actions.Action) (any, error) {
		u := *a.(*actions.UnloadImagesAction)
		ran = append(ran, u)
		if u.Background {
			return actions.UnloadImagesResult{TaskID: someID}, nil
		}
		return actions.UnloadImagesResult{DryRun: u.DryRun, Outcomes: []actions.AgentOutcome{{AgentID: "n", Image: "x", Did: actions.WouldDo}}}, nil
	})
	args := []string{"agent", "unload-images", "py", "--agents", "n", "--background"}
	w.run(args...).exits(2).says("say --yes")
	w.terminal, w.stdin, w.env = person, "y\n", []string{"NO_COLOR=1"}
	o := w.run(args...).ok()
	require.Contains(t, o.stderr, "planned")
	require.Contains(t, o.out, "started as task "+someID)
	require.Equal(t, []bool{true, false}, []bool{ran[0].DryRun, ran[1].DryRun})
	require.Equal(t, []bool{false, true}, []bool{ran[0].Background, ran[1].Background})
	w.run(append(args, "--dry-run")...).exits(2).says("--background contradicts it")
	require.Len(t, ran, 2)
}

func TestWhatWaitsForNodes(t *testing.T) {
	w := furnished(t)
	w.run("agent", "intents").ok().says("nothing found")
	w.run("agent", "drop-intents", "node-1", "--yes").ok().says("nothing waits for the node")
	w.run("agent", "modify", "node-1", "--status", "offline", "--labels", "rack=7", "--labels", "zone=eu-1", "--labels", "a=b", "--labels", "c=d").ok()
	w.run("agent", "list", "--where", "id=node-1").ok().says("offline").says("a=b,c=d,rack=7 and 1 more")
	w.run("agent", "preload-images", "py", "--agents", "*", "--quiet").ok().golden("tables/agent_deferred")
	w.run("agent", "unload-images", "cr.test/lab/torch:2", "--agents", "label:rack=7", "--defer-until", "in 3h", "--yes", "--quiet").ok()
	w.run("agent", "intents").ok().golden("tables/agent_intents")
	w.run("agent", "drop-intents", "node-1", "--dry-run").ok().golden("tables/agent_drop_dry")
	w.now = w.now.Add(23*time.Hour + 59*time.Minute + 30*time.Second)
	w.run("agent", "intents").ok().says("due").says("in a moment").says("20 hours ago")
	w.run("agent", "drop-intents", "node-1", "--yes").ok().says("gave up 2 images")
	w.run("agent", "preload-images", "py", "--agents", "*", "--defer-until", "12h ago").exits(2).
		says(`--defer-until: "12h ago" is over; a time to come is 2026-01-31, 2026-01-31T12:00:00Z, or how long from now, such as 12h`)
}
