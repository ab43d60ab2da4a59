package fleet_test

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come.
const patience = 60 * time.Second

// broker is a NATS server in this process, reached over TCP.
type broker struct {
	options *server.Options
	server  *server.Server
}

func newBroker(tb testing.TB, set ...func(*server.Options)) *broker {
	tb.Helper()
	b := &broker{options: &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}}
	for _, f := range set {
		f(b.options)
	}
	b.start(tb)
	tb.Cleanup(func() { b.stop() })
	return b
}

// start is also a restart: on the port that it had.
func (b *broker) start(tb testing.TB) {
	tb.Helper()
	s, err := server.NewServer(b.options)
	require.NoError(tb, err)
	s.Start()
	require.True(tb, s.ReadyForConnections(patience))
	b.server = s
	b.options.Port = s.Addr().(*net.TCPAddr).Port
}

func (b *broker) stop() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

func (b *broker) connect(tb testing.TB, set ...nats.Option) *nats.Conn {
	tb.Helper()
	set = append([]nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // the default one prints
	}, set...)
	conn, err := nats.Connect("nats://127.0.0.1:"+strconv.Itoa(b.options.Port), set...)
	require.NoError(tb, err)
	tb.Cleanup(conn.Close)
	return conn
}

// serve runs a node until the test ends or stop is called; stop returns what
// Serve did. It returns when the node can be asked.
func serve(tb testing.TB, b *broker, conn *nats.Conn, n fleet.Node) (stop func() error) {
	tb.Helper()
	here := overhear(tb, b, "wharf.beat."+fleet.Token(n.ID))
	if n.Every == 0 {
		n.Every = 50 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- fleet.Serve(ctx, conn, n) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	tb.Cleanup(func() { _ = stop() })
	receive(tb, here)
	return stop
}

// overhear hears what is published on a subject from now on.
func overhear(tb testing.TB, b *broker, subject string) <-chan *nats.Msg {
	tb.Helper()
	heard := make(chan *nats.Msg, 4096)
	conn := b.connect(tb, credentials("manager")...)
	_, err := conn.ChanSubscribe(subject, heard)
	require.NoError(tb, err)
	require.NoError(tb, conn.Flush())
	return heard
}

// credentials of a user whose password is its name; servers without users do not
// look at them.
func credentials(user string) []nats.Option { return []nats.Option{nats.UserInfo(user, user)} }

func receive[T any](tb testing.TB, from <-chan T) T {
	tb.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(tb, "nothing came")
		panic("unreachable")
	}
}

// pair is a node with a fake agent, and the manager's view of it.
type pair struct {
	broker *broker
	fake   *porttest.Agent
	node   *nats.Conn
	stop   func() error
	port.Agent
}

func newPair(tb testing.TB, set ...func(*fleet.Node, *fleet.Options)) *pair {
	tb.Helper()
	p := &pair{broker: newBroker(tb), fake: porttest.NewAgent(nil)}
	n, o := fleet.Node{ID: "node1", Agent: p.fake, Logger: slog.New(slog.DiscardHandler)}, fleet.Options{}
	for _, f := range set {
		f(&n, &o)
	}
	p.node = p.broker.connect(tb)
	p.stop = serve(tb, p.broker, p.node, n)
	p.Agent = open(tb, p.broker.connect(tb), o, n.ID)
	return p
}

func open(tb testing.TB, conn *nats.Conn, o fleet.Options, id domain.AgentID) port.Agent {
	tb.Helper()
	a, err := fleet.Opener(conn, o)(tb.Context(), domain.Agent{ID: id, Kind: domain.AgentFleet, Address: "any"})
	require.NoError(tb, err)
	return a
}

// silence is short, for nodes that are to be given up.
func silence(_ *fleet.Node, o *fleet.Options) { o.Silence = 300 * time.Millisecond }

func request(tag string) domain.PullRequest {
	return domain.PullRequest{Reference: domain.Reference{Registry: "cr.example.org", Path: "stable/app", Tag: tag}, Architecture: "x86_64"}
}

// fails checks code and reason.
func fails(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	var coded *domain.Error
	require.ErrorAs(tb, err, &coded)
	require.Equal(tb, []string{string(code), reason}, []string{string(coded.Code), domain.ReasonOf(err)}, "%v", err)
}
