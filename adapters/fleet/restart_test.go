package fleet_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestAManagerThatDiesLeavesThePullToTheNode(t *testing.T) {
	b, fake := newBroker(t), porttest.NewAgent(nil)
	serveAs(t, b, "node1", fake)
	h := hold(fake, porttest.OpPull)
	dying := b.connect(t)
	a := open(t, dying, fleet.Options{Silence: time.Second}, "node1")
	done := make(chan error, 1)
	go func() {
		_, err := a.Pull(t.Context(), request("1"), nil)
		done <- err
	}()
	receive(t, h.arrived)
	dying.Close()
	fails(t, receive(t, done), domain.CodeUnavailable, "agent_unavailable")
	close(h.letGo)

	again := open(t, b.connect(t), fleet.Options{}, "node1")
	require.Eventually(t, func() bool {
		inv, err := again.Inventory(t.Context())
		return err == nil && len(inv.Images) == 1
	}, patience, 10*time.Millisecond)
	out, err := again.Pull(t.Context(), request("1"), nil)
	require.NoError(t, err)
	require.True(t, out.Unchanged)
}

// Whatever got lost, every call ends, and the next one works.
func TestAServerThatRestartsInMidPullEndsTheCall(t *testing.T) {
	p := newPair(t, func(_ *fleet.Node, o *fleet.Options) { o.Silence = time.Second })
	for i, tag := range []string{"1", "2", "3"} {
		h := hold(p.fake, porttest.OpPull)
		done := p.pulling(t.Context(), tag)
		receive(t, h.arrived)
		p.broker.stop()
		if i > 0 { // the outcome comes while there is no server
			close(h.letGo)
		}
		if i > 1 { // and the manager looks away before there is one
			fails(t, receive(t, done), domain.CodeUnavailable, "agent_unavailable")
			_, err := p.Inventory(t.Context())
			fails(t, err, domain.CodeUnavailable, "agent_unavailable")
		}
		p.broker.start(t)
		if i == 0 {
			close(h.letGo)
		}
		if i < 2 {
			if err := receive(t, done); err != nil {
				require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "%v", err)
			}
		}
		require.Eventually(t, func() bool {
			_, err := p.Pull(t.Context(), request(tag), nil)
			return err == nil
		}, patience, 20*time.Millisecond, "the pair does not recover")
	}
}

func TestANodeThatStopsSaysSoToThoseWhoWait(t *testing.T) {
	p := newPair(t, func(n *fleet.Node, o *fleet.Options) { n.Pulls, o.Silence = 1, time.Hour })
	h := hold(p.fake, porttest.OpPull)
	runs := p.pulling(t.Context(), "1")
	receive(t, h.arrived)
	asks := overhear(t, p.broker, "wharf.ask.node1.pull")
	waits := p.pulling(t.Context(), "2")
	receive(t, asks)
	_, err := p.Inventory(t.Context()) // the node reads it behind the other
	require.NoError(t, err)
	require.NoError(t, p.stop())
	for _, done := range []<-chan error{runs, waits} {
		fails(t, receive(t, done), domain.CodeUnavailable, "agent_unavailable")
	}
	require.ErrorIs(t, receive(t, h.ended), context.Canceled)
	require.Len(t, p.fake.Calls(porttest.OpPull), 1, "what waited was started on the way out")
}

func TestWhatANodeHasNotReadWhenItStopsIsAnswered(t *testing.T) {
	b := newBroker(t)
	m := newManager(t, b)
	fleet.ServeOnTheWayOut(b.connect(t), fleet.Node{ID: "node1", Agent: porttest.NewAgent(nil), Logger: slog.New(slog.DiscardHandler)}, &nats.Msg{
		Subject: "wharf.ask.node1.inventory", Reply: "wharf.reply.node1.test.c1", Data: []byte(`{"v":1,"call":"c1"}`),
	})
	f := m.next()
	require.Equal(t, []string{"c1", "agent_unavailable"}, []string{f.Call, f.Failed.Problem.Reason})
}

