package jetstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// hold works on tickets and lets them go at the end of the test.
func hold(t *testing.T, tasks port.Tasks) <-chan port.Ticket {
	t.Helper()
	begun := make(chan port.Ticket, 100)
	works(t, tasks, func(ctx context.Context, one port.Ticket) {
		begun <- one
		<-ctx.Done()
	})
	return begun
}

func TestProcessesShareTheWork(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	a, b := jetstream.New(s.connect(), jetstream.Options{Bulk: 2}), jetstream.New(s.connect(), jetstream.Options{Bulk: 3})
	atA, atB := hold(t, a), hold(t, b)
	for i := range 6 {
		require.NoError(t, a.Offer(t.Context(), bulk(fmt.Sprint("t", i), 0)))
	}
	for range 2 {
		<-atA
	}
	for range 3 {
		<-atB
	}
	// All are busy, and nobody took the last one to have it wait.
	require.Empty(t, atA)
	require.Empty(t, atB)
	c := jetstream.New(s.connect(), jetstream.Options{})
	atC := hold(t, c)
	select {
	case <-atC:
	case <-time.After(soon):
		require.Fail(t, "a ticket waits at a busy process")
	}
}

func TestTheTicketsOfADeadProcessAreGivenToAnother(t *testing.T) {
	t.Parallel()
	const redelivery = time.Second
	s := startNATS(t)
	conn := s.connect()
	dies := jetstream.New(conn, jetstream.Options{Redelivery: redelivery})
	begun, letGo := make(chan port.Ticket, 100), make(chan struct{})
	works(t, dies, func(_ context.Context, one port.Ticket) {
		begun <- one
		<-letGo
	})
	defer close(letGo)
	offerUntil(t, dies, bulk("a", 3), begun)
	lives := jetstream.New(s.connect(), jetstream.Options{Redelivery: redelivery})
	there := hold(t, lives)
	start := time.Now()
	conn.Close() // it says no more that it works
	select {
	case got := <-there:
		require.Equal(t, bulk("a", 3), got)
		require.Less(t, time.Since(start), 4*redelivery)
	case <-time.After(soon):
		require.Fail(t, "nobody works on it")
	}
}

func TestTicketsThatAreNone(t *testing.T) {
	t.Parallel()
	s, log := startNATS(t), &lines{}
	tasks := jetstream.New(s.connect(), jetstream.Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	for name, ticket := range map[string]port.Ticket{
		"no task":         {Class: domain.TaskBulk},
		"no class":        {Task: "a"},
		"another class":   {Task: "a", Class: "bulk.*"},
		"a wildcard":      {Task: "*", Class: domain.TaskBulk},
		"a rest":          {Task: ">", Class: domain.TaskBulk},
		"two tokens":      {Task: "a.b", Class: domain.TaskBulk},
		"white space":     {Task: "a b", Class: domain.TaskBulk},
		"a line's end":    {Task: "a\r\nPUB x 0", Class: domain.TaskBulk},
		"a very long one": {Task: domain.TaskID(make([]byte, 2000)), Class: domain.TaskBulk},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(tasks.Offer(t.Context(), ticket)))
		})
	}
	begun := make(chan port.Ticket, 100)
	works(t, tasks, func(_ context.Context, one port.Ticket) { begun <- one })
	offerUntil(t, tasks, bulk("a", 0), begun)
	js, err := natsjs.New(s.connect())
	require.NoError(t, err)
	for i := range 4 { // more than there are workers
		_, err := js.Publish(t.Context(), fmt.Sprint("wharf.task.bulk.b.", i), []byte("{"))
		require.NoError(t, err)
	}
	offerUntil(t, tasks, bulk("c", 0), begun)
	stream, err := js.Stream(t.Context(), "WHARF_TASKS")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs == 0
	}, soon, 5*time.Millisecond, "what nobody can work on does not stay")
	require.Equal(t, 4, log.count("is no ticket"))
}

func TestOptionsApplyToAStreamThatIsThere(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	js, err := natsjs.New(s.connect())
	require.NoError(t, err)
	for _, redelivery := range []time.Duration{2 * time.Second, 5 * time.Second} {
		tasks := jetstream.New(s.connect(), jetstream.Options{Redelivery: redelivery})
		ended, stop := works(t, tasks, func(context.Context, port.Ticket) {})
		require.Eventually(t, func() bool {
			c, err := js.Consumer(t.Context(), "WHARF_TASKS", "bulk")
			return err == nil && c.CachedInfo().Config.AckWait == redelivery
		}, soon, 5*time.Millisecond)
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	info, err := js.Stream(t.Context(), "WHARF_TASKS")
	require.NoError(t, err)
	require.Equal(t, natsjs.MemoryStorage, info.CachedInfo().Config.Storage)
	require.Equal(t, 24*time.Hour, info.CachedInfo().Config.MaxAge)
}

// A ticket that is under way to a process that stops goes to another one at
// once, long before it would be redelivered.
func TestNoTicketGetsLostByStopping(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	goes, stays := jetstream.New(s.connect(), jetstream.Options{}), jetstream.New(s.connect(), jetstream.Options{})
	offers := jetstream.New(s.connect(), jetstream.Options{})
	for round := range 80 {
		begun := make(chan port.Ticket, 100)
		do := func(_ context.Context, one port.Ticket) { begun <- one }
		seen := map[port.Ticket]bool{} // some twice: what was cut off comes again, also a round later
		see := func() {
			select {
			case one := <-begun:
				seen[one] = true
			case <-time.After(soon):
				require.Fail(t, "tickets wait for redelivery", "round %d: %v", round, seen)
			}
		}
		_, stop := works(t, goes, do)
		offered := make(chan struct{})
		go func() {
			defer close(offered)
			for i := range 20 {
				if err := offers.Offer(t.Context(), bulk(fmt.Sprint("t", i), round)); err != nil {
					t.Errorf("offer: %v", err)
				}
			}
		}()
		for !seen[bulk(fmt.Sprint("t", round%20), round)] { // then it is in the middle
			see()
		}
		stop()
		<-offered
		_, stop = works(t, stays, do)
		for i := range 20 {
			for !seen[bulk(fmt.Sprint("t", i), round)] {
				see()
			}
		}
		stop()
	}
}
