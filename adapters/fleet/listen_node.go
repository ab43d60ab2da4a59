package fleet

import (
	"context"
	"time"
)

// heardNode is what a listener knows of a node.
type heardNode struct {
	now     Beat
	process string // that was heard last

	told   Beat // by the last call
	isTold bool // and that call succeeded
	busy   bool // a call waits or runs
	asked  Beat // what that call says
	err    error
	fails  int
	retry  time.Time
}

// settled tells whether there is nothing to tell.
func (n *heardNode) settled() bool {
	was, is := n.told, n.now
	was.At = is.At // not news
	return n.isTold && was == is
}

// want puts a node into the line unless it is there or has nothing to tell.
func (l *listener) want(n *heardNode, now time.Time) {
	if n.busy || n.settled() || now.Before(n.retry) {
		return
	}
	n.busy = true
	l.waiting = append(l.waiting, n)
}

// dispatch starts calls, each with what is the newest by now.
func (l *listener) dispatch(ctx context.Context) {
	for len(l.waiting) > 0 && l.active < mostCallbacks && ctx.Err() == nil {
		n := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		if n.settled() { // it was there and back while it waited
			n.busy = false
			continue
		}
		n.asked = n.now
		l.active++
		go func(b Beat) {
			ctx, cancel := context.WithTimeout(ctx, callbackLimit)
			defer cancel()
			n.err = l.heard(ctx, b)
			l.called <- n
		}(n.asked)
	}
}

// settle notes how a call went.
func (l *listener) settle(n *heardNode, now time.Time) {
	l.active--
	n.busy = false
	n.told, n.isTold = n.asked, n.err == nil
	if n.err == nil {
		n.fails, n.retry = 0, time.Time{}
	} else {
		l.log.Warn("fleet: what a node said was not taken in", "agent", string(n.asked.AgentID), "error", n.err)
		n.retry = now.Add(min(l.lost/30<<min(n.fails, 6), 2*l.lost))
		n.fails++
	}
	l.want(n, now)
}
