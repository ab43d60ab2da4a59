package jetstream_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// lines is a log to look into.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(of string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), of)
}

// works runs Work until the test ends, and gives its tickets and its end.
func works(t *testing.T, tasks port.Tasks, do func(context.Context, port.Ticket)) (ended <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, over := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(over)
		done <- tasks.Work(ctx, do)
	}()
	stop = func() { cancel(); <-over }
	t.Cleanup(stop)
	return done, stop
}

// offerUntil offers, as a sweep does, until the ticket is worked on. One before
// may have been offered once too often.
func offerUntil(t *testing.T, tasks port.Tasks, want port.Ticket, begun <-chan port.Ticket) {
	t.Helper()
	late, tick := time.After(soon), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		_ = tasks.Offer(t.Context(), want)
		select {
		case got := <-begun:
			if got == want {
				return
			}
		case <-tick.C:
		case <-late:
			require.Fail(t, "nobody works on it", "%v", want)
		}
	}
}

func unavailable(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "%v", err)
	require.Equal(t, "queue_unavailable", domain.ReasonOf(err))
}

const soon = 20 * time.Second

func bulk(id string, attempt int) port.Ticket {
	return port.Ticket{Task: domain.TaskID(id), Class: domain.TaskBulk, Attempt: attempt}
}

func TestWorkSurvivesTheEndOfNATS(t *testing.T) {
	t.Parallel()
	s, log := startNATS(t), &lines{}
	conn := s.connect()
	tasks := jetstream.New(conn, jetstream.Options{Redelivery: time.Second, Logger: slog.New(slog.NewTextHandler(log, nil))})
	begun, letGo := make(chan port.Ticket, 100), make(chan struct{})
	release := sync.OnceFunc(func() { close(letGo) })
	defer release()
	ended, _ := works(t, tasks, func(ctx context.Context, one port.Ticket) {
		begun <- one
		if one.Task == "across" {
			<-letGo
			if ctx.Err() != nil {
				t.Error("it was cut off")
			}
		}
	})
	offerUntil(t, tasks, bulk("before", 0), begun)
	require.Zero(t, log.count("gone"), "to make the stream is no outage")
	offerUntil(t, tasks, bulk("across", 0), begun)

	for outage := range 2 {
		s.stop()
		require.Eventually(t, func() bool { return log.count("gone") == outage+1 }, soon, time.Millisecond)
		start := time.Now()
		unavailable(t, tasks.Offer(t.Context(), bulk("during", 0)))
		require.Less(t, time.Since(start), 3*time.Second)
		s.again()
		offerUntil(t, tasks, bulk("after", outage), begun)
		require.Equal(t, outage+1, log.count("gone"), "one outage is told once: %s", log.text.String())
		require.Eventually(t, func() bool { return log.count("back") == outage+1 }, soon, time.Millisecond)
	}
	release()
	offerUntil(t, tasks, bulk("across", 0), begun) // its ticket went with the server
	require.Empty(t, ended)
}

func TestWorkBeginsBeforeNATS(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	conn := s.connect()
	s.stop()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, soon, time.Millisecond)
	tasks := jetstream.New(conn, jetstream.Options{})
	begun := make(chan port.Ticket, 100)
	works(t, tasks, func(_ context.Context, one port.Ticket) { begun <- one })
	s.again()
	offerUntil(t, tasks, bulk("a", 0), begun)
}

func TestTheStreamComesAgain(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	conn := s.connect()
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	tasks := jetstream.New(conn, jetstream.Options{})
	begun := make(chan port.Ticket, 100)
	works(t, tasks, func(_ context.Context, one port.Ticket) { begun <- one })
	offerUntil(t, tasks, bulk("a", 0), begun)
	for name, lose := range map[string]func() error{
		"the consumer": func() error { return js.DeleteConsumer(t.Context(), "WHARF_TASKS", "bulk") },
		"the stream":   func() error { return js.DeleteStream(t.Context(), "WHARF_TASKS") },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, lose())
			offerUntil(t, tasks, bulk("a", 0), begun)
		})
	}
}

// A connection that was closed does not come back: Work ends, and says so.
func TestWorkOnAClosedConnection(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	conn := s.connect()
	tasks := jetstream.New(conn, jetstream.Options{})
	begun, letGo := make(chan port.Ticket, 1), make(chan struct{})
	release := sync.OnceFunc(func() { close(letGo) })
	defer release()
	ended, _ := works(t, tasks, func(_ context.Context, one port.Ticket) {
		begun <- one
		<-letGo
	})
	offerUntil(t, tasks, bulk("a", 0), begun)
	conn.Close()
	unavailable(t, tasks.Offer(t.Context(), bulk("b", 0)))
	require.Empty(t, ended, "it returns when the last ticket is worked off")
	release()
	select {
	case err := <-ended:
		unavailable(t, err)
	case <-time.After(soon):
		require.Fail(t, "work goes on")
	}
}

func TestAServerWithoutJetStream(t *testing.T) {
	t.Parallel()
	s := startNATSWith(t, false)
	tasks := jetstream.New(s.connect(), jetstream.Options{})
	unavailable(t, tasks.Offer(t.Context(), bulk("a", 0)))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, tasks.Work(ctx, func(context.Context, port.Ticket) {}), context.DeadlineExceeded)
}

// mute dials through connections that, once hushed, are there and say nothing.
type mute struct{ hushed atomic.Bool }

func (m *mute) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return &muteConn{conn, m}, err
}

type muteConn struct {
	net.Conn
	m *mute
}

func (c *muteConn) Write(p []byte) (int, error) {
	if c.m.hushed.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func TestAServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	s, m, log := startNATS(t), &mute{}, &lines{}
	conn := s.connect(nats.SetCustomDialer(m))
	tasks := jetstream.New(conn, jetstream.Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	begun := make(chan port.Ticket, 100)
	_, stop := works(t, tasks, func(_ context.Context, one port.Ticket) { begun <- one })
	offerUntil(t, tasks, bulk("a", 0), begun)

	m.hushed.Store(true)
	start := time.Now()
	unavailable(t, tasks.Offer(t.Context(), bulk("b", 0)))
	require.Less(t, time.Since(start), 4*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Equal(t, domain.CodeTimeout, domain.CodeOf(tasks.Offer(ctx, bulk("b", 0))))
	require.Eventually(t, func() bool { return log.count("gone") == 1 }, soon, 10*time.Millisecond)
	m.hushed.Store(false)
	offerUntil(t, tasks, bulk("b", 0), begun)
	m.hushed.Store(true)
	start = time.Now()
	stop()
	require.Less(t, time.Since(start), 5*time.Second, "to stop does not depend on the server")
}