func TestWhatComesWhileANodeStopsIsAnswered(t *testing.T) {
	p := newPair(t, func(_ *fleet.Node, o *fleet.Options) { o.Silence = time.Hour })
	h := hold(p.fake, porttest.OpPull)
	results := make(chan error, 400)
	for range cap(results) {
		go func() {
			_, err := p.Pull(t.Context(), request("1"), nil)
			results <- err
		}()
	}
	receive(t, h.arrived)
	require.NoError(t, p.stop())
	for range cap(results) {
		err := receive(t, results)
		require.Contains(t, []string{"agent_unavailable", "agent_busy"}, domain.ReasonOf(err), "%v", err)
	}
}

func TestAManagerWithoutAServerSaysSoAtOnce(t *testing.T) {
	b, fake := newBroker(t), porttest.NewAgent(nil)
	node, conn := b.connect(t), b.connect(t)
	serve(t, b, node, fleet.Node{ID: "node1", Agent: fake})
	a := open(t, conn, fleet.Options{Silence: time.Hour}, "node1")
	b.stop()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, patience, time.Millisecond)
	fails(t, pullOf(t, a), domain.CodeUnavailable, "agent_unavailable")
	b.start(t)
	require.Eventually(t, func() bool { return conn.IsConnected() && node.IsConnected() }, patience, time.Millisecond)
	require.NoError(t, node.Flush())
	require.NoError(t, removalOfNothing(t, a))
	require.Empty(t, fake.Calls(porttest.OpPull), "what was refused was worked later")
}

// removalOfNothing is a call that works.
func removalOfNothing(tb testing.TB, a port.Agent) error {
	err := removalOf(tb, a)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	return err
}

func TestWhatFinishesWhileTheNodeStopsHasItsOutcome(t *testing.T) {
	p := newPair(t)
	arrived, letGo := make(chan struct{}, 1), make(chan struct{})
	p.fake.SetHook(func(ctx context.Context, op, _ string) error {
		if op == porttest.OpRemove {
			arrived <- struct{}{}
			<-ctx.Done()
			<-letGo
			return domain.NotFound("image", "x")
		}
		return nil
	})
	done := make(chan error, 1)
	go func() {
		_, err := p.Remove(t.Context(), domain.RemoveRequest{Canonical: "x", Architecture: "x86_64"})
		done <- err
	}()
	receive(t, arrived)
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	close(letGo)
	fails(t, receive(t, done), domain.CodeNotFound, "image_not_found")
	require.NoError(t, receive(t, stopped))
}

func TestServeEndsWithItsConnection(t *testing.T) {
	b := newBroker(t)
	conn := b.connect(t)
	done := make(chan error, 1)
	here := make(chan *nats.Msg, 1)
	_, err := b.connect(t).ChanSubscribe("wharf.beat.node1", here)
	require.NoError(t, err)
	n := fleet.Node{ID: "node1", Agent: porttest.NewAgent(nil), Every: 20 * time.Millisecond}
	go func() { done <- fleet.Serve(t.Context(), conn, n) }()
	receive(t, here)
	conn.Close()
	fails(t, receive(t, done), domain.CodeUnavailable, "agent_unavailable")
	fails(t, fleet.Serve(t.Context(), conn, n), domain.CodeUnavailable, "agent_unavailable")
}

func TestServeRefusesANodeThatIsNone(t *testing.T) {
	conn := newBroker(t).connect(t)
	fails(t, fleet.Serve(t.Context(), conn, fleet.Node{ID: "*", Agent: porttest.NewAgent(nil)}), domain.CodeInvalid, "agent_id_invalid")
	fails(t, fleet.Serve(t.Context(), conn, fleet.Node{ID: "node1"}), domain.CodeInvalid, "agent_invalid")
	fails(t, fleet.Serve(t.Context(), nil, fleet.Node{ID: "node1", Agent: porttest.NewAgent(nil)}), domain.CodeInvalid, "agent_invalid")
}
