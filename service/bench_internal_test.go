package service

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// maxDoorAllocs bounds what the door itself may allocate per call.
const maxDoorAllocs = 25

type noStore struct{ repository.Store }

func (noStore) Record(context.Context, domain.AuditEntry) error { return nil }

// grants is an authorizer that has decided already.
type grants map[string]domain.Grant

func (g grants) Authorize(_ context.Context, _ domain.Actor, permission string) (domain.Grant, error) {
	return g[permission], nil
}

// bareDoor has no logger, no limits and no middleware of an embedder.
func bareDoor(tb testing.TB) *door {
	tb.Helper()
	svc, err := New(Config{
		Store: noStore{}, Authorizer: grants{"image.get": {Reach: domain.ReachVisible, Rule: "p, user, image.get, visible"}}, Limiter: NewLimiter(nil, nil),
	})
	require.NoError(tb, err)
	return svc.CatalogService.door
}

// fullDoor is what a server has.
func fullDoor(tb testing.TB) *door {
	tb.Helper()
	az, err := rbac.Default(Permissions())
	require.NoError(tb, err)
	calls := 0
	counted := func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			calls++
			return next(ctx, c)
		}
	}
	svc, err := New(Config{
		Store: noStore{}, Authorizer: az, Middleware: []Middleware{counted},
		Limiter: NewLimiter(map[string]Rate{"read": {PerSecond: 1e9, Burst: 1e9}}, nil),
		Logger:  slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(tb, err)
	return svc.CatalogService.door
}

func throughDoor(tb testing.TB, d *door) func() {
	tb.Helper()
	ctx := domain.WithEnvelope(tb.Context(), domain.Envelope{Actor: domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default"}, RequestID: "req-1"})
	action := actions.GetImageAction{Reference: "python:3.12"}
	handler := func(context.Context, *Call) (actions.GetImageResult, error) { return actions.GetImageResult{}, nil }
	return func() {
		if _, err := run(ctx, d, action, handler); err != nil {
			tb.Fatal(err)
		}
	}
}

// Not in parallel: the allocations of other tests would count.
func TestDoorStaysCheap(t *testing.T) {
	for name, d := range map[string]*door{"bare": bareDoor(t), "full": fullDoor(t)} {
		allocs := testing.AllocsPerRun(200, throughDoor(t, d))
		t.Logf("%s: %.0f allocations", name, allocs)
		require.LessOrEqual(t, allocs, float64(maxDoorAllocs), name)
	}
}

func BenchmarkDoorBare(b *testing.B) { benchmarkDoor(b, bareDoor(b)) }

func BenchmarkDoorFull(b *testing.B) { benchmarkDoor(b, fullDoor(b)) }

func benchmarkDoor(b *testing.B, d *door) {
	b.Helper()
	call := throughDoor(b, d)
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}
