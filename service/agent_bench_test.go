//go:build !race

package service_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// The fleet of the measurement: every removal takes a while, and a node does
// one after the other, so that nothing can be faster than images x removal.
const (
	fleetNodes   = 100
	fleetImages  = 10
	fleetRemoval = 50 * time.Millisecond
	fleetIdeal   = fleetImages * fleetRemoval
)

// fleetToPurge is a fleet whose nodes hold all images, and the request to purge
// them.
func fleetToPurge(tb testing.TB) (*fleet, actions.PurgeImagesAction) {
	tb.Helper()
	f := newFleet(tb)
	images := f.images(fleetImages)
	slow := func(ctx context.Context, op, _ string) error {
		if op == porttest.OpRemove {
			select {
			case <-time.After(fleetRemoval):
			case <-ctx.Done():
			}
		}
		return ctx.Err()
	}
	var a actions.PurgeImagesAction
	for i := range fleetNodes {
		id := domain.AgentID(fmt.Sprintf("node-%03d", i))
		f.node(id, "x86_64", images...).SetHook(slow)
		a.Keys = append(a.Keys, fleetKey(id, fleetNames(images)...))
	}
	return f, a
}

// purgeAll purges and returns how long it took.
func (f *fleet) purgeAll(a actions.PurgeImagesAction) time.Duration {
	f.tb.Helper()
	start := time.Now()
	res := f.purge(a)
	took := time.Since(start)
	require.Empty(f.tb, res.Errors)
	require.Len(f.tb, res.PurgedImages, fleetNodes)
	require.Len(f.tb, res.PurgedImages[0].PurgedImages, fleetImages)
	return took
}

// It is not parallel: it measures time. The best of three tries counts, for the
// machine may have other things to do.
func TestPurgeFleetRatio(t *testing.T) {
	const bound, tries = 1.4, 3
	best := bound + 1
	for try := 0; try < tries && best > bound; try++ {
		f, a := fleetToPurge(t)
		took := f.purgeAll(a)
		ratio := float64(took) / float64(fleetIdeal)
		t.Logf("%d images on %d nodes: %s, %.2f of the ideal %s", fleetImages, fleetNodes, took.Round(time.Millisecond), ratio, fleetIdeal)
		best = min(best, ratio)
		require.Empty(t, f.known("node-000"))
		require.Empty(t, f.known("node-099"))
	}
	require.LessOrEqual(t, best, bound)
}

func BenchmarkPurgeFleet(b *testing.B) {
	var total time.Duration
	for range b.N {
		b.StopTimer()
		f, a := fleetToPurge(b)
		b.StartTimer()
		total += f.purgeAll(a)
	}
	b.ReportMetric(float64(total)/float64(b.N)/float64(fleetIdeal), "x-ideal")
}
