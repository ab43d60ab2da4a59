package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
)

func TestAStuckCallbackHoldsNobodyUp(t *testing.T) {
	b := newBroker(t)
	letGo := make(chan struct{})
	var stuckCalls atomic.Int32
	beats, heard := channel()
	listen(t, b, 10*time.Second, func(ctx context.Context, b fleet.Beat) error {
		if b.AgentID == "stuck" && stuckCalls.Add(1) == 1 {
			select {
			case <-letGo:
			case <-ctx.Done():
			}
		}
		return heard(ctx, b)
	})
	conn := b.connect(t)
	say(t, conn, "stuck", 1, "")
	require.Eventually(t, func() bool { return stuckCalls.Load() == 1 }, patience, time.Millisecond)
	last := map[domain.AgentID]string{}
	for n := range 10 {
		say(t, conn, "stuck", n+2, "")
		for i := range 200 {
			say(t, conn, fmt.Sprint("node", i), n, "")
		}
	}
	for done := 0; done < 200; {
		got := receive(t, beats)
		require.True(t, got.Online)
		require.NotEqual(t, domain.AgentID("stuck"), got.AgentID)
		require.Less(t, last[got.AgentID], got.Revision, "never back, never twice")
		last[got.AgentID] = got.Revision
		if got.Revision == revision(9) {
			done++
		}
	}
	close(letGo)
	require.Equal(t, revision(1), receive(t, beats).Revision)
	require.Equal(t, revision(11), receive(t, beats).Revision, "what came meanwhile is one call")
	require.Empty(t, beats)
}

func TestACallbackThatFailsIsRepeatedWithTheNewest(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	var fails atomic.Bool
	fails.Store(true)
	calls := make(chan fleet.Beat, 1024)
	listen(t, b, 600*time.Millisecond, func(ctx context.Context, b fleet.Beat) error {
		calls <- b
		if b.AgentID == "bad" && fails.Load() {
			return errors.New("no")
		}
		return heard(ctx, b)
	})
	conn := b.connect(t)
	begun := time.Now()
	say(t, conn, "bad", 1, "")
	say(t, conn, "good", 1, "")
	require.Equal(t, domain.AgentID("good"), receive(t, beats).AgentID)
	for n := range 4 {
		got := receive(t, calls)
		if got.AgentID == "good" {
			got = receive(t, calls)
		}
		require.Equal(t, domain.AgentID("bad"), got.AgentID)
		say(t, conn, "bad", n+2, "")
	}
	require.GreaterOrEqual(t, time.Since(begun), (20+40+80)*time.Millisecond, "later and later")
	say(t, conn, "bad", 9, "")
	fails.Store(false)
	for {
		if got := receive(t, beats); got.AgentID == "bad" && got.Revision == revision(9) {
			return
		}
	}
}

func TestACallbackThatFailsIsRepeatedWithoutNews(t *testing.T) {
	b := newBroker(t)
	calls := make(chan fleet.Beat, 1024)
	listen(t, b, time.Second, func(_ context.Context, b fleet.Beat) error {
		calls <- b
		return errors.New("no")
	})
	say(t, b.connect(t), "node1", 1, "")
	for range 3 {
		require.True(t, receive(t, calls).Online)
	}
	for receive(t, calls).Online { // it is gone by now, and that is repeated too
	}
	require.False(t, receive(t, calls).Online)
}

func TestCallbacksRunSideBySideButNotAllOfThem(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	letGo := make(chan struct{})
	listen(t, b, 10*time.Second, func(ctx context.Context, b fleet.Beat) error {
		_ = heard(ctx, b)
		select {
		case <-letGo:
		case <-ctx.Done():
		}
		return nil
	})
	conn := b.connect(t)
	for i := range 40 {
		say(t, conn, fmt.Sprint("node", i), 1, "")
	}
	for range 16 {
		receive(t, beats)
	}
	select {
	case got := <-beats:
		require.Fail(t, "one too many", "%+v", got)
	case <-time.After(200 * time.Millisecond):
	}
	close(letGo)
	for range 40 - 16 {
		receive(t, beats)
	}
}

// Who flaps while its callback is slow is told as it is in the end.
func TestFlappingEndsInTheTruth(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	turn := make(chan struct{})
	listen(t, b, 10*time.Second, func(ctx context.Context, b fleet.Beat) error {
		select {
		case <-turn:
		case <-ctx.Done(): // of the test
		}
		return heard(ctx, b)
	})
	conn := b.connect(t)
	for range 20 {
		say(t, conn, "node1", 1, "")
		say(t, conn, "node1", 1, `,"bye":true`)
	}
	say(t, conn, "node1", 2, "")
	var told fleet.Beat
	for told.Revision != revision(2) {
		select {
		case turn <- struct{}{}:
		case got := <-beats:
			require.False(t, got.Online == told.Online && got.Revision == told.Revision, "no news: %+v", got)
			told = got
		case <-time.After(patience):
			require.Fail(t, "nothing came")
		}
	}
	require.True(t, told.Online)
}

func TestListenWaitsForItsCallbacks(t *testing.T) {
	b := newBroker(t)
	arrived, left := make(chan struct{}), false
	stop := listen(t, b, time.Second, func(ctx context.Context, _ fleet.Beat) error {
		close(arrived)
		<-ctx.Done()
		left = true
		return ctx.Err()
	})
	say(t, b.connect(t), "node1", 1, "")
	receive(t, arrived)
	require.NoError(t, stop())
	require.True(t, left)
}
