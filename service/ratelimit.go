package service

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Rate allows Burst calls at once and PerSecond in the long run. Zero PerSecond
// is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// DefaultRates are the limits per actor and cost class, the names of
// actions.Effect.
func DefaultRates() map[string]Rate {
	return map[string]Rate{
		actions.Read.String():     {PerSecond: 200, Burst: 400},
		actions.Write.String():    {PerSecond: 50, Burst: 100},
		actions.Agent.String():    {PerSecond: 10, Burst: 50},
		actions.Registry.String(): {PerSecond: 10, Burst: 50},
	}
}

// maxBuckets bounds memory: actors come from claims, which others make up.
const maxBuckets = 10_000

// limiter is the in-process default: a token bucket per actor and class.
type limiter struct {
	rates map[string]Rate
	now   func() time.Time

	mu      sync.Mutex
	buckets map[bucket]*rate.Limiter
}

type bucket struct {
	actor domain.UserID
	class string
}

// NewLimiter returns the in-process limiter: rates by class, a class without a
// rate is unlimited; now nil means time.Now.
func NewLimiter(rates map[string]Rate, now func() time.Time) port.Limiter {
	if now == nil {
		now = time.Now
	}
	return &limiter{rates: rates, now: now, buckets: map[bucket]*rate.Limiter{}}
}

func (l *limiter) Take(_ context.Context, actor domain.UserID, class string) error {
	r, ok := l.rates[class]
	if !ok || r.PerSecond <= 0 {
		return nil
	}
	now := l.now()
	k := bucket{actor, class}
	l.mu.Lock()
	b := l.buckets[k]
	if b == nil {
		l.makeRoom(now)
		b = rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
		l.buckets[k] = b
	}
	l.mu.Unlock()
	if b.AllowN(now, 1) {
		return nil
	}
	res := b.ReserveN(now, 1)
	wait := res.DelayFrom(now)
	res.CancelAt(now)
	return &domain.Error{
		Code: domain.CodeRateLimited, Reason: "rate_limited", On: class, RetryAfter: wait,
		Message: "too many " + class + " calls; try again in " + wait.Round(time.Millisecond).String(),
	}
}

// Left tells what is left of an actor's limit of a class: how many calls fit in
// at once, how many of them now, and when all of them again. False: no limit.
func (l *limiter) Left(actor domain.UserID, class string) (limit, remaining int, reset time.Duration, ok bool) {
	r := l.rates[class]
	if r.PerSecond <= 0 {
		return 0, 0, 0, false
	}
	l.mu.Lock()
	b := l.buckets[bucket{actor, class}]
	l.mu.Unlock()
	tokens := float64(r.Burst)
	if b != nil {
		tokens = max(b.TokensAt(l.now()), 0)
	}
	return r.Burst, int(tokens), time.Duration((float64(r.Burst) - tokens) / r.PerSecond * float64(time.Second)), true
}

// makeRoom drops buckets that are full again, and all of them when that does
// not help: forgetting a bucket only ever allows more.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, k)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}
