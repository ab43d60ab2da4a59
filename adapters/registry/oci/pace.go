package oci

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wharf-project/wharf/domain"
)

// pace holds requests back: by a rate per host, and per account while a host
// that answered 429 asked to be left alone, so that one worker's lesson serves
// all.
type pace struct {
	limit   rate.Limit
	burst   int
	longest time.Duration

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by host
	held     map[string]time.Time     // by account and host
}

func newPace(o Options) *pace {
	limit := rate.Inf
	if o.RequestsPerSecond > 0 {
		limit = rate.Limit(o.RequestsPerSecond)
	}
	return &pace{
		limit: limit, burst: o.Burst, longest: o.MaxRetryAfter,
		limiters: map[string]*rate.Limiter{}, held: map[string]time.Time{},
	}
}

// wait returns when a request of account may go to host. It is rate_limited at
// once when that would be too late for the context, or later than anyone should
// wait.
func (p *pace) wait(ctx context.Context, account, host string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	hold := time.Until(p.held[account+"@"+host])
	limiter := p.limiters[host]
	if limiter == nil {
		limiter = rate.NewLimiter(p.limit, p.burst)
		p.limiters[host] = limiter
	}
	p.mu.Unlock()
	if hold > 0 {
		if hold > p.longest || !fits(ctx, hold) {
			return limited(host, hold)
		}
		if err := sleep(ctx, hold); err != nil {
			return err
		}
	}
	turn := limiter.Reserve()
	delay := turn.Delay()
	if !fits(ctx, delay) {
		turn.Cancel()
		return limited(host, delay)
	}
	if delay > 0 {
		if err := sleep(ctx, delay); err != nil {
			turn.Cancel()
			return err
		}
	}
	return nil
}

// hold keeps requests of account from host for d.
func (p *pace) hold(account, host string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := account + "@" + host
	if until := time.Now().Add(d); d > 0 && until.After(p.held[key]) {
		p.held[key] = until
	}
}

func limited(host string, wait time.Duration) error {
	e := domain.Errorf(domain.CodeRateLimited, reasonLimited, host, "%s takes no more requests for now", host)
	e.RetryAfter = wait
	return e
}
