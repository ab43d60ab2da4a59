package service_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// Both are past every look at what there is before one of them is done.
func TestTwoSavesAtOnceShareTheLastPlace(t *testing.T) {
	t.Parallel()
	s := newSaves(t, func(c *service.Config) { c.Save.Quota = 2 }) // one is taken by ml/app:mine
	var wg sync.WaitGroup
	errs := make([]error, 2)
	var both sync.WaitGroup
	both.Add(2)
	s.node.SetHook(func(_ context.Context, op, _ string) error {
		if op == porttest.OpContainer {
			both.Done()
			both.Wait()
		}
		return nil
	})
	for i, tag := range []string{"first", "second"} {
		wg.Go(func() { _, errs[i] = s.own.SaveImage(s.alice(), s.action(tag)) })
	}
	wg.Wait()
	if errs[0] == nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	fleetError(t, errs[0], domain.CodePrecondition, "quota_exceeded")
	require.NoError(t, errs[1])
	s.node.SetHook(nil)
	_, err := s.own.SaveImage(s.alice(), s.action("mine"))
	require.NoError(t, err, "what is replaced needs no place")
	_, err = s.own.SaveImage(s.alice(), s.action("third"))
	fleetError(t, err, domain.CodePrecondition, "quota_exceeded")
	img := s.scan(fleetHost + "/ml/app:mine")[0]
	_, err = s.ForgetImageByID(s.root, actions.ForgetImageByIDAction{ImageID: img.ID})
	require.NoError(t, err)
	_, err = s.own.SaveImage(s.alice(), s.action("third"))
	fleetError(t, err, domain.CodePrecondition, "quota_exceeded")
	_, err = s.own.SaveImage(s.alice(), s.action("mine"))
	require.NoError(t, err)
	s.requireStatus(img.ID, domain.ImageAlive)
	_, err = s.PurgeImageByID(s.root, actions.PurgeImageByIDAction{ImageID: img.ID, RemoveFromRegistry: true})
	require.NoError(t, err)
	_, err = s.own.SaveImage(s.alice(), s.action("third"))
	require.NoError(t, err)
}

func TestATagIsSavedByOneAtATime(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	pushing, leave := make(chan struct{}), make(chan struct{})
	s.node.hook = func(context.Context, domain.TransferSink) error { close(pushing); <-leave; return nil }
	done := make(chan error)
	go func() { _, err := s.own.SaveImage(s.alice(), s.action("saved")); done <- err }()
	<-pushing
	_, err := s.own.SaveImage(s.alice(), s.action("saved"))
	fleetError(t, err, domain.CodeConflict, "save_running")
	_, err = s.SaveImage(s.root, s.action("saved"))
	fleetError(t, err, domain.CodeConflict, "save_running")
	close(leave)
	require.NoError(t, <-done)
}

// A worker that ends in the middle leaves the save to the next one.
func TestASaveThatIsCutOffIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	pushing := make(chan struct{})
	s.node.hook = func(ctx context.Context, _ domain.TransferSink) error { close(pushing); <-ctx.Done(); return ctx.Err() }
	svc := s.again(quick, func(c *service.Config) { c.Save.Quota = 2 }, withAuthorizer(reaching(domain.ReachOwn)))
	stop := runTasks(t, svc)
	a := s.action("")
	a.Remote, a.Background = "", true
	res, err := svc.SaveImage(s.alice(), a)
	require.NoError(t, err)
	<-pushing
	require.Len(t, s.node.saved(t), 1)
	stop()
	require.Empty(t, s.node.saved(t))
	s.node.hook = nil
	runTasks(t, s.again(quick, func(c *service.Config) { c.Save.Quota = 2 }, withAuthorizer(reaching(domain.ReachOwn))))
	task, _ := s.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State)
	require.Equal(t, domain.TaskAccount{Seen: 1, Done: 1}, task.Account)
	require.Empty(t, s.node.saved(t))
	want := fleetHost + "/ml/app:1-customized_" + strings.ReplaceAll(string(res.TaskID), "-", "")
	for _, pushed := range s.node.pushed {
		require.Equal(t, want, pushed.Remote.Canonical(), "all tries push to one tag")
	}
	_, err = s.svc.GetImage(s.alice(), actions.GetImageAction{Reference: want})
	require.NoError(t, err)
}

