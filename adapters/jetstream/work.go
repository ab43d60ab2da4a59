package jetstream

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// What a worker says of a message; see the protocol of JetStream.
const (
	finished = "+ACK"
	again    = "-NAK"
	working  = "+WPI"
	garbage  = "+TERM"
)

const longestPause = 2 * time.Second

// Work implements [port.Tasks]. While NATS is gone it waits for it, however
// long. It returns the error of ctx, or unavailable when the connection was
// closed.
func (t *Tasks) Work(ctx context.Context, do func(context.Context, port.Ticket)) error {
	if t.conn.IsConnected() {
		_ = t.create(ctx) // so that options that changed apply; workers do it when it has to be
	}
	var wg sync.WaitGroup
	for range t.o.Bulk {
		wg.Go(func() { (&worker{Tasks: t, class: domain.TaskBulk, do: do}).run(ctx) })
	}
	for range t.o.Interactive {
		wg.Go(func() { (&worker{Tasks: t, class: domain.TaskInteractive, do: do}).run(ctx) })
	}
	wg.Wait()
	if t.conn.IsConnected() {
		_ = t.conn.FlushTimeout(time.Second) // what was given back is given back now
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return offerError(ctx, nats.ErrConnectionClosed)
}

// worker takes one ticket after the other, and none before it is free.
type worker struct {
	*Tasks
	class domain.TaskClass
	do    func(context.Context, port.Ticket)

	failures int  // in a row
	created  bool // the stream, after the last failure
}

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil && !w.conn.IsClosed() {
		msg, err := w.next(ctx, w.class)
		if err == nil {
			w.failures, w.created = 0, false
			w.outage(ctx, w, nil)
			if msg != nil {
				w.handle(ctx, msg)
			}
			continue
		}
		if ctx.Err() == nil {
			w.wait(ctx, err)
		}
	}
	w.outage(ctx, w, nil) // it waits no longer
}

// wait makes the stream if that was it, and waits a while
// otherwise.
func (w *worker) wait(ctx context.Context, err error) {
	if !w.created && w.conn.IsConnected() && w.create(ctx) == nil {
		w.created = true
		return
	}
	if w.failures > 0 { // the first one may be a request that died with an outage that is over
		w.outage(ctx, w, err)
	}
	pause := min(50*time.Millisecond<<min(w.failures, 10), longestPause)
	w.failures, w.created = w.failures+1, false
	select {
	case <-time.After(pause/2 + rand.N(pause/2)):
	case <-ctx.Done():
	}
}

// handle works on a ticket, and tells the stream so all the while. It does not
// matter if the last word gets lost: what is delivered again is taken once.
func (w *worker) handle(ctx context.Context, msg *nats.Msg) {
	var ticket port.Ticket
	if err := json.Unmarshal(msg.Data, &ticket); err != nil {
		w.log.WarnContext(ctx, "a message in the task queue is no ticket", "subject", msg.Subject, "err", err)
		w.say(msg, garbage)
		return
	}
	done, beating := make(chan struct{}), sync.WaitGroup{}
	beating.Go(func() {
		tick := time.NewTicker(w.o.Redelivery / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.say(msg, working)
			case <-done:
				return
			}
		}
	})
	w.do(ctx, ticket)
	close(done)
	beating.Wait()
	if ctx.Err() != nil {
		w.say(msg, again) // it may have been cut off
		return
	}
	w.say(msg, finished)
}

func (t *Tasks) say(msg *nats.Msg, word string) { _ = t.conn.Publish(msg.Reply, []byte(word)) }
