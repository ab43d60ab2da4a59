package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// listen listens until the test ends. It returns when it hears.
func listen(tb testing.TB, b *broker, lost time.Duration, heard func(context.Context, fleet.Beat) error) (stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done, up := make(chan error, 1), make(chan struct{}, 1)
	conn := b.connect(tb)
	go func() {
		done <- fleet.Listen(ctx, conn, fleet.ListenOptions{Lost: lost}, func(ctx context.Context, b fleet.Beat) error {
			if b.AgentID == "probe" {
				select {
				case up <- struct{}{}:
				default:
				}
				return nil
			}
			return heard(ctx, b)
		})
	}()
	stopped := false
	stop = func() error { stopped = true; cancel(); return <-done }
	tb.Cleanup(func() {
		if !stopped {
			require.NoError(tb, stop())
		}
	})
	probe := b.connect(tb)
	for {
		say(tb, probe, "probe", 1, "")
		select {
		case <-up:
			return stop
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// say publishes a heartbeat by hand: revision n, and more of JSON.
func say(tb testing.TB, conn *nats.Conn, node string, n int, more string) {
	tb.Helper()
	require.NoError(tb, conn.Publish("wharf.beat."+node, []byte(`{"v":1,"process":"A","revision":"`+revision(n)+`"`+more+`}`)))
}

func revision(n int) string { return fmt.Sprintf("%064x", n) }

// channel hands what is heard to a test.
func channel() (chan fleet.Beat, func(context.Context, fleet.Beat) error) {
	beats := make(chan fleet.Beat, 1024)
	return beats, func(_ context.Context, b fleet.Beat) error { beats <- b; return nil }
}

func TestANodeIsHeardWhenItComesChangesAndGoes(t *testing.T) {
	b, fake := newBroker(t), porttest.NewAgent(nil)
	beats, heard := channel()
	listen(t, b, time.Hour, heard)
	begun := time.Now()
	stop := serve(t, b, b.connect(t), fleet.Node{ID: "node.1", Agent: fake, Every: 20 * time.Millisecond, Poll: 50 * time.Millisecond, Version: "v1\x1b[2"})

	first := receive(t, beats)
	require.WithinRange(t, first.At, begun, time.Now())
	empty, err := fake.Inventory(t.Context())
	require.NoError(t, err)
	require.Equal(t, fleet.Beat{
		AgentID: "node.1", Online: true, Revision: fleet.RevisionOf(empty), At: first.At,
		Architecture: domain.HostArchitecture(), Version: "v1[2",
	}, first)

	a := open(t, b.connect(t), fleet.Options{}, "node.1")
	require.NoError(t, pullOf(t, a))
	second := receive(t, beats)
	require.NotEqual(t, first.Revision, second.Revision)
	require.NoError(t, pullOf(t, a)) // unchanged
	_, err = a.Remove(t.Context(), domain.RemoveRequest{Canonical: request("1").Reference.Canonical(), Architecture: "x86_64"})
	require.NoError(t, err)
	require.Equal(t, first.Revision, receive(t, beats).Revision)

	_, err = fake.Pull(t.Context(), request("2"), nil) // behind the node's back
	require.NoError(t, err)
	third := receive(t, beats)
	require.NotEqual(t, first.Revision, third.Revision)

	require.NoError(t, stop())
	bye := receive(t, beats)
	require.False(t, bye.Online)
	require.Equal(t, third.Revision, bye.Revision)
	require.Empty(t, beats, "nothing else was heard")
}

func TestSilenceIsHeardOnce(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	listen(t, b, 200*time.Millisecond, heard)
	conn := b.connect(t)
	begun := time.Now()
	say(t, conn, "node1", 1, "")
	require.True(t, receive(t, beats).Online)
	require.False(t, receive(t, beats).Online)
	require.Greater(t, time.Since(begun), 200*time.Millisecond)
	select {
	case again := <-beats:
		require.Fail(t, "heard again", "%+v", again)
	case <-time.After(500 * time.Millisecond):
	}
	say(t, conn, "node1", 1, "")
	require.True(t, receive(t, beats).Online, "it is back")
}

func TestSilenceOfTheLineIsNoSilenceOfANode(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	listen(t, b, 800*time.Millisecond, heard)
	node := b.connect(t)
	serve(t, b, node, fleet.Node{ID: "node1", Agent: porttest.NewAgent(nil), Every: 30 * time.Millisecond})
	require.True(t, receive(t, beats).Online)
	b.stop()
	select {
	case got := <-beats:
		require.Fail(t, "heard without a server", "%+v", got)
	case <-time.After(2 * time.Second):
	}
	b.start(t)
	require.Eventually(t, node.IsConnected, patience, 10*time.Millisecond)
	select {
	case got := <-beats:
		require.Fail(t, "the node was always there", "%+v", got)
	case <-time.After(1500 * time.Millisecond):
	}
}

func TestAnotherProcessOfANodeKeepsItOnline(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	listen(t, b, 10*time.Second, heard)
	conn := b.connect(t)
	say(t, conn, "node1", 1, `,"process":"OLD"`)
	require.True(t, receive(t, beats).Online)
	say(t, conn, "node1", 1, `,"process":"NEW"`)
	say(t, conn, "node1", 1, `,"process":"OLD","bye":true`)
	say(t, conn, "other", 1, "")
	require.Equal(t, domain.AgentID("other"), receive(t, beats).AgentID)
	say(t, conn, "node1", 2, `,"process":"NEW"`)
	got := receive(t, beats)
	require.True(t, got.Online)
	require.Equal(t, revision(2), got.Revision)
}

func TestHeartbeatsThatMakeNoSenseAreNotHeard(t *testing.T) {
	b := newBroker(t)
	beats, heard := channel()
	listen(t, b, 10*time.Second, heard)
	conn := b.connect(t)
	for _, data := range []string{
		"", "{", "[]", `{"v":2,"process":"A"}`, `{"process":"A"}`, `{"v":1}`, `{"v":1,"process":"a b"}`,
		`{"v":1,"process":"A","revision":"x"}`, `{"v":1,"process":"A","bye":true}`,
		`{"v":1,"process":"A","version":"` + strings.Repeat("x", 5000) + `"}`,
	} {
		require.NoError(t, conn.Publish("wharf.beat.liar", []byte(data)))
	}
	for _, node := range []string{"~61", "a~2e", "-a", strings.Repeat("a", 65)} {
		say(t, conn, node, 1, "")
	}
	say(t, conn, "node1", 1, `,"architecture":"no such"`)
	got := receive(t, beats)
	require.Equal(t, domain.AgentID("node1"), got.AgentID)
	require.Empty(t, got.Architecture)
}

func TestListenEndsWithItsConnection(t *testing.T) {
	conn := newBroker(t).connect(t)
	done := make(chan error, 1)
	go func() { done <- fleet.Listen(t.Context(), conn, fleet.ListenOptions{}, nil) }()
	require.Eventually(t, func() bool { return conn.NumSubscriptions() == 1 }, patience, time.Millisecond)
	conn.Close()
	fails(t, receive(t, done), domain.CodeUnavailable, "agent_unavailable")
	fails(t, fleet.Listen(t.Context(), conn, fleet.ListenOptions{}, nil), domain.CodeUnavailable, "agent_unavailable")
}
