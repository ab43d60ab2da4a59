package porttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// TasksHarness is what [RunTasks] needs of an implementation of [port.Tasks].
type TasksHarness struct {
	// New returns a delivery that holds nothing: each call of what it returns is
	// the end of one more process, or the same one when there is one process. A
	// process that dies may keep its tickets for redelivery.
	New func(tb testing.TB, redelivery time.Duration) (end func() port.Tasks)
	// Bulk is how many bulk tickets one call of Work works on at once, at least
	// 2; of interactive ones it must be as many.
	Bulk int
	// Patience is how long to wait for what has to happen soon; 0 is 10 s.
	Patience time.Duration
}

// RunTasks checks the contract of [port.Tasks].
func RunTasks(t *testing.T, h TasksHarness) {
	for _, c := range []struct {
		name string
		test func(*tasksRun)
	}{
		{"an offered ticket is worked on", (*tasksRun).offered},
		{"a ticket that was offered before anybody works is kept", (*tasksRun).kept},
		{"offering what waits does nothing", (*tasksRun).waits},
		{"offering what is worked on does nothing", (*tasksRun).busy},
		{"a ticket that was worked off can be offered again", (*tasksRun).again},
		{"the next attempt waits for no older one", (*tasksRun).nextAttempt},
		{"bulk work keeps no interactive ticket waiting", (*tasksRun).interactive},
		{"work returns when all that it began has returned", (*tasksRun).returns},
		{"who has stopped takes no ticket", (*tasksRun).stopped},
		{"a ticket that was cut off is worked on by another", (*tasksRun).cutOff},
		{longWork, (*tasksRun).long},
		{"many workers work on each ticket once at a time", (*tasksRun).many},
		{"an offer under a context that has ended does nothing", (*tasksRun).ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &tasksRun{T: t, h: h, patience: cmp.Or(h.Patience, 10*time.Second)}
			redelivery := 6 * r.patience // later than soon
			if c.name == longWork {
				redelivery = shortly
			}
			r.end = h.New(t, redelivery)
			c.test(r)
		})
	}
}

const (
	longWork = "long work is given to nobody else"
	shortly  = 300 * time.Millisecond
)

// tasksRun is one test of the suite on one delivery.
type tasksRun struct {
	*testing.T
	h        TasksHarness
	patience time.Duration
	end      func() port.Tasks
}

func ticket(task string, class domain.TaskClass, attempt int) port.Ticket {
	return port.Ticket{Task: domain.TaskID(task), Class: class, Attempt: attempt}
}

// offer offers, and fails when that takes long.
func (r *tasksRun) offer(t port.Tasks, tickets ...port.Ticket) {
	r.Helper()
	for _, one := range tickets {
		done := make(chan error, 1)
		go func() { done <- t.Offer(r.Context(), one) }()
		select {
		case err := <-done:
			require.NoError(r, err)
		case <-time.After(r.patience):
			require.Fail(r, "an offer waits for nobody")
		}
	}
}

// work works until the returned function is called, or the test ends.
func (r *tasksRun) work(t port.Tasks, do func(context.Context, port.Ticket)) (stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan error, 1)
	go func() { done <- t.Work(ctx, do) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if domain.CodeOf(err) != domain.CodeCanceled {
				r.Errorf("work that was stopped returns the error of its context, not %v", err)
			}
		case <-time.After(r.patience):
			r.Errorf("work does not return")
		}
	})
	r.Cleanup(stop)
	return stop
}

// desk is a worker that tells what it begins, and keeps at it until it is let go.
type desk struct {
	r     *tasksRun
	begun chan port.Ticket
	letGo chan struct{} // closed: it holds nothing up
}

func (r *tasksRun) desk() *desk {
	d := &desk{r: r, begun: make(chan port.Ticket, 10_000), letGo: make(chan struct{})}
	r.Cleanup(d.open)
	return d
}

// open lets everything go; it can be called again.
func (d *desk) open() {
	select {
	case <-d.letGo:
	default:
		close(d.letGo)
	}
}

// do works on a ticket until the desk is open, or its context ends.
func (d *desk) do(ctx context.Context, t port.Ticket) {
	d.begun <- t
	select {
	case <-d.letGo:
	case <-ctx.Done():
	}
}

// takes waits for the next tickets in any order.
func (d *desk) takes(want ...port.Ticket) {
	d.r.Helper()
	var got []port.Ticket
	for range want {
		select {
		case t := <-d.begun:
			got = append(got, t)
		case <-time.After(d.r.patience):
			require.Fail(d.r, "nobody works on it", "wanted %v, got %v", want, got)
		}
	}
	require.ElementsMatch(d.r, want, got)
}

// takesNoMore offers a few more tickets, one after the other, and checks that
// nothing else is worked on: what wrongly waits comes before them.
func (d *desk) takesNoMore(t port.Tasks) {
	d.r.Helper()
	for i := range 3 {
		last := ticket(fmt.Sprint("last-", i), domain.TaskInteractive, 0)
		d.r.offer(t, last)
		d.takes(last)
	}
}

// offerUntil offers as a sweep does, until the desk takes the tickets. Others
// may come in between: what an earlier worker was cut off from.
func (d *desk) offerUntil(t port.Tasks, want ...port.Ticket) {
	d.r.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(d.r.patience)
	for len(want) > 0 {
		select {
		case got := <-d.begun:
			want = slices.DeleteFunc(want, func(w port.Ticket) bool { return w == got })
		case <-tick.C:
			d.r.offer(t, want...)
		case <-late:
			require.Fail(d.r, "nobody works on it", "%v", want)
		}
	}
}

func (r *tasksRun) offered() {
	t, d := r.end(), r.desk()
	d.open()
	r.work(t, d.do)
	for _, one := range []port.Ticket{
		ticket("a", domain.TaskBulk, 0), ticket("b", domain.TaskInteractive, 0), ticket("0198c0de-7a11-7000-8000-000000000001", domain.TaskBulk, 7),
	} {
		r.offer(t, one)
		d.takes(one)
	}
}

func (r *tasksRun) kept() {
	t, d := r.end(), r.desk()
	var all []port.Ticket
	for i := range 10 {
		all = append(all, ticket(fmt.Sprint("bulk-", i), domain.TaskBulk, i), ticket(fmt.Sprint("soon-", i), domain.TaskInteractive, i))
	}
	r.offer(t, all...)
	d.open()
	r.work(t, d.do)
	d.takes(all...)
}

func (r *tasksRun) ended() {
	t, d := r.end(), r.desk()
	d.open()
	ctx, cancel := context.WithCancelCause(r.Context())
	cancel(errors.New("enough"))
	done := make(chan error, 1)
	go func() { done <- t.Offer(ctx, ticket("a", domain.TaskInteractive, 0)) }()
	select {
	case err := <-done:
		if err != nil {
			require.Equal(r, domain.CodeCanceled, domain.CodeOf(err), "%v", err)
		}
	case <-time.After(r.patience):
		require.Fail(r, "an offer waits for nobody")
	}
	r.work(t, d.do)
	d.takesNoMore(t)
}
