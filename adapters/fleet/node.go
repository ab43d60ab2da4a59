package fleet

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Node is one node as it shows itself to managers.
type Node struct {
	ID    domain.AgentID // of its row
	Agent port.Agent     // what does the work
	// Every is how often it says that it is there; 0 means 10 s. Managers give a
	// node up after ListenOptions.Lost.
	Every time.Duration
	// Poll is how often the inventory is looked at for changes that nobody asked
	// for; 0 means one minute.
	Poll time.Duration
	// Pulls is how many pulls run at a time; 0 means 4. Others wait.
	Pulls int
	// Version is shown to managers, for people; may be empty.
	Version string
	// Logger gets what operators may want to see; nil discards it.
	Logger *slog.Logger
}

// Serve is a node: it does what managers ask of n.ID until ctx ends, and says
// that it is there and when its inventory changes. Then it takes no more, ends
// what runs and waits, says goodbye and returns nil; an agent that does not heed
// its context is left behind after 10 s.
//
// It returns an error when n is invalid or conn is closed for good (unavailable,
// reason agent_unavailable); it outlives reconnects. What NATS does not permit
// shows in conn's error handler. Two processes may serve one id when they have
// one store of images: each ask goes to one of them.
func Serve(ctx context.Context, conn *nats.Conn, n Node) error {
	if _, err := domain.ParseAgentID(string(n.ID)); err != nil {
		return err
	}
	if n.Agent == nil || conn == nil {
		return domain.Invalid("agent_invalid", string(n.ID), "a node needs an agent and a connection")
	}
	n.Every, n.Poll = max(n.Every, 0), max(n.Poll, 0)
	n.Every, n.Poll = cmp.Or(n.Every, 10*time.Second), cmp.Or(n.Poll, time.Minute)
	n.Pulls = cmp.Or(max(n.Pulls, 0), 4)
	n.Logger = cmp.Or(n.Logger, slog.New(slog.DiscardHandler)).With("agent", string(n.ID))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return newServer(ctx, conn, n).run(ctx, cancel)
}

// server is a node at work.
type server struct {
	Node
	conn  *nats.Conn
	token string
	desk  *desk
	in    chan *nats.Msg // asks and notes, in the order of their managers
	look  *look
	beat  beat
}

func newServer(ctx context.Context, conn *nats.Conn, n Node) *server {
	s := &server{Node: n, conn: conn, token: token(n.ID), in: make(chan *nats.Msg, mostUnread), look: newLook(n), beat: beatOf(n)}
	s.desk = newDesk(ctx, n.ID, n.Logger, s.work, n.Pulls)
	return s
}

func (s *server) run(ctx context.Context, cancel func()) error {
	status := s.conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer s.conn.RemoveStatusListener(status)
	asks, err := s.conn.ChanQueueSubscribe(askRoot+s.token+".*", oneOf, s.in)
	if err != nil {
		return connectionError(s.ID, "serve", err)
	}
	notes, err := s.conn.ChanSubscribe(noteRoot+s.token, s.in)
	if err != nil {
		_ = asks.Unsubscribe()
		return connectionError(s.ID, "serve", err)
	}
	s.desk.busy.Go(func() { s.look.run(ctx) })
	s.Logger.InfoContext(ctx, "fleet: the node is serving")
	err = s.loop(ctx, status)
	cancel()
	s.stop(asks, notes)
	s.Logger.InfoContext(ctx, "fleet: the node has stopped", "error", err)
	return err
}

func (s *server) loop(ctx context.Context, status <-chan nats.Status) error {
	every := time.NewTicker(s.Every)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case st := <-status:
			if st == nats.CLOSED {
				return connectionError(s.ID, "serve", nats.ErrConnectionClosed)
			}
			s.say(s.beat) // connected again
		case <-every.C:
			s.say(s.beat)
		case revision := <-s.look.found: // the first beat waits for it
			s.beat.Revision = revision
			s.say(s.beat)
		case m := <-s.in:
			s.take(m)
		}
	}
}

// stop ends what runs and says goodbye.
func (s *server) stop(asks, notes *nats.Subscription) {
	if asks.Drain() == nil && s.conn.IsConnected() {
		_ = s.conn.FlushTimeout(2 * time.Second) // what was on its way is here now
	}
	for len(s.in) > 0 {
		s.take(<-s.in)
	}
	_ = notes.Unsubscribe()
	s.desk.close(10 * time.Second)
	s.beat.Bye = true
	s.say(s.beat)
	if s.conn.IsConnected() {
		_ = s.conn.FlushTimeout(2 * time.Second)
	}
}

// say publishes a beat, unless it would wait for a connection and be old then.
func (s *server) say(b beat) {
	if !s.conn.IsConnected() {
		return
	}
	if err := s.conn.Publish(beatRoot+s.token, b.encode()); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		s.Logger.Warn("fleet: a heartbeat was not sent", "error", err)
	}
}
