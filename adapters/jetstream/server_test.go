package jetstream_test

import (
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// natsServer is a server on one port that can end and come again.
type natsServer struct {
	tb     testing.TB
	srv    *server.Server
	url    string
	stream bool // it has JetStream
}

func startNATS(tb testing.TB) *natsServer {
	tb.Helper()
	return startNATSWith(tb, true)
}

func startNATSWith(tb testing.TB, stream bool) *natsServer {
	tb.Helper()
	s := &natsServer{tb: tb, stream: stream}
	s.start(-1)
	s.url = s.srv.ClientURL()
	tb.Cleanup(s.stop)
	return s
}

func (s *natsServer) start(port int) {
	s.tb.Helper()
	var err error
	s.srv, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: s.stream, StoreDir: s.tb.TempDir()})
	require.NoError(s.tb, err)
	s.srv.Start()
	require.True(s.tb, s.srv.ReadyForConnections(10*time.Second))
}

func (s *natsServer) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// again starts it where it was, with nothing in it.
func (s *natsServer) again() {
	s.tb.Helper()
	u, err := url.Parse(s.url)
	require.NoError(s.tb, err)
	_, port, err := net.SplitHostPort(u.Host)
	require.NoError(s.tb, err)
	n, err := strconv.Atoi(port)
	require.NoError(s.tb, err)
	s.start(n)
}

// connect returns a connection such as production has: it comes back, and
// buffers nothing.
func (s *natsServer) connect(opts ...nats.Option) *nats.Conn {
	s.tb.Helper()
	conn, err := nats.Connect(s.url, append([]nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1),
	}, opts...)...)
	require.NoError(s.tb, err)
	s.tb.Cleanup(conn.Close)
	return conn
}
