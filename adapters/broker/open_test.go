package broker_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/domain"
)

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), newAuthority(t)
	files := ca.issue(t, dir)
	for name, c := range map[string]broker.Config{
		"neither a directory nor a URL":       {},
		"every address without TLS":           {Dir: dir, Listen: "0.0.0.0:4222"},
		"every address of IPv6 without TLS":   {Dir: dir, Listen: "[::]:4222"},
		"an address of the network, no TLS":   {Dir: dir, Listen: "10.0.0.1:4222"},
		"a name without TLS":                  {Dir: dir, Listen: "manager.example.org:4222"},
		"no host":                             {Dir: dir, Listen: ":4222"},
		"no port":                             {Dir: dir, Listen: "127.0.0.1"},
		"a port that is no number":            {Dir: dir, Listen: "127.0.0.1:nats"},
		"a port that is too high":             {Dir: dir, Listen: "127.0.0.1:65536"},
		"a certificate without a key":         {Dir: dir, TLS: broker.TLSFiles{Cert: files.Cert}},
		"a certificate that is not there":     {Dir: dir, TLS: broker.TLSFiles{Cert: dir + "/no", Key: files.Key}},
		"a URL of something else":             {URL: "https://example.org", Seed: dir + "/seed"},
		"a URL with a password":               {URL: "tls://a:b@example.org", Seed: dir + "/seed"},
		"a URL without a host":                {URL: "nats://", Seed: dir + "/seed"},
		"a client certificate without a key":  {URL: "tls://127.0.0.1:1", Seed: dir + "/seed", TLS: broker.TLSFiles{Cert: files.Cert}},
		"an authority that is no certificate": {URL: "tls://127.0.0.1:1", Seed: dir + "/seed", TLS: broker.TLSFiles{CA: files.Key}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := broker.Open(within(t), c)
			fails(t, err, domain.CodeInvalid, "broker_config")
			require.NotContains(t, domain.MessageOf(err), "a:b")
		})
	}
}

func TestPlaintextOnTheNetworkOnRequest(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Listen: "0.0.0.0:0", AllowPlaintext: true, Nodes: r.find, Permissions: rights})
	seed, _ := newNode(t, r, "n1")
	hears(t, b.Conn(), dial(t, b, seed), "beat.n1")
}

func TestAFixedPort(t *testing.T) {
	t.Parallel()
	other, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dir, address := t.TempDir(), other.Addr().String()
	_, err = broker.Open(within(t), broker.Config{Dir: dir, Listen: address})
	fails(t, err, domain.CodeUnavailable, "broker_listen")
	require.NoError(t, other.Close())
	b := open(t, broker.Config{Dir: dir, Listen: address}) // the lock was let go
	require.Equal(t, "nats://"+address, b.URL())
}

func TestAddressesThatAreOld(t *testing.T) {
	t.Parallel()
	stranger := open(t, broker.Config{Dir: t.TempDir()})
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = mute.Close() }()
	for name, kept := range map[string]string{
		"of another broker":            strings.TrimPrefix(stranger.URL(), "nats://"),
		"of somebody who says nothing": mute.Addr().String(),
		"of another machine":           "203.0.113.1:4222",
		"without a port":               "127.0.0.1",
		"port 0":                       "127.0.0.1:0",
		"no port at all":               "127.0.0.1:99999",
		"garbage":                      "\x00\xff",
		"empty":                        "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "address"), []byte(kept), 0o600))
			b := open(t, broker.Config{Dir: dir})
			second := open(t, broker.Config{Dir: dir})
			hears(t, second.Conn(), b.Conn(), "a")
			require.NotEqual(t, stranger.Conn().ConnectedServerId(), b.Conn().ConnectedServerId())
			text, err := os.ReadFile(filepath.Join(dir, "address"))
			require.NoError(t, err)
			require.Equal(t, b.URL(), "nats://"+strings.TrimSpace(string(text)))
		})
	}
}

func TestWhatIsInTheDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	require.NoError(t, open(t, broker.Config{Dir: dir}).Close())
	for _, name := range []string{".", "manager.nkey", "address", "lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, name)
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "manager.nkey"), 0o644))
	_, err := broker.Open(within(t), broker.Config{Dir: dir})
	fails(t, err, domain.CodeInvalid, "key_file_open")
}

func TestDialWaitsForTheBroker(t *testing.T) {
	t.Parallel()
	r, dir := newRegistry(), t.TempDir()
	b := open(t, broker.Config{Dir: dir})
	url := b.URL()
	require.NoError(t, b.Close())
	seed, _ := newNode(t, r, "n1")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := broker.Dial(ctx, broker.DialConfig{URL: url, SeedFile: seed})
	fails(t, err, domain.CodeUnavailable, "broker_unavailable")
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = broker.Dial(ctx, broker.DialConfig{URL: url, SeedFile: seed})
	require.Equal(t, domain.CodeCanceled, domain.CodeOf(err), "%v", err)

	dialed := make(chan error, 1)
	go func() {
		conn, err := broker.Dial(within(t), broker.DialConfig{URL: url, SeedFile: seed})
		if err == nil {
			conn.Close()
		}
		dialed <- err
	}()
	open(t, broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	require.NoError(t, <-dialed)
}

// A cluster of its own is any NATS server that knows the key.
func TestACluster(t *testing.T) {
	t.Parallel()
	cluster := open(t, broker.Config{Dir: t.TempDir(), Nodes: func(context.Context, string) (domain.AgentID, bool, error) {
		return "manager", true, nil
	}, Permissions: func(domain.AgentID) ([]string, []string) { return []string{">"}, []string{">"} }})
	b := open(t, broker.Config{URL: cluster.URL(), Seed: filepath.Join(t.TempDir(), "seed")})
	require.Equal(t, cluster.URL(), b.URL())
	require.NoError(t, b.Recheck(t.Context()))
	hears(t, cluster.Conn(), b.Conn(), "a")
}

func TestCloseSendsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newRegistry()
	b := open(t, broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	second := open(t, broker.Config{Dir: dir})
	seed, _ := newNode(t, r, "n1")
	node := dial(t, b, seed)
	for name, c := range map[string]struct {
		conn  *nats.Conn
		close func()
	}{
		"a manager": {second.Conn(), func() { require.NoError(t, second.Close()) }},
		"a node":    {node, node.Close},
	} {
		t.Run(name, func(t *testing.T) {
			sub, err := b.Conn().SubscribeSync("beat.n1")
			require.NoError(t, err)
			require.NoError(t, b.Conn().Flush())
			for range 1000 {
				require.NoError(t, c.conn.Publish("beat.n1", make([]byte, 1000)))
			}
			c.close()
			for range 1000 {
				_, err := sub.NextMsg(soon)
				require.NoError(t, err)
			}
		})
	}
}

// A server that asks for no key is not the one that the key is for.
func TestAServerThatKnowsNobody(t *testing.T) {
	t.Parallel()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	srv.Start()
	defer srv.Shutdown()
	require.True(t, srv.ReadyForConnections(soon))
	_, err = broker.Open(within(t), broker.Config{URL: srv.ClientURL(), Seed: filepath.Join(t.TempDir(), "seed")})
	fails(t, err, domain.CodeForbidden, "broker_refused")
}
