package jetstream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options of the delivery; zero is the default in brackets.
type Options struct {
	Bulk        int // workers for bulk tickets (2)
	Interactive int // and for interactive ones (2)
	// Redelivery is how long a process that says nothing keeps a ticket (30 s).
	// It should be the same in all processes: the last to start decides.
	Redelivery time.Duration
	Replicas   int          // of the stream, in a cluster (1)
	Logger     *slog.Logger // nil: nothing is logged
}

// Tasks is a port.Tasks. It is safe for concurrent use.
type Tasks struct {
	conn *nats.Conn
	js   jetstream.JetStream
	o    Options
	log  *slog.Logger

	mu   sync.Mutex
	down bool // and it was logged
}

// New returns a delivery over a connection, which should reconnect for ever and
// buffer nothing. The connection stays the caller's. Nothing is sent before the
// first use.
func New(conn *nats.Conn, o Options) *Tasks {
	positive(&o.Bulk, 2)
	positive(&o.Interactive, 2)
	positive(&o.Redelivery, 30*time.Second)
	positive(&o.Replicas, 1)
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	js, _ := jetstream.New(conn) // fails by its options only
	return &Tasks{conn: conn, js: js, o: o, log: log}
}

func positive[N int | time.Duration](n *N, otherwise N) {
	if *n <= 0 {
		*n = otherwise
	}
}

// outage notes whether the queue works, and logs when that changes.
func (t *Tasks) outage(ctx context.Context, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil && !t.down:
		t.log.WarnContext(ctx, "the task queue is gone; waiting for it", "err", err)
	case err == nil && t.down:
		t.log.InfoContext(ctx, "the task queue is back")
	}
	t.down = err != nil
}