func TestASaveThatFailedCanBeRetried(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	svc := s.again(quick, withAuthorizer(reaching(domain.ReachOwn)))
	s.node.hook = func(context.Context, domain.TransferSink) error {
		return domain.Errorf(domain.CodeForbidden, "push_denied", "", "no")
	}
	stop := runTasks(t, svc)
	a := s.action("")
	a.Remote, a.Background = "", true // each task makes a tag of its own
	res, err := svc.SaveImage(s.alice(), a)
	require.NoError(t, err)
	task, _ := s.ended(res.TaskID)
	require.Equal(t, domain.TaskFailed, task.State)
	stop()
	s.node.hook = nil
	retried, err := svc.RetryTask(s.alice(), actions.RetryTaskAction{TaskID: res.TaskID})
	require.NoError(t, err)
	runTasks(t, s.again(quick, withAuthorizer(reaching(domain.ReachOwn))))
	task, _ = s.ended(retried.Task.ID)
	require.Equal(t, domain.TaskAccount{Seen: 1, Done: 1}, task.Account)
	require.Equal(t, fleetHost+"/ml/app:1-customized_"+strings.ReplaceAll(string(task.ID), "-", ""), s.node.pushed[len(s.node.pushed)-1].Remote.Canonical())
}

// What a process that died has committed is taken away by the next attempt.
func TestWhatADeadAttemptLeftOnTheNodeIsTakenAway(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	svc := s.again(quick, withAuthorizer(reaching(domain.ReachOwn)))
	a := s.action("saved")
	a.Background = true
	res, err := svc.SaveImage(s.alice(), a)
	require.NoError(t, err)
	task, err := s.store.TakeTask(t.Context(), res.TaskID, 0, time.Now())
	require.NoError(t, err)
	id := strings.ReplaceAll(string(res.TaskID), "-", "")
	_, err = s.node.Engine.Commit(t.Context(), domain.CommitRequest{Container: s.mine, Name: fmt.Sprintf("localhost/wharf-saved:%s-%d", id, task.Attempt)}, nil)
	require.NoError(t, err)
	require.Len(t, s.node.saved(t), 1)
	runTasks(t, svc)
	done, _ := s.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, done.State)
	require.Empty(t, s.node.saved(t))
}

// Whatever call of the database fails, nothing is left, and what is done is known.
func TestASaveIsWholeOrNothingWhereverTheDatabaseFails(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	flaky := &fleetFlaky{Store: s.store}
	svc := s.again(func(c *service.Config) { c.Store = flaky }, withAuthorizer(reaching(domain.ReachOwn)))
	flaky.arm(0)
	_, err := svc.SaveImage(s.alice(), s.action("saved"))
	require.NoError(t, err)
	calls := flaky.made()
	require.Contains(t, calls, "saves.fulfil")
	for n := 1; n <= len(calls); n++ {
		flaky.arm(n)
		_, err := svc.SaveImage(s.alice(), s.action("saved"))
		if err != nil {
			fleetError(t, err, domain.CodeUnavailable, "database_unavailable")
		} else {
			require.Equal(t, "audit.record", calls[n-1], "call %d: only the end of the trail may be lost", n)
		}
		require.Empty(t, s.node.saved(t))
		flaky.arm(0)
		_, err = svc.SaveImage(s.alice(), s.action("saved"))
		require.NoError(t, err, "after call %d, %s", n, calls[n-1])
		d, derr := s.svc.GetImageDigest(s.alice(), actions.GetImageDigestAction{Image: fleetHost + "/ml/app:saved"})
		require.NoError(t, derr)
		require.Equal(t, d.Digest, s.scan(fleetHost + "/ml/app:saved")[0].TagDigest)
	}
}
