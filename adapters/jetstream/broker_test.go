package jetstream_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/service/port"
)

// The embedded broker changes hands, and loses what it held.
func TestWorkGoesOnWithTheNextBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var brokers []*broker.Broker
	for range 2 {
		b, err := broker.Open(t.Context(), broker.Config{Dir: dir})
		require.NoError(t, err)
		t.Cleanup(func() { _ = b.Close() })
		brokers = append(brokers, b)
	}
	begun := make(chan port.Ticket, 100)
	tasks := jetstream.New(brokers[1].Conn(), jetstream.Options{})
	ended, _ := works(t, tasks, func(_ context.Context, one port.Ticket) { begun <- one })
	offerUntil(t, jetstream.New(brokers[0].Conn(), jetstream.Options{}), bulk("a", 0), begun)
	require.NoError(t, brokers[0].Close())
	offerUntil(t, tasks, bulk("b", 0), begun)
	require.Empty(t, ended)
}
