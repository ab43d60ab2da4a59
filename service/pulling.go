package service

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/wharf-project/wharf/domain"
)

// slots are what may happen at once, by name, over all actions of the process.
type slots struct {
	mu   sync.Mutex
	open map[string]*slot
}

type slot struct {
	sem   *semaphore.Weighted
	users int // holding or waiting; the last one takes it away
}

func newSlots() *slots { return &slots{open: map[string]*slot{}} }

// take waits for one of limit slots of a name, in the order of asking.
func (s *slots) take(ctx context.Context, name string, limit int) (release func(), err error) {
	s.mu.Lock()
	one := s.open[name]
	if one == nil {
		one = &slot{sem: semaphore.NewWeighted(int64(limit))}
		s.open[name] = one
	}
	one.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(s.open, name)
		}
	}
	if err := one.sem.Acquire(ctx, 1); err != nil {
		leave()
		return nil, domain.Wrap("slots", err)
	}
	return func() { one.sem.Release(1); leave() }, nil
}

var errStalled = errors.New("no bytes arrived")

// watched runs a transfer and ends it when its progress does not move for so
// long: slow is fine, standing still is not. The progress goes to sink too.
func watched(ctx context.Context, stall time.Duration, sink domain.Progress, do func(ctx context.Context, moved domain.Progress) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer timer.Stop()
	best := int64(0)
	err := do(ctx, func(step domain.ProgressStep) {
		sink.Report(step.Current, step.Total, step.Message)
		if step.Current > best {
			best = step.Current
			timer.Reset(stall)
		}
	})
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return &domain.Error{Code: domain.CodeTimeout, Reason: "pull_stalled", Message: "no bytes arrived for " + stall.String(), Err: err}
	}
	return err
}

// retried does something up to so many times, while its errors are of the kind
// that passes. The waits double, each shortened at random by up to a half, so
// that a thousand agents do not come back together.
func retried(ctx context.Context, attempts int, backoff time.Duration, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || n >= attempts || !passes(err) {
			return err
		}
		wait := backoff << min(n-1, 10)
		wait -= time.Duration(rand.Int64N(int64(wait)/2 + 1))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// passes reports whether to try again is of use: a registry that is busy or
// away for a moment, a transfer that stands still. An agent that is away is
// waited for elsewhere.
func passes(err error) bool {
	switch domain.CodeOf(err) {
	case domain.CodeRateLimited:
		return true
	case domain.CodeUnavailable:
		return !isAway(err)
	}
	return domain.ReasonOf(err) == "pull_stalled"
}
