package porttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

func (r *tasksRun) waits() {
	t, d := r.end(), r.desk()
	a := ticket("a", domain.TaskInteractive, 3)
	for range 5 {
		r.offer(t, a)
	}
	r.work(t, d.do)
	d.takes(a)
	d.takesNoMoreOnceOpen(t)
}

func (r *tasksRun) busy() {
	t, d := r.end(), r.desk()
	a := ticket("a", domain.TaskInteractive, 3)
	r.work(t, d.do)
	r.offer(t, a)
	d.takes(a)
	for range 5 {
		r.offer(t, a)
	}
	d.takesNoMoreOnceOpen(t)
}

// takesNoMoreOnceOpen is takesNoMore while the work on one ticket goes on and
// one worker is free, and again when that work is over.
func (d *desk) takesNoMoreOnceOpen(t port.Tasks) {
	d.r.Helper()
	last := ticket("first-of-the-last", domain.TaskInteractive, 0)
	d.r.offer(t, last)
	d.takes(last)
	d.open()
	d.takesNoMore(t)
}

func (r *tasksRun) again() {
	t, d := r.end(), r.desk()
	d.open()
	r.work(t, d.do)
	a := ticket("a", domain.TaskInteractive, 0)
	for range 3 {
		d.offerUntil(t, a)
	}
}

func (r *tasksRun) nextAttempt() {
	t, d := r.end(), r.desk()
	first, second := ticket("waiting", domain.TaskBulk, 0), ticket("waiting", domain.TaskBulk, 1)
	r.offer(t, first, second)
	stop := r.work(t, d.do)
	d.takes(first, second)
	stop()

	stuck := r.desk()
	r.work(t, stuck.do)
	first, second = ticket("stuck", domain.TaskInteractive, 4), ticket("stuck", domain.TaskInteractive, 5)
	stuck.offerUntil(t, first)
	stuck.offerUntil(t, second)
}

func (r *tasksRun) interactive() {
	t, d := r.end(), r.desk()
	var busy atomic.Int32
	allBusy := make(chan struct{})
	r.work(t, func(ctx context.Context, one port.Ticket) {
		if one.Class == domain.TaskBulk && int(busy.Add(1)) == r.h.Bulk {
			close(allBusy)
		}
		if one.Class == domain.TaskInteractive {
			d.begun <- one
			return
		}
		select {
		case <-d.letGo:
		case <-ctx.Done():
		}
	})
	for i := range 1000 {
		r.offer(t, ticket(fmt.Sprint("bulk-", i), domain.TaskBulk, 0))
	}
	select {
	case <-allBusy:
	case <-time.After(r.patience):
		require.Fail(r, "bulk tickets are not worked on")
	}
	for i := range 5 {
		soon := ticket(fmt.Sprint("soon-", i), domain.TaskInteractive, 0)
		r.offer(t, soon)
		d.takes(soon)
	}
	require.EqualValues(r, r.h.Bulk, busy.Load(), "no more bulk tickets at once than there are workers for them")
}

func (r *tasksRun) returns() {
	t := r.end()
	var running atomic.Int32
	begun := make(chan struct{}, 4)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- t.Work(ctx, func(ctx context.Context, _ port.Ticket) {
			running.Add(1)
			defer running.Add(-1)
			begun <- struct{}{}
			select {
			case <-ctx.Done():
			case <-time.After(r.patience):
			}
			<-time.After(50 * time.Millisecond) // it tidies up
		})
	}()
	r.offer(t, ticket("a", domain.TaskBulk, 0), ticket("b", domain.TaskInteractive, 0))
	for range 2 {
		select {
		case <-begun:
		case <-time.After(r.patience):
			require.Fail(r, "nobody works on it")
		}
	}
	cancel()
	select {
	case err := <-done:
		require.Zero(r, running.Load(), "work returned too early")
		require.Equal(r, domain.CodeCanceled, domain.CodeOf(err), "%v", err)
	case <-time.After(r.patience):
		require.Fail(r, "the end of work is not passed on")
	}
}

func (r *tasksRun) stopped() {
	for range 10 {
		r.end = r.h.New(r, 6*r.patience)
		t, gone, there := r.end(), r.desk(), r.desk()
		gone.open()
		there.open()
		stop := r.work(t, gone.do)
		warm, a := ticket("warm", domain.TaskInteractive, 0), ticket("a", domain.TaskInteractive, 0)
		r.offer(t, warm)
		gone.takes(warm)
		stop()
		r.offer(t, a)
		stopOther := r.work(r.end(), there.do)
		there.takesAtLast(a, warm) // which may have been cut off
		stopOther()
		require.Empty(r, gone.begun, "who has stopped takes no ticket")
	}
}

// takesAtLast waits for one ticket; another one may come before it.
func (d *desk) takesAtLast(want, before port.Ticket) {
	d.r.Helper()
	for {
		select {
		case got := <-d.begun:
			if got == want {
				return
			}
			require.Equal(d.r, before, got)
		case <-time.After(d.r.patience):
			require.Fail(d.r, "nobody works on it", "%v", want)
		}
	}
}

func (r *tasksRun) cutOff() {
	t, cut, there := r.end(), r.desk(), r.desk()
	stop := r.work(t, cut.do)
	for _, a := range []port.Ticket{ticket("a", domain.TaskBulk, 0), ticket("b", domain.TaskInteractive, 2)} {
		r.offer(t, a)
		cut.takes(a)
	}
	stop()
	other := r.end()
	r.work(other, there.do)
	there.offerUntil(other, ticket("a", domain.TaskBulk, 0), ticket("b", domain.TaskInteractive, 2))
}

func (r *tasksRun) long() {
	t, d := r.end(), r.desk()
	r.work(t, d.do)
	a := ticket("a", domain.TaskInteractive, 0)
	r.offer(t, a)
	d.takes(a)
	r.work(r.end(), d.do)
	select {
	case got := <-d.begun:
		require.Fail(r, "somebody works on it", "%v", got)
	case <-time.After(4 * shortly):
	}
	d.takesNoMoreOnceOpen(t)
}

func (r *tasksRun) many() {
	const tickets, processes = 100, 4
	var mu sync.Mutex
	working, begun := map[port.Ticket]int{}, map[port.Ticket]int{}
	all := make(chan struct{})
	do := func(_ context.Context, one port.Ticket) {
		mu.Lock()
		working[one]++
		begun[one]++
		if working[one] > 1 {
			r.Errorf("two work on %v", one)
		}
		if begun[one] == 1 && len(begun) == tickets {
			close(all)
		}
		mu.Unlock()
		<-time.After(time.Millisecond)
		mu.Lock()
		working[one]--
		mu.Unlock()
	}
	var ends []port.Tasks
	for range processes {
		t := r.end()
		ends = append(ends, t)
		r.work(t, do)
	}
	var offering sync.WaitGroup
	for _, t := range ends {
		offering.Go(func() { // every process sweeps
			for i := range tickets {
				class := domain.TaskBulk
				if i%2 == 0 {
					class = domain.TaskInteractive
				}
				if err := t.Offer(r.Context(), ticket(fmt.Sprint("t-", i), class, i)); err != nil {
					r.Errorf("offer: %v", err)
				}
			}
		})
	}
	offering.Wait()
	select {
	case <-all:
	case <-time.After(r.patience):
		require.Fail(r, "tickets got lost")
	}
}
