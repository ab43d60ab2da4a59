package service_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

func taken(t *testing.T, l port.Limiter, actor domain.UserID, class string) error {
	t.Helper()
	return l.Take(t.Context(), actor, class)
}

func TestALimiterAllowsABurstAndThenARate(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	l := service.NewLimiter(map[string]service.Rate{"write": {PerSecond: 2, Burst: 3}}, clock.Now)
	for range 3 {
		require.NoError(t, taken(t, l, "alice", "write"))
	}
	for range 5 { // refusals cost nothing
		err := taken(t, l, "alice", "write")
		fleetError(t, err, domain.CodeRateLimited, "rate_limited")
		require.Equal(t, 500*time.Millisecond, domain.RetryAfterOf(err))
	}
	clock.pass(400 * time.Millisecond)
	require.InDelta(t, 100*time.Millisecond, domain.RetryAfterOf(taken(t, l, "alice", "write")), float64(time.Microsecond))
	clock.pass(100 * time.Millisecond)
	require.NoError(t, taken(t, l, "alice", "write"))
	require.Error(t, taken(t, l, "alice", "write"))
	clock.pass(time.Hour)
	for range 3 {
		require.NoError(t, taken(t, l, "alice", "write"))
	}
	require.Error(t, taken(t, l, "alice", "write"), "a bucket holds no more than a burst")
}

func TestWhoWaitsAsLongAsToldIsLetIn(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []float64{0.3, 1, 3, 7, 10, 50, 200, 333} {
		clock := newStubClock()
		l := service.NewLimiter(map[string]service.Rate{"read": {perSecond, 2}}, clock.Now)
		for range 200 {
			for taken(t, l, "alice", "read") == nil {
			}
			clock.pass(domain.RetryAfterOf(taken(t, l, "alice", "read")))
			require.NoError(t, taken(t, l, "alice", "read"), "at %g per second", perSecond)
			clock.pass(time.Second / 1000)
		}
	}
}

func TestActorsAndClassesHaveBucketsOfTheirOwn(t *testing.T) {
	t.Parallel()
	l := service.NewLimiter(map[string]service.Rate{"read": {1, 1}, "write": {1, 1}}, newStubClock().Now)
	for _, actor := range []domain.UserID{"alice", "bob"} {
		for _, class := range []string{"read", "write"} {
			require.NoError(t, taken(t, l, actor, class))
			require.Error(t, taken(t, l, actor, class))
		}
	}
}

func TestAClassWithoutARateIsUnlimited(t *testing.T) {
	t.Parallel()
	l := service.NewLimiter(map[string]service.Rate{"write": {PerSecond: 0, Burst: 1}}, nil)
	for range 1000 {
		require.NoError(t, taken(t, l, "alice", "read"))
		require.NoError(t, taken(t, l, "alice", "write"))
	}
}

func TestEveryEffectHasADefaultRate(t *testing.T) {
	t.Parallel()
	rates := service.DefaultRates()
	for _, e := range []actions.Effect{actions.Read, actions.Write, actions.Agent, actions.Registry} {
		r, ok := rates[e.String()]
		require.True(t, ok, e)
		require.Positive(t, r.PerSecond)
		require.GreaterOrEqual(t, float64(r.Burst), r.PerSecond)
	}
	require.Len(t, rates, 4)
	rates["read"] = service.Rate{}
	require.NotZero(t, service.DefaultRates()["read"], "the map is the caller's own")
}

func TestAServiceWithoutALimiterHasTheDefaultOne(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	s := &stub{tb: t}
	svc := s.service(func(c *service.Config) { c.Limiter, c.Now = nil, clock.Now })
	for range service.DefaultRates()["agent"].Burst {
		_, err := externalCall.call(alice(t), svc)
		require.NoError(t, err)
	}
	_, err := externalCall.call(alice(t), svc)
	require.ErrorIs(t, err, domain.ErrRateLimited)
	require.Positive(t, domain.RetryAfterOf(err))
	_, err = writeCall.call(alice(t), svc)
	require.NoError(t, err)
	_, err = externalCall.call(domain.WithActor(t.Context(), domain.Actor{ID: "bob"}), svc)
	require.NoError(t, err)
}

// Names of actors come from claims, which others make up. Memory is bounded,
// and an actor who waits is never remembered in the place of one who does not.
func TestManyActorsDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	const many = 10_000
	clock := newStubClock()
	l := service.NewLimiter(map[string]service.Rate{"slow": {0.001, 1}, "fast": {1, 1}}, clock.Now)
	require.NoError(t, taken(t, l, "mallory", "slow"))
	for i := range many - 1 {
		require.NoError(t, taken(t, l, domain.UserID(fmt.Sprint("fast", i)), "fast"))
	}
	clock.pass(time.Second) // every fast bucket is full again, and as good as none
	require.NoError(t, taken(t, l, "one more", "fast"))
	require.Error(t, taken(t, l, "mallory", "slow"), "buckets that matter are kept while there is room")

	for i := range many { // none of these is full
		require.NoError(t, taken(t, l, domain.UserID(fmt.Sprint("slow", i)), "slow"))
	}
	require.NoError(t, taken(t, l, "mallory", "slow"), "forgetting only ever allows more")
}

func TestALimiterCountsRightUnderParallelCalls(t *testing.T) {
	t.Parallel()
	l := service.NewLimiter(map[string]service.Rate{"read": {1, 100}}, newStubClock().Now)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				if l.Take(t.Context(), "alice", "read") == nil {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 100, allowed.Load())
}
