package cache

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"

	"github.com/wharf-project/wharf/domain"
)

const (
	// remembered is how long a change that another process made may go unseen.
	remembered = time.Second
	most       = 20_000 // names
	loading    = 10 * time.Second
)

// Resolutions is a port.Resolutions: in process, bounded, for a second. It is
// safe for concurrent use.
type Resolutions struct {
	cache   *otter.Cache[string, []domain.Candidate]
	counter *stats.Counter
	epoch   atomic.Int64 // part of every key: what an older one loads is never found
}

// NewResolutions returns an empty memory.
func NewResolutions() *Resolutions {
	counter := stats.NewCounter()
	return &Resolutions{counter: counter, cache: otter.Must(&otter.Options[string, []domain.Candidate]{
		MaximumSize: most, StatsRecorder: counter, ExpiryCalculator: otter.ExpiryWriting[string, []domain.Candidate](remembered),
	})}
}

// Load implements port.Resolutions. A load goes on when the caller that began it
// leaves: others may wait for it.
func (r *Resolutions) Load(ctx context.Context, key string, load func(context.Context) ([]domain.Candidate, error)) ([]domain.Candidate, error) {
	key = strconv.FormatInt(r.epoch.Load(), 36) + " " + key
	return r.cache.Get(ctx, key, otter.LoaderFunc[string, []domain.Candidate](func(ctx context.Context, _ string) ([]domain.Candidate, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loading)
		defer cancel()
		return load(ctx)
	}))
}

// Drop implements port.Resolutions.
func (r *Resolutions) Drop() {
	r.epoch.Add(1)
	r.cache.InvalidateAll()
}

// HitRatio is the share of loads that were remembered, 0 to 1.
func (r *Resolutions) HitRatio() float64 {
	s := r.counter.Snapshot()
	if total := s.Hits + s.Misses; total > 0 {
		return float64(s.Hits) / float64(total)
	}
	return 0
}
