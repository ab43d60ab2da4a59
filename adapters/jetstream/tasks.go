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

	mu      sync.Mutex
	waiting map[*worker]bool // for the queue to come back
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
	return &Tasks{conn: conn, js: js, o: o, log: log, waiting: map[*worker]bool{}}
}

func positive[N int | time.Duration](n *N, otherwise N) {
	if *n <= 0 {
		*n = otherwise
	}
}

// outage notes that the queue does not work for a worker, or does again with a
// nil error. One outage is logged once, and so is its end.
func (t *Tasks) outage(ctx context.Context, w *worker, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.waiting)
	if err != nil {
		t.waiting[w] = true
	} else {
		delete(t.waiting, w)
	}
	switch {
	case before == 0 && err != nil:
		t.log.WarnContext(ctx, "the task queue is gone; waiting for it", "err", err)
	case before == 1 && len(t.waiting) == 0 && t.conn.IsConnected() && ctx.Err() == nil:
		t.log.InfoContext(ctx, "the task queue is back")
	}
}
