package broker_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/domain"
)

// soon bounds what has to happen; a test that waits that long has failed.
const soon = 20 * time.Second

func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), soon)
	tb.Cleanup(cancel)
	return ctx
}

// registry is who knows the nodes' keys.
type registry struct {
	mu    sync.Mutex
	nodes map[string]domain.AgentID
	fails error
	asked int
}

func (r *registry) find(_ context.Context, key string) (domain.AgentID, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	id, ok := r.nodes[key]
	return id, ok, r.fails
}

func (r *registry) set(key string, id domain.AgentID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id == "" {
		delete(r.nodes, key)
		return
	}
	r.nodes[key] = id
}

func (r *registry) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = err
}

// rights are the subjects of a node in these tests.
func rights(id domain.AgentID) (publish, subscribe []string) {
	return []string{"beat." + string(id), "reply." + string(id) + ".>"}, []string{"ask." + string(id)}
}

func open(tb testing.TB, c broker.Config) *broker.Broker {
	tb.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(tb.Output(), nil))
	}
	b, err := broker.Open(within(tb), c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	return b
}

// newNode makes a node's key and, with an id, makes it known.
func newNode(tb testing.TB, r *registry, id domain.AgentID) (seedFile, publicKey string) {
	tb.Helper()
	seedFile = filepath.Join(tb.TempDir(), "node.nkey")
	seed, err := broker.LoadSeed(seedFile)
	require.NoError(tb, err)
	if id != "" {
		r.set(seed.PublicKey(), id)
	}
	return seedFile, seed.PublicKey()
}

func newRegistry() *registry { return &registry{nodes: map[string]domain.AgentID{}} }

func dial(tb testing.TB, b *broker.Broker, seedFile string) *nats.Conn {
	tb.Helper()
	conn, err := broker.Dial(within(tb), broker.DialConfig{URL: b.URL(), SeedFile: seedFile})
	require.NoError(tb, err)
	tb.Cleanup(conn.Close)
	return conn
}

// hears checks that what one connection publishes reaches the other.
func hears(tb testing.TB, to, from *nats.Conn, subject string) {
	tb.Helper()
	sub, err := to.SubscribeSync(subject)
	require.NoError(tb, err)
	defer func() { _ = sub.Unsubscribe() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(soon)
	for {
		_ = from.Publish(subject, []byte("hello")) // fails while it is gone
		if msg, err := sub.NextMsg(10 * time.Millisecond); err == nil {
			require.Equal(tb, "hello", string(msg.Data))
			return
		}
		select {
		case <-tick.C:
		case <-late:
			require.Fail(tb, "nothing arrives", subject)
		}
	}
}

func fails(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	require.Error(tb, err)
	require.Equal(tb, code, domain.CodeOf(err), "%v", err)
	require.Equal(tb, reason, domain.ReasonOf(err), "%v", err)
}
