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

func TestOnePushesIntoOnesProjectsAndReplacesNobodysImage(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	for remote, reason := range map[string]string{
		"ml/app:2":          "",
		"ml/app:1":          "",
		"ml/app:mine":       "",
		"ml/app:theirs":     "tag_out_of_reach",
		"ml/app:new-theirs": "tag_out_of_reach",
		"ops/app:1":         "repository_out_of_reach",
		"ml:1":              "repository_out_of_reach",
	} {
		before := len(s.mover.pushed)
		res, err := s.own.PushImage(s.alice(), actions.PushImageAction{Local: "app:1", Remote: fleetHost + "/" + remote})
		if reason != "" {
			fleetError(t, err, domain.CodeForbidden, reason)
			require.Len(t, s.mover.pushed, before)
			continue
		}
		require.NoError(t, err, remote)
		require.Equal(t, fleetHost+"/"+remote, res.Image)
		require.NotEmpty(t, res.Digest)
		require.EqualValues(t, 7, res.SentBytes)
	}
	_, err := s.own.PushImage(s.stranger(), actions.PushImageAction{Local: "app:1", Remote: fleetHost + "/ml/app:2"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
	_, err = s.svc.PushImage(s.alice(), actions.PushImageAction{Local: "app:1", Remote: "elsewhere.example.org/ml/app:2"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
}

func TestThePasswordGoesToTheStoreInTheClearAndWithItsRowOnly(t *testing.T) {
	t.Parallel()
	f, m := newFleet(t), &mover{}
	svc := f.again(withMover(m), func(c *service.Config) { c.Sealer = plainSealer{} })
	f.register("plain.example.org", "")
	f.registries["locked.example.org"] = porttest.NewRegistry()
	_, err := svc.CreateRegistry(f.root, actions.CreateRegistryAction{Name: "locked.example.org", Username: "robot", Password: "secret"})
	require.NoError(t, err)
	for host, password := range map[string]string{"locked.example.org": "secret", "plain.example.org": ""} {
		_, err = svc.PushImage(f.root, actions.PushImageAction{Local: "a", Remote: host + "/ml/a:1"})
		require.NoError(t, err)
		got := m.pushed[len(m.pushed)-1].Registry
		require.Equal(t, host, got.Name)
		require.Equal(t, password, got.Password.Reveal())
	}
}

func TestAPullGetsWhatWasSeenUnderTheNameAsked(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	digest, err := s.GetImageDigest(s.root, actions.GetImageDigestAction{Image: fleetHost + "/ml/app:1"})
	require.NoError(t, err)
	for local, want := range map[string]string{"": "ml/app:1", "other:2": "other:2"} {
		res, err := s.svc.PullImage(s.alice(), actions.PullImageAction{Remote: fleetHost + "/ml/app:1", Local: local})
		require.NoError(t, err)
		require.Equal(t, want, res.Local)
		got := s.mover.fetched[len(s.mover.fetched)-1]
		require.Equal(t, want, got.Local)
		require.Equal(t, digest.Digest, got.Manifest, "a tag that moves between look and pull is noticed")
	}
}

func TestAServerWithoutAStoreSaysSo(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	_, err := s.PullImage(s.root, actions.PullImageAction{Remote: fleetHost + "/ml/app:1"})
	fleetError(t, err, domain.CodePrecondition, "store_unavailable")
	s.node("a1", "x86_64")
	_, err = s.PullImage(s.root, actions.PullImageAction{Remote: fleetHost + "/ml/app:1", AgentID: "a1"})
	fleetError(t, err, domain.CodePrecondition, "fetch_unsupported")
	_, err = s.PushImage(s.root, actions.PushImageAction{Local: "app:1", Remote: fleetHost + "/ml/app:9", AgentID: "a1"})
	fleetError(t, err, domain.CodePrecondition, "push_unsupported")
	_, err = s.PushImage(s.root, actions.PushImageAction{Local: "app:1", Remote: fleetHost + "/ml/app:9", AgentID: "nobody"})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")
}

// A sink that is stuck must not hold up who moves bytes.
func TestASinkThatBlocksHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	stuck := make(chan struct{})
	defer close(stuck)
	s.mover.hook = func(_ context.Context, sink domain.TransferSink) error {
		for i := range int64(10_000) {
			sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: "l", Current: i})
		}
		sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitFinished})
		return nil
	}
	ctx := domain.WithTransferSink(s.alice(), func(domain.TransferEvent) { <-stuck })
	_, err := s.own.PushImage(ctx, actions.PushImageAction{Local: "a", Remote: fleetHost + "/ml/app:2"})
	require.NoError(t, err)
}

func TestASinkHearsWhatIsToldOnceAlthoughItIsSlow(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	told := make(chan struct{})
	s.mover.hook = func(_ context.Context, sink domain.TransferSink) error {
		defer close(told)
		sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitStarted})
		for i := range int64(10_000) {
			sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: "l", Current: i})
		}
		sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitFinished})
		return nil
	}
	kinds := map[domain.TransferKind]int{}
	ctx := domain.WithTransferSink(s.alice(), func(e domain.TransferEvent) { <-told; kinds[e.Kind]++ })
	_, err := s.own.PushImage(ctx, actions.PushImageAction{Local: "a", Remote: fleetHost + "/ml/app:2"})
	require.NoError(t, err)
	require.Equal(t, 1, kinds[domain.TransferPush])
	require.Equal(t, 1, kinds[domain.TransferCommitStarted], "steps do not push it out")
	require.Equal(t, 1, kinds[domain.TransferCommitFinished])
	require.Positive(t, kinds[domain.TransferStep])
}

func TestATransferThatStandsStillEndsAndOneThatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	var tries atomic.Int64
	s.mover.hook = func(ctx context.Context, sink domain.TransferSink) error {
		if tries.Add(1) == 1 {
			sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: "l", Current: 1})
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	svc := s.again(withMover(s.mover), func(c *service.Config) {
		c.Fleet.PullStall, c.Fleet.PullBackoff = 50*time.Millisecond, time.Millisecond
	})
	_, err := svc.PushImage(s.root, actions.PushImageAction{Local: "a", Remote: fleetHost + "/ml/app:2"})
	require.NoError(t, err)
	require.EqualValues(t, 2, tries.Load())
}

func TestAPushInTheBackgroundIsATaskOfWhoAsked(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	moved, leave := make(chan struct{}), make(chan struct{})
	s.mover.hook = func(ctx context.Context, sink domain.TransferSink) error {
		sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: "sha256:abc", Status: "pushing", Current: 3, Total: 10})
		close(moved)
		select {
		case <-leave:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.node("a1", "x86_64")
	svc := s.again(quick, withMover(s.mover))
	runTasks(t, svc)
	res, err := svc.PushImage(s.root, actions.PushImageAction{Local: "a", Remote: fleetHost + "/ml/app:2", AgentID: "a1", Background: true})
	require.NoError(t, err)
	<-moved
	require.Eventually(t, func() bool {
		got, err := s.GetTask(s.root, actions.GetTaskAction{TaskID: res.TaskID})
		return err == nil && len(got.Task.Running) == 1 && got.Task.Running[0] == domain.TaskStep{Key: "sha256:abc", Current: 3, Total: 10, Message: "pushing"}
	}, 10*time.Second, 10*time.Millisecond)
	close(leave)
	task, _ := s.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State)
	require.Equal(t, domain.TaskAccount{Seen: 1, Done: 1}, task.Account)
}
