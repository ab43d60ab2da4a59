package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cache"
	"github.com/wharf-project/wharf/domain"
)

func named(name string) []domain.Candidate {
	return []domain.Candidate{{Image: domain.Image{Name: name}}}
}

func TestThoseWhoAskTogetherShareOneLoad(t *testing.T) {
	t.Parallel()
	r := cache.NewResolutions()
	var loads atomic.Int64
	enter := make(chan struct{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := r.Load(t.Context(), "k", func(context.Context) ([]domain.Candidate, error) {
				loads.Add(1)
				<-enter
				return named("a"), nil
			})
			if err != nil || got[0].Image.Name != "a" {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	close(enter)
	wg.Wait()
	require.EqualValues(t, 1, loads.Load())

	// Who waited for the load may count as a miss. Who comes after it is a hit,
	// but for a machine that slept for longer than a name is remembered.
	for before, tries := r.HitRatio(), 0; r.HitRatio() <= before; tries++ {
		require.Less(t, tries, 10, "what is remembered is loaded again")
		_, err := r.Load(t.Context(), "k", func(context.Context) ([]domain.Candidate, error) { return named("a"), nil })
		require.NoError(t, err)
	}
}

func TestADropIsForLoadsUnderWayToo(t *testing.T) {
	t.Parallel()
	r := cache.NewResolutions()
	loading, leave := make(chan struct{}), make(chan struct{})
	old := make(chan []domain.Candidate, 1)
	go func() {
		got, _ := r.Load(context.Background(), "k", func(context.Context) ([]domain.Candidate, error) {
			close(loading)
			<-leave
			return named("old"), nil
		})
		old <- got
	}()
	<-loading
	r.Drop() // a commit, after the row was read
	close(leave)
	require.Equal(t, "old", (<-old)[0].Image.Name, "who asked before it gets what was true then")
	got, err := r.Load(t.Context(), "k", func(context.Context) ([]domain.Candidate, error) { return named("new"), nil })
	require.NoError(t, err)
	require.Equal(t, "new", got[0].Image.Name)
}

func TestErrorsAreNotRemembered(t *testing.T) {
	t.Parallel()
	r := cache.NewResolutions()
	boom := errors.New("boom")
	_, err := r.Load(t.Context(), "k", func(context.Context) ([]domain.Candidate, error) { return nil, boom })
	require.ErrorIs(t, err, boom)
	got, err := r.Load(t.Context(), "k", func(context.Context) ([]domain.Candidate, error) { return named("a"), nil })
	require.NoError(t, err)
	require.Len(t, got, 1)
}
