package fleet_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// crowd starts nodes that do nothing, each with a connection of its own, and
// opens them over one connection.
func crowd(tb testing.TB, n int) []port.Agent {
	tb.Helper()
	b, idle := newBroker(tb), func(_ context.Context, p domain.Progress) { p.Report(1, 1, "") }
	conn := b.connect(tb)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	var nodes sync.WaitGroup
	tb.Cleanup(func() { cancel(); nodes.Wait() })
	here := overhear(tb, b, "wharf.beat.*")
	agents := make([]port.Agent, n)
	for i := range agents {
		id := domain.AgentID(fmt.Sprint("node", i))
		own := b.connect(tb)
		nodes.Go(func() {
			_ = fleet.Serve(ctx, own, fleet.Node{ID: id, Agent: reporting{porttest.NewAgent(nil), idle}, Every: time.Minute})
		})
		agents[i] = open(tb, conn, fleet.Options{Silence: time.Minute}, id)
	}
	for range agents {
		receive(tb, here)
	}
	return agents
}

// pullMany makes pulls, many of them at a time, spread over the agents.
func pullMany(tb testing.TB, agents []port.Agent, n int) {
	tb.Helper()
	var workers sync.WaitGroup
	const width = 256
	for w := range width {
		workers.Go(func() {
			for i := w; i < n; i += width {
				if _, err := agents[i%len(agents)].Pull(tb.Context(), request("1"), func(domain.ProgressStep) {}); err != nil {
					tb.Errorf("pull %d: %v", i, err)
				}
			}
		})
	}
	workers.Wait()
}

// size returns the bytes and goroutines that are in use.
func size() (bytes int64, goroutines int) {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), runtime.NumGoroutine()
}

func TestManyPullsLeaveNothingBehind(t *testing.T) {
	agents := crowd(t, 25)
	pullMany(t, agents, 25*70) // more than a node remembers
	bytes, goroutines := size()
	pullMany(t, agents, 5_000)
	bytesAfter, goroutinesAfter := size()
	require.Less(t, bytesAfter-bytes, int64(4<<20))
	require.LessOrEqual(t, goroutinesAfter, goroutines+20)
}

// A thousand nodes and twenty thousand pulls: the bytes that the fleet takes
// (both ends and the server are in this process), and what the pulls leave.
func BenchmarkFleet(b *testing.B) {
	before, _ := size()
	agents := crowd(b, 1000)
	pullMany(b, agents, 70*len(agents))
	at, _ := size()
	b.ReportAllocs()
	for b.Loop() {
		pullMany(b, agents, 20_000)
	}
	b.StopTimer()
	after, _ := size()
	b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "pulls/s")
	b.ReportMetric(float64(at-before)/float64(len(agents)), "B/node")
	b.ReportMetric(float64(after-at), "B-left")
}

func BenchmarkPull(b *testing.B) {
	agents := crowd(b, 1)
	r := request("1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := agents[0].Pull(b.Context(), r, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInventoryOf10000Images(b *testing.B) {
	br := newBroker(b)
	serveAs(b, br, "node1", porttest.NewAgent(nil, images(10_000)...))
	a := open(b, br.connect(b), fleet.Options{}, "node1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Inventory(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
