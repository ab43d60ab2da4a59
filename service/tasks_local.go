package service

import (
	"context"
	"sync"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// localTasks delivers tickets within the process: the default. Two lists, so
// that bulk work can wait without interactive work waiting behind it.
type localTasks struct {
	bulk, interactive int // workers: interactive ones take nothing else

	mu      sync.Mutex
	waiting map[domain.TaskClass][]port.Ticket
	known   map[port.Ticket]bool // waiting or worked on
	wake    chan struct{}        // closed and replaced when something waits
}

func newLocalTasks() *localTasks {
	return &localTasks{
		bulk: 2, interactive: 2,
		waiting: map[domain.TaskClass][]port.Ticket{}, known: map[port.Ticket]bool{}, wake: make(chan struct{}),
	}
}

func (l *localTasks) Offer(ctx context.Context, t port.Ticket) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[t] {
		return nil
	}
	l.known[t] = true
	l.waiting[t.Class] = append(l.waiting[t.Class], t)
	close(l.wake)
	l.wake = make(chan struct{})
	return nil
}

func (l *localTasks) Work(ctx context.Context, do func(context.Context, port.Ticket)) error {
	var wg sync.WaitGroup
	for range l.bulk {
		wg.Go(func() { l.worker(ctx, do, domain.TaskInteractive, domain.TaskBulk) })
	}
	for range l.interactive {
		wg.Go(func() { l.worker(ctx, do, domain.TaskInteractive) })
	}
	wg.Wait()
	return ctx.Err()
}

func (l *localTasks) worker(ctx context.Context, do func(context.Context, port.Ticket), classes ...domain.TaskClass) {
	for ctx.Err() == nil {
		t, wake, ok := l.next(classes)
		if ok {
			do(ctx, t)
			l.forget(t)
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
		}
	}
}

func (l *localTasks) next(classes []domain.TaskClass) (port.Ticket, <-chan struct{}, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range classes {
		if list := l.waiting[c]; len(list) > 0 {
			l.waiting[c] = list[1:]
			return list[0], nil, true
		}
	}
	return port.Ticket{}, l.wake, false
}

func (l *localTasks) forget(t port.Ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, t)
}
