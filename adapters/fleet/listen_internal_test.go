package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// clocked is a listener whose time a test makes.
func clocked(t *testing.T) (l *listener, told *[]Beat, turn func(now time.Time)) {
	told = &[]Beat{}
	l = newListener(ListenOptions{Lost: time.Minute}, func(_ context.Context, b Beat) error {
		*told = append(*told, b)
		return nil
	})
	return l, told, func(now time.Time) {
		l.watch(now, true)
		for l.dispatch(t.Context()); l.active > 0; {
			l.settle(<-l.called, now)
		}
	}
}

func heartbeat(subject string) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: beat{Protocol: version, Process: "A"}.encode()}
}

func TestWhoIsGoneIsForgotten(t *testing.T) {
	l, told, turn := clocked(t)
	now := time.Now()
	l.hear(heartbeat("wharf.beat.node1"), now)
	for range 70 {
		turn(now)
		now = now.Add(time.Second)
	}
	require.Len(t, *told, 2)
	require.False(t, (*told)[1].Online)
	require.Empty(t, l.nodes)
	require.Empty(t, l.waiting)
}

func TestAListenerThatSleptGivesNodesTheirTime(t *testing.T) {
	l, told, turn := clocked(t)
	now := time.Now()
	l.hear(heartbeat("wharf.beat.node1"), now)
	turn(now)
	now = now.Add(time.Hour)
	turn(now)
	require.Len(t, *told, 1, "the silence was ours")
	for range 70 {
		now = now.Add(time.Second)
		turn(now)
	}
	require.Len(t, *told, 2)
}
