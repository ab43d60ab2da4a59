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
		wg.Go(func() { t.worker(ctx, domain.TaskBulk, do) })
	}
	for range t.o.Interactive {
		wg.Go(func() { t.worker(ctx, domain.TaskInteractive, do) })
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
func (t *Tasks) worker(ctx context.Context, class domain.TaskClass, do func(context.Context, port.Ticket)) {
	failures, created := 0, false
	for ctx.Err() == nil && !t.conn.IsClosed() {
		msg, err := t.next(ctx, class)
		if err == nil {
			failures, created = 0, false
			t.outage(ctx, nil)
			if msg != nil {
				t.handle(ctx, msg, do)
			}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if !created && t.conn.IsConnected() && t.create(ctx) == nil {
			created = true // what was gone is there again
			continue
		}
		created = false
		t.outage(ctx, err)
		pause := min(50*time.Millisecond<<min(failures, 10), longestPause)
		failures++
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-ctx.Done():
		}
	}
}

// handle works on a ticket, and tells the stream so all the while. It does not
// matter if the last word gets lost: what is delivered again is taken once.
func (t *Tasks) handle(ctx context.Context, msg *nats.Msg, do func(context.Context, port.Ticket)) {
	var ticket port.Ticket
	if err := json.Unmarshal(msg.Data, &ticket); err != nil {
		t.log.WarnContext(ctx, "a message in the task queue is no ticket", "subject", msg.Subject, "err", err)
		t.say(msg, garbage)
		return
	}
	done, beating := make(chan struct{}), sync.WaitGroup{}
	beating.Go(func() {
		tick := time.NewTicker(t.o.Redelivery / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				t.say(msg, working)
			case <-done:
				return
			}
		}
	})
	do(ctx, ticket)
	close(done)
	beating.Wait()
	if ctx.Err() != nil {
		t.say(msg, again) // it may have been cut off
		return
	}
	t.say(msg, finished)
}

func (t *Tasks) say(msg *nats.Msg, word string) { _ = t.conn.Publish(msg.Reply, []byte(word)) }
