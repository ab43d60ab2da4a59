package service

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

const (
	// watchStep is how often the bell looks for events.
	watchStep = 200 * time.Millisecond
	// watchTurns is how many of those who were woken read at once: a task with a
	// thousand watchers wakes them all.
	watchTurns = 4
	// watchLook is how long one look may take; who waits reads for itself then.
	watchLook = 5 * time.Second
)

// bell wakes those who wait for events of tasks. All of them together cost one
// statement a step, and nothing while nobody waits.
type bell struct {
	queue repository.TaskQueue

	mu      sync.Mutex
	waiting map[*waiter]struct{}
	looking bool

	turns chan struct{}
}

type waiter struct {
	id    domain.TaskID
	after int64
	woken chan struct{}
}

func newBell(queue repository.TaskQueue) *bell {
	return &bell{queue: queue, waiting: map[*waiter]struct{}{}, turns: make(chan struct{}, watchTurns)}
}

// wait blocks until the task may have an event after a number, or d is over. It
// promises nothing: who waited reads the task, as its own actor. Errors: that of
// ctx.
func (b *bell) wait(ctx context.Context, id domain.TaskID, after int64, d time.Duration) error {
	w := &waiter{id: id, after: after, woken: make(chan struct{})}
	b.join(w) //nolint:contextcheck // the look is for all who wait, and outlives the first of them
	defer b.leave(w)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.woken:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read runs a read of events when it is its turn. Errors: those of ctx and of do.
func (b *bell) read(ctx context.Context, do func() (repository.TaskEvents, error)) (repository.TaskEvents, error) {
	select {
	case b.turns <- struct{}{}:
		defer func() { <-b.turns }()
		return do()
	case <-ctx.Done():
		return repository.TaskEvents{}, ctx.Err()
	}
}

func (b *bell) join(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[w] = struct{}{}
	if !b.looking {
		b.looking = true
		go b.look()
	}
}

func (b *bell) leave(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, w)
}

// look goes on until nobody waits.
func (b *bell) look() {
	tick := time.NewTicker(watchStep)
	defer tick.Stop()
	for {
		<-tick.C
		asked := b.watched()
		if len(asked) == 0 {
			return
		}
		last, err := b.last(asked)
		b.ring(asked, last, err)
	}
}

// watched are the tasks that somebody waits for; with none, the look is over.
func (b *bell) watched() map[domain.TaskID]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := map[domain.TaskID]bool{}
	for w := range b.waiting {
		ids[w.id] = true
	}
	b.looking = len(ids) > 0
	return ids
}

func (b *bell) last(asked map[domain.TaskID]bool) (map[domain.TaskID]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), watchLook)
	defer cancel()
	return b.queue.LastEvents(ctx, slices.Collect(maps.Keys(asked)))
}

// ring wakes those for whom there is something new: an event, the end of the
// task's row, or the store's refusal to tell.
func (b *bell) ring(asked map[domain.TaskID]bool, last map[domain.TaskID]int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.waiting {
		if !asked[w.id] {
			continue // it came during the look
		}
		if seq, found := last[w.id]; err != nil || !found || seq > w.after {
			delete(b.waiting, w)
			close(w.woken)
		}
	}
}
