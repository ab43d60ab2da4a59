package service_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// keyed is the context of a call with an idempotency key.
func keyed(tb testing.TB, actor domain.UserID, key string) context.Context {
	tb.Helper()
	return domain.WithEnvelope(tb.Context(), domain.Envelope{Actor: domain.Actor{ID: actor, Role: domain.RoleSuperadmin}, IdempotencyKey: key})
}

func TestACallThatIsRepeatedRunsOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("python:3.12")[0]
	ctx := keyed(t, "alice", "k1")
	first, err := f.ForgetImage(ctx, actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	require.True(t, first.Changed)
	again, err := f.ForgetImage(ctx, actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	require.Equal(t, fleetJSON(t, first), fleetJSON(t, again), "a second run would say that nothing changed")
	require.Len(t, f.audit("image.forget"), 1)

	fresh, err := f.ForgetImage(keyed(t, "alice", "k2"), actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	require.False(t, fresh.Changed)
}

func TestAnExternalEffectThatIsRepeatedHappensOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("python:3.12")[0]
	node := f.node("a1", "x86_64", img)
	purge := actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{{AgentID: "a1", Images: []actions.ImageRef{{Name: img.Canonical()}}}}}
	first, err := f.PurgeImages(keyed(t, "alice", "k"), purge)
	require.NoError(t, err)
	require.Len(t, first.PurgedImages, 1)
	again, err := f.PurgeImages(keyed(t, "alice", "k"), purge)
	require.NoError(t, err)
	require.Equal(t, fleetJSON(t, first), fleetJSON(t, again))
	require.Len(t, node.Calls(porttest.OpRemove), 1)
}

func TestAKeyIsOfOneActorAndOneAction(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("python:3.12")[0]
	_, err := f.ForgetImage(keyed(t, "alice", "k"), actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	bobs, err := f.ForgetImage(keyed(t, "bob", "k"), actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	require.False(t, bobs.Changed, "bob's call ran")
	_, err = f.RestoreImage(keyed(t, "alice", "k"), actions.RestoreImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	f.requireStatus(img.ID, domain.ImageAlive)
}

func TestAKeyThatWasUsedForAnotherRequestIsAConflict(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	a, b := f.image("a:1")[0], f.image("b:1")[0]
	_, err := f.ForgetImage(keyed(t, "alice", "k"), actions.ForgetImageAction{Reference: a.Canonical()})
	require.NoError(t, err)
	_, err = f.ForgetImage(keyed(t, "alice", "k"), actions.ForgetImageAction{Reference: b.Canonical()})
	fleetError(t, err, domain.CodeConflict, "idempotency_mismatch")
	f.requireStatus(b.ID, domain.ImageAlive)
}

// Two passwords are two requests, although neither is ever written down.
func TestAnotherPasswordIsAnotherRequest(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) { c.Sealer = plainSealer{} })
	reg := f.register("cr.example.net", "")
	modify := func(password domain.Secret) error {
		_, err := f.ModifyRegistry(keyed(t, "alice", "k"), actions.ModifyRegistryAction{
			RegistryID: reg.ID, Username: domain.Set("robot"), Password: domain.Set(password),
		})
		return err
	}
	require.NoError(t, modify("one"))
	require.NoError(t, modify("one"))
	fleetError(t, modify("two"), domain.CodeConflict, "idempotency_mismatch")
}

func TestReadsIgnoreTheKey(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	a, b := f.image("a:1")[0], f.image("b:1")[0]
	for _, img := range []domain.Image{a, b} {
		got, err := f.GetImage(keyed(t, "alice", "k"), actions.GetImageAction{Reference: img.Canonical()})
		require.NoError(t, err)
		require.Equal(t, img.ID, got.Image.ID)
	}
}

func TestACallThatFailsGivesItsKeyBack(t *testing.T) {
	t.Parallel()
	for name, break_ := range map[string]func() error{
		"an error": func() error { return errors.New("the node is on fire") },
		"a panic":  func() error { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			node := f.node("a1", "x86_64")
			report := actions.ReportInventoryAction{AgentID: "a1"}
			node.SetHook(func(context.Context, string, string) error { return break_() })
			_, err := f.ReportInventory(keyed(t, "alice", "k"), report)
			require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
			node.SetHook(nil)
			_, err = f.ReportInventory(keyed(t, "alice", "k"), report)
			require.NoError(t, err)
		})
	}
}

func TestOfParallelTwinsOneRuns(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	node := f.node("a1", "x86_64")
	report := actions.ReportInventoryAction{AgentID: "a1"}
	running, finish := make(chan struct{}), make(chan struct{})
	var runs atomic.Int64
	node.SetHook(func(context.Context, string, string) error {
		runs.Add(1)
		close(running)
		<-finish
		return nil
	})
	first := make(chan error)
	go func() {
		_, err := f.ReportInventory(keyed(t, "alice", "k"), report)
		first <- err
	}()
	<-running
	_, err := f.ReportInventory(keyed(t, "alice", "k"), report)
	fleetError(t, err, domain.CodeConflict, "idempotency_busy")
	close(finish)
	require.NoError(t, <-first)
	_, err = f.ReportInventory(keyed(t, "alice", "k"), report)
	require.NoError(t, err)
	require.EqualValues(t, 1, runs.Load())
}

// A process that dies inside a call leaves a claim that nobody settles.
func TestAClaimThatNobodySettlesEnds(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	f := newFleet(t, func(c *service.Config) { c.Now = clock.Now })
	node := f.node("a1", "x86_64")
	report := actions.ReportInventoryAction{AgentID: "a1"}
	running, finish, first := make(chan struct{}), make(chan struct{}), make(chan error)
	node.SetHook(func(context.Context, string, string) error {
		close(running)
		<-finish
		return errors.New("late")
	})
	go func() {
		_, err := f.ReportInventory(keyed(t, "alice", "k"), report)
		first <- err
	}()
	<-running
	node.SetHook(nil)
	clock.pass(9 * time.Minute)
	_, err := f.ReportInventory(keyed(t, "alice", "k"), report)
	fleetError(t, err, domain.CodeConflict, "idempotency_busy")
	clock.pass(2 * time.Minute)
	_, err = f.ReportInventory(keyed(t, "alice", "k"), report)
	require.NoError(t, err)

	close(finish)
	require.Error(t, <-first)
	_, err = f.ReportInventory(keyed(t, "alice", "k"), report)
	require.NoError(t, err, "the first one gave back a key that was no longer its own")
	require.Len(t, node.Calls(porttest.OpInventory), 3, "f.node's, the first and the second")
}

func TestTheKeyIsTakenBehindAuthorization(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("python:3.12")[0]
	forget := actions.ForgetImageAction{Reference: img.Canonical()}
	_, err := f.ForgetImage(keyed(t, "alice", "k"), forget)
	require.NoError(t, err)
	_, err = f.again(func(c *service.Config) { c.Authorizer = porttest.DenyAll{} }).ForgetImage(keyed(t, "alice", "k"), forget)
	require.ErrorIs(t, err, domain.ErrForbidden, "a right that is gone is gone for repeats too")
}
