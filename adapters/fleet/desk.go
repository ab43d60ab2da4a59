package fleet

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// Bounds per operation, so that none waits behind another.
const (
	inventories = 2
	removals    = 4
	mostWaiting = 256
	mostUnread  = 4 * mostWaiting // messages; what finds no room is lost, and its call ends by its silence
	mostDone    = 64              // finished calls whose repetition is noticed
)

// desk decides when a node works at what: a few jobs per operation at a time,
// more wait, and beyond that they are refused.
type desk struct {
	id   domain.AgentID
	log  *slog.Logger
	do   func(*job)
	busy sync.WaitGroup // all that Serve waits for
	ctx  context.Context

	mu    sync.Mutex
	lanes map[string]*lane
	jobs  map[string]*job // running and waiting, by their reply subject
	done  []string        // the same of the last finished ones
}

// lane is one operation.
type lane struct {
	most, running int
	waiting       []*job
}

func newDesk(ctx context.Context, id domain.AgentID, log *slog.Logger, do func(*job), pulls int) *desk {
	return &desk{
		id: id, log: log, do: do, ctx: ctx, jobs: map[string]*job{},
		lanes: map[string]*lane{opInventory: {most: inventories}, opPull: {most: pulls}, opRemove: {most: removals}},
	}
}

// admit starts a job, lets it wait, or says why not. A repeated one is neither:
// the first gives the answer.
func (d *desk) admit(j *job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[j.op]
	switch {
	case d.ctx.Err() != nil:
		return stopping(d.id)
	case l == nil:
		return refusal(domain.CodeUnavailable, reasonAsk, d.id, "the agent %s cannot do this: %s", d.id, domain.Quote(j.op))
	case d.jobs[j.reply] != nil || slices.Contains(d.done, j.reply):
		return nil
	case l.running >= l.most && len(l.waiting) >= mostWaiting:
		err := domain.Errorf(domain.CodeRateLimited, reasonBusy, string(d.id), "the agent %s has too much to do; try again later", d.id)
		err.RetryAfter = 5 * time.Second
		return err
	}
	d.jobs[j.reply] = j
	j.start(d.ctx)
	if l.running >= l.most {
		l.waiting = append(l.waiting, j)
		return nil
	}
	l.running++
	d.busy.Go(func() { d.work(l, j) })
	return nil
}

// work is a worker: it does j and then what waits.
func (d *desk) work(l *lane, j *job) {
	for j != nil {
		d.do(j)
		j = d.next(l, j)
	}
}

// next forgets the job that is done and returns another one of its lane.
func (d *desk) next(l *lane, was *job) *job {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(was)
	if len(l.waiting) == 0 {
		l.running--
		return nil
	}
	j := l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return j
}

func (d *desk) forget(j *job) {
	delete(d.jobs, j.reply)
	if len(d.done) == mostDone {
		d.done = slices.Delete(d.done, 0, 1)
	}
	d.done = append(d.done, j.reply)
}

// note lets a call go on, or stops it. One that is over, or of another process,
// is none of ours.
func (d *desk) note(n note) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j := d.jobs[n.Reply]
	if j == nil {
		return
	}
	j.wasRead(n.Read)
	if !n.Withdrawn {
		return
	}
	j.cancel()
	l := d.lanes[j.op]
	if i := slices.Index(l.waiting, j); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		j.finish(frame{Kind: kindFailed, Failed: failureOf(context.Canceled)})
		d.forget(j)
	}
}

// close answers what waits and waits for what runs, but not for ever. The
// context has ended: nothing is admitted any more, and jobs end by themselves.
func (d *desk) close(patience time.Duration) {
	d.mu.Lock()
	for _, l := range d.lanes {
		for _, j := range l.waiting {
			j.finish(frame{Kind: kindFailed, Failed: failureOf(stopping(d.id))})
			d.forget(j)
		}
		l.waiting = nil
	}
	d.mu.Unlock()
	idle := make(chan struct{})
	go func() { d.busy.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-time.After(patience):
		d.log.Warn("fleet: the agent does not heed its context and is left behind")
	}
}
