package containers_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

func TestPostgresServerKeepsWhatWasCommittedWhenItIsKilled(t *testing.T) {
	t.Parallel()
	s, dsn := containers.PostgresServer(t)
	db := open(t, dsn)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE t (i INT); INSERT INTO t VALUES (7)")
	require.NoError(t, err)
	s.Kill(t)
	require.Error(t, db.PingContext(t.Context()))
	s.Start(t)
	var i int
	require.NoError(t, open(t, dsn).QueryRowContext(t.Context(), "SELECT i FROM t").Scan(&i))
	require.Equal(t, 7, i)
}

func TestNATSServerKeepsItsStreamsWhenItIsKilled(t *testing.T) {
	t.Parallel()
	s := containers.NATS(t)
	conn, err := nats.Connect("nats://"+s.Address, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "s.a", []byte("7"))
	require.NoError(t, err)
	s.Kill(t)
	s.Start(t)
	require.Eventually(t, func() bool {
		stream, err := js.Stream(t.Context(), "S")
		return err == nil && stream.CachedInfo().State.Msgs == 1
	}, 20*time.Second, 20*time.Millisecond)
}

func TestLinkIsSpoiledAndMended(t *testing.T) {
	t.Parallel()
	link := containers.Through(t, containers.NATS(t))
	// The server greets whoever connects.
	greeted := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", link.Address)
		if err != nil {
			return err
		}
		defer conn.Close()
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
		_, err = conn.Read(make([]byte, 1))
		return err
	}
	require.NoError(t, greeted(10*time.Second))

	link.Swallow(t)
	var silence net.Error
	require.ErrorAs(t, greeted(300*time.Millisecond), &silence)
	require.True(t, silence.Timeout(), "swallowed, not refused: %v", silence)
	link.Mend(t)
	require.NoError(t, greeted(10*time.Second))

	link.Cut(t)
	cut := greeted(10 * time.Second)
	require.Error(t, cut)
	require.NotErrorIs(t, cut, context.DeadlineExceeded, "refused, not swallowed")
	link.Mend(t)
	require.NoError(t, greeted(10*time.Second))
}

func TestNATSServerLetsInWhomItKnows(t *testing.T) {
	t.Parallel()
	pair, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := pair.PublicKey()
	require.NoError(t, err)
	url := "nats://" + containers.NATS(t, public).Address
	_, err = nats.Connect(url)
	require.ErrorIs(t, err, nats.ErrAuthorization)
	conn, err := nats.Connect(url, nats.Nkey(public, pair.Sign))
	require.NoError(t, err)
	conn.Close()
}
