package fleet

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// ListenOptions tune [Listen]. The zero value is ready to use.
type ListenOptions struct {
	// Lost is how long a node may be silent before it is gone; 0 means 30 s. It
	// should be three times Node.Every.
	Lost time.Duration
	// Logger gets what operators may want to see; nil discards it.
	Logger *slog.Logger
}

// Listen hears the nodes until ctx ends, waits for the callbacks under way, and
// returns nil; it returns an error (unavailable, reason agent_unavailable) when
// conn is closed for good. Silence counts only while conn is connected.
//
// It calls heard, which must not be nil, when a node is new, comes back, changes (its inventory,
// architecture or version), says goodbye or falls silent, and otherwise not. For
// one node heard runs once at a time and gets the newest state, so changes in
// quick succession may be one call, or none when they undo each other. A call
// that fails is repeated, later and later, up to once a minute with the default
// of Lost. The context of a call ends after a minute. Calls for different nodes
// run side by side, sixteen at most. A node that was never there is no news:
// whoever remembers it from an earlier run has to notice that it does not come.
func Listen(ctx context.Context, conn *nats.Conn, o ListenOptions, heard func(ctx context.Context, b Beat) error) error {
	l := newListener(o, heard)
	in := make(chan *nats.Msg, 4096) // a beat that finds it full is lost; there will be another
	status := conn.StatusChanged(nats.CLOSED)
	defer conn.RemoveStatusListener(status)
	sub, err := conn.ChanSubscribe(beatRoot+"*", in)
	if err != nil {
		return connectionError("", "listen", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	tick := time.NewTicker(l.tick)
	defer tick.Stop()
	for err == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-status:
			err = connectionError("", "listen", nats.ErrConnectionClosed)
		case m := <-in:
			l.hear(m, time.Now())
		case s := <-l.called:
			l.settle(s, time.Now())
		case now := <-tick.C:
			for range len(in) { // what was said in time
				l.hear(<-in, now)
			}
			l.watch(now, conn.IsConnected())
		}
		l.dispatch(ctx)
	}
	for ; l.active > 0; l.active-- {
		<-l.called
	}
	return err
}

// listener is the state of one Listen; one goroutine has it.
type listener struct {
	log   *slog.Logger
	lost  time.Duration
	tick  time.Duration
	heard func(context.Context, Beat) error

	nodes    map[domain.AgentID]*heardNode
	waiting  []*heardNode
	active   int
	called   chan *heardNode
	lastTick time.Time
	upSince  time.Time // before it, silence was the line's
}

const (
	mostCallbacks = 16
	callbackLimit = time.Minute
)

func newListener(o ListenOptions, heard func(context.Context, Beat) error) *listener {
	lost := cmp.Or(max(o.Lost, 0), 30*time.Second)
	now := time.Now()
	return &listener{
		log: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), lost: lost, tick: min(max(lost/10, 10*time.Millisecond), time.Second),
		heard: heard, nodes: map[domain.AgentID]*heardNode{}, called: make(chan *heardNode), lastTick: now, upSince: now,
	}
}

// hear takes in one heartbeat.
func (l *listener) hear(m *nats.Msg, now time.Time) {
	b, wire, err := decodeBeat(m, now)
	if err != nil {
		l.log.Debug("fleet: a heartbeat that is none", "error", err)
		return
	}
	n := l.nodes[b.AgentID]
	if n == nil {
		if !b.Online {
			return // whoever never came need not go
		}
		n = &heardNode{}
		l.nodes[b.AgentID] = n
	}
	if !b.Online && n.process != wire.Process {
		return // another process of the node is there
	}
	n.now, n.process = b, wire.Process
	l.want(n, now)
}

// watch finds the nodes that fell silent, repeats calls that failed, and forgets
// who is gone.
func (l *listener) watch(now time.Time, connected bool) {
	if !connected || now.Sub(l.lastTick) > l.lost/2 { // or this process slept
		l.upSince = now
	}
	l.lastTick = now
	for id, n := range l.nodes {
		silent := min(now.Sub(n.now.At), now.Sub(l.upSince))
		if n.now.Online && silent > l.lost {
			n.now.Online = false
			l.log.Info("fleet: a node has fallen silent", "agent", string(id))
		}
		l.want(n, now)
		if !n.now.Online && !n.busy && n.settled() {
			delete(l.nodes, id)
		}
	}
}
