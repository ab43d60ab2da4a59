package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// intents are what waits, "agent image kind" each.
func (f *fleet) intents() []string {
	f.tb.Helper()
	res, err := f.ListIntents(f.root, actions.ListIntentsAction{})
	require.NoError(f.tb, err)
	list := []string{}
	for _, i := range res.Intents {
		list = append(list, string(i.AgentID)+" "+i.Canonical+" "+i.Kind)
	}
	return list
}

// offline says that a node does not answer, as its heartbeats' silence would.
func (f *fleet) offline(id domain.AgentID) {
	f.tb.Helper()
	_, err := f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: id, Offline: true})
	require.NoError(f.tb, err)
}

func TestANodeThatIsAwayIsServedWhenItReturns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	images := f.images(2)
	f.node("here", "x86_64")
	f.node("away", "x86_64")
	f.offline("away")
	runTasks(t, f.ImageService)
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", fleetNames(images)...).Images, TargetAgents: "*", Background: true})
	require.NoError(t, err)
	task, _ := f.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State, "no task stays open for a node that is away")
	require.Equal(t, domain.TaskAccount{Seen: 4, Done: 2, Deferred: 2}, task.Account)
	require.Equal(t, []string{
		"away " + images[0].Canonical() + " agent.preload_images", "away " + images[1].Canonical() + " agent.preload_images",
	}, f.intents())
	require.Empty(t, f.agents["away"].Calls(porttest.OpPull))

	_, err = f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "away"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(f.intents()) == 0 }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, f.holds("here"), f.holds("away"))
	require.Equal(t, f.holds("away"), f.known("away"))
	tasks, err := f.ListTasks(f.root, actions.ListTasksAction{})
	require.NoError(t, err)
	require.Len(t, tasks.Tasks, 2, "one more task, for both images")
	require.Equal(t, task.Actor, tasks.Tasks[1].Actor, "in the name of who asked")
}

func TestANodeThatOnlySeemsToBeBackIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick, func(c *service.Config) { c.Work.Return = 50 * time.Millisecond })
	img := f.image("app:1")[0]
	tries := make(chan struct{}, 100)
	f.node("away", "x86_64").SetHook(func(context.Context, string, string) error {
		tries <- struct{}{}
		return fleetVanished("away")
	})
	runTasks(t, f.ImageService)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{
		Images: fleetKey("", img.Canonical()).Images, TargetAgents: "away", Deferral: actions.Deferral{DeferUntil: until},
	})
	require.NoError(t, err)
	require.Equal(t, actions.Account{Seen: 1, Deferred: 1}, res.Account)
	for range 3 { // inline, and two tasks
		<-tries
	}
	waits, err := f.ListIntents(f.root, actions.ListIntentsAction{})
	require.NoError(t, err)
	require.Len(t, waits.Intents, 1)
	require.True(t, until.Equal(waits.Intents[0].ExpiresAt), "it expires when it was to, however often it was tried")
	require.GreaterOrEqual(t, waits.Intents[0].Tries, 2)

	f.agents["away"].SetHook(nil)
	require.Eventually(t, func() bool { return len(f.intents()) == 0 }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, []string{img.Canonical() + " x86_64"}, f.known("away"))
}

func TestTheLastWishForAnImageOnANodeCounts(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	img := f.image("app:1")[0]
	f.node("away", "x86_64", img)
	f.offline("away")
	refs := fleetKey("", img.Canonical()).Images
	f.preload("away", img.Canonical())
	f.unload(actions.UnloadImagesAction{Images: refs, TargetAgents: "away", Force: true})
	require.Equal(t, []string{"away " + img.Canonical() + " agent.unload_images"}, f.intents())

	f.agents["away"].Use("job", img.Canonical(), "x86_64")
	_, err := f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "away"})
	require.NoError(t, err)
	runTasks(t, f.ImageService)
	require.Eventually(t, func() bool { return len(f.intents()) == 0 }, 20*time.Second, 10*time.Millisecond)
	require.Empty(t, f.holds("away"), "unloaded by force, as was asked")

	f.offline("away")
	f.preload("away", img.Canonical())
	_, err = f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "away", Status: domain.Set(domain.AgentOnline)})
	require.NoError(t, err)
	res, err := f.PurgeImages(f.root, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("away", img.Canonical())}})
	require.NoError(t, err)
	require.Len(t, res.Errors, 1, "it does not hold it")
}

func TestWhatIsDoneMeanwhileWaitsNoLonger(t *testing.T) {
	t.Parallel()
	f := newFleet(t) // nobody serves intents
	img := f.image("app:1")[0]
	f.node("away", "x86_64")
	f.offline("away")
	f.preload("away", img.Canonical())
	_, err := f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "away", Status: domain.Set(domain.AgentOnline)})
	require.NoError(t, err)
	require.Equal(t, actions.DidPull, f.preload("away", img.Canonical()).Outcomes[0].Did)
	require.Empty(t, f.intents())
}

func TestNodesThatAreAwayCanBeRefusedAndGivenUp(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("away", "x86_64")
	f.offline("away")
	refs := fleetKey("", img.Canonical()).Images
	for _, d := range []actions.Deferral{{NoDefer: true}, {DeferUntil: time.Now().Add(-time.Minute)}} {
		res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: refs, TargetAgents: "away", Deferral: d})
		require.NoError(t, err)
		require.Equal(t, "agent_offline", res.Outcomes[0].Problem.Reason)
	}
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: refs, TargetAgents: "away", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, actions.DidDefer, res.Outcomes[0].Did)
	require.Empty(t, f.intents(), "a dry run puts nothing off")

	f.preload("away", img.Canonical())
	for _, dry := range []bool{true, false} {
		dropped, err := f.DropIntents(f.root, actions.DropIntentsAction{AgentID: "away", DryRun: dry})
		require.NoError(t, err)
		require.Len(t, dropped.Intents, 1)
	}
	require.Empty(t, f.intents())
	_, err = f.DropIntents(f.root, actions.DropIntentsAction{AgentID: "nobody"})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")
}

func TestAHeartbeatAsksForANewInventoryOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	node := f.node("a", "x86_64")
	me := f.as(domain.Actor{ID: "agent:a", Role: "agent"})
	inv := domain.Inventory{Revision: "r1", Images: []domain.InventoryImage{{Canonical: img.Canonical(), Architecture: "amd64", Digest: img.ConfigDigest}}}
	_, err := f.ReportInventory(me, actions.ReportInventoryAction{AgentID: "a", Inventory: &inv})
	require.NoError(t, err)
	asked := len(node.Calls(porttest.OpInventory))
	for _, offline := range []bool{false, true} {
		if offline {
			f.offline("a")
		}
		res, err := f.ReportInventory(me, actions.ReportInventoryAction{AgentID: "a", Revision: "r1"})
		require.NoError(t, err)
		require.True(t, res.Known)
		agents, err := f.ListAgents(f.root, actions.ListAgentsAction{})
		require.NoError(t, err)
		require.Equal(t, domain.AgentOnline, agents.Agents[0].Status, "who beats is online")
	}
	require.Len(t, node.Calls(porttest.OpInventory), asked)
	res, err := f.ReportInventory(me, actions.ReportInventoryAction{AgentID: "a", Revision: "r2"})
	require.NoError(t, err)
	require.False(t, res.Known)
	require.Equal(t, 1, res.Removed, "the node was asked, and holds nothing")
	require.Len(t, node.Calls(porttest.OpInventory), asked+1)
}
