package broker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/domain"
)

func TestANodeSpeaksForItselfOnly(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	seed, _ := newNode(t, r, "n1")
	conn := dial(t, b, seed)
	complaints := make(chan error, 100)
	conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { complaints <- err })
	hears(t, b.Conn(), conn, "beat.n1")
	hears(t, b.Conn(), conn, "reply.n1.x.1")
	hears(t, conn, b.Conn(), "ask.n1")

	everything, err := b.Conn().SubscribeSync(">")
	require.NoError(t, err)
	require.NoError(t, b.Conn().Flush())
	for _, subject := range []string{"beat.n2", "reply.n2.x.1", "ask.n1", "ask.n2", "wharf.task.bulk.a.0", "$JS.API.INFO", "_INBOX.x", "$SYS.REQ.SERVER.PING"} {
		require.NoError(t, conn.PublishRequest(subject, "reply.n1.y", []byte("false")))
		require.NoError(t, conn.Flush())
		complains(t, complaints, "publish", subject)
	}
	for _, subject := range []string{"beat.n1", "beat.*", "ask.n2", "ask.*", "ask.>", ">", "_INBOX.>", "reply.>", "$SYS.>", "wharf.task.>"} {
		sub, err := conn.SubscribeSync(subject)
		require.NoError(t, err)
		require.NoError(t, conn.Flush())
		complains(t, complaints, "subscription", subject)
		require.NoError(t, b.Conn().Publish(strings.NewReplacer("*", "n2", ">", "n2").Replace(subject), []byte("secret")))
		require.NoError(t, b.Conn().Flush())
		require.NoError(t, conn.Flush())
		pending, _, err := sub.Pending()
		require.NoError(t, err)
		require.Zero(t, pending, "%s: it hears what is not for it", subject)
	}
	for {
		msg, err := everything.NextMsg(10 * time.Millisecond)
		if err != nil {
			break
		}
		require.NotEqual(t, "false", string(msg.Data), "%s: it said what it may not", msg.Subject)
	}
}

func complains(t *testing.T, complaints <-chan error, words ...string) {
	t.Helper()
	select {
	case err := <-complaints:
		require.ErrorIs(t, err, nats.ErrPermissionViolation)
		for _, w := range words {
			require.Contains(t, strings.ToLower(err.Error()), strings.ToLower(w))
		}
	case <-time.After(soon):
		require.Fail(t, "it was not refused", "%v", words)
	}
}

func TestANodeWithoutRightsHasNone(t *testing.T) {
	t.Parallel()
	for name, permissions := range map[string]func(domain.AgentID) ([]string, []string){
		"no function":   nil,
		"empty lists":   func(domain.AgentID) ([]string, []string) { return []string{}, nil },
		"senseless":     func(domain.AgentID) ([]string, []string) { return []string{""}, []string{""} },
		"no such thing": func(domain.AgentID) ([]string, []string) { return []string{"a..b"}, []string{"a..b"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry()
			b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: permissions})
			seed, _ := newNode(t, r, "n1")
			conn := dial(t, b, seed)
			complaints := make(chan error, 10)
			conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { complaints <- err })
			require.NoError(t, conn.Publish("a", nil))
			complains(t, complaints, "publish")
			_, err := conn.SubscribeSync("a")
			require.NoError(t, err)
			complains(t, complaints, "subscription")
		})
	}
}

func TestWhoIsNotKnownIsRefused(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	unknown, _ := newNode(t, r, "")
	_, err := broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: unknown})
	fails(t, err, domain.CodeForbidden, "broker_refused")

	known, key := newNode(t, r, "n1")
	r.fail(errors.New("the database is down"))
	_, err = broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: known})
	fails(t, err, domain.CodeForbidden, "broker_refused")
	r.fail(nil)
	dial(t, b, known)

	pair, err := nkeys.CreateUser()
	require.NoError(t, err)
	account, err := nkeys.CreateAccount()
	require.NoError(t, err)
	accountKey, err := account.PublicKey()
	require.NoError(t, err)
	r.set(accountKey, "n2")
	for name, opts := range map[string][]nats.Option{
		"nothing":                          nil,
		"a password":                       {nats.UserInfo("admin", "admin")},
		"a token":                          {nats.Token(key)},
		"a node's key without a signature": {nats.Nkey(key, func([]byte) ([]byte, error) { return nil, nil })},
		"a node's key signed by another":   {nats.Nkey(key, pair.Sign)},
		"a signature of something else": {nats.Nkey(key, func([]byte) ([]byte, error) {
			return pair.Sign([]byte("something else"))
		})},
		"the managers' key signed by another": {nats.Nkey(b.Conn().Opts.Nkey, pair.Sign)},
		"a key that is not a user's":          {nats.Nkey(accountKey, account.Sign)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := nats.Connect(b.URL(), opts...)
			require.ErrorIs(t, err, nats.ErrAuthorization)
		})
	}
}

// A client that does not wait for its answer, and one that says who it is twice.
func TestRawClients(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	heard, err := b.Conn().SubscribeSync("beat.n1")
	require.NoError(t, err)
	require.NoError(t, b.Conn().Flush())
	for name, lines := range map[string]string{
		"publishes before it says who it is": "PUB beat.n1 1\r\nx\r\n",
		"says nothing and publishes":         "CONNECT {}\r\nPUB beat.n1 1\r\nx\r\nPING\r\n",
		"says that it needs no password":     `CONNECT {"verbose":false,"account":"$G","new_account":true}` + "\r\nPUB beat.n1 1\r\nx\r\nPING\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := (&net.Dialer{}).DialContext(within(t), "tcp", strings.TrimPrefix(b.URL(), "nats://"))
			require.NoError(t, err)
			defer func() { _ = raw.Close() }()
			_, err = fmt.Fprint(raw, lines)
			require.NoError(t, err)
			require.NoError(t, raw.SetReadDeadline(time.Now().Add(soon)))
			var said strings.Builder
			for in := bufio.NewScanner(raw); in.Scan(); {
				said.WriteString(in.Text())
			}
			require.Contains(t, said.String(), "-ERR")
			require.NotContains(t, said.String(), "PONG")
		})
	}
	_, err = heard.NextMsg(50 * time.Millisecond)
	require.ErrorIs(t, err, nats.ErrTimeout)
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	stays, _ := newNode(t, r, "stays")
	goes, goesKey := newNode(t, r, "goes")
	moves, movesKey := newNode(t, r, "moves")
	connections := map[string]*nats.Conn{"stays": dial(t, b, stays), "goes": dial(t, b, goes), "moves": dial(t, b, moves)}
	gone := map[string]chan struct{}{}
	for name, conn := range connections {
		gone[name] = make(chan struct{}, 10)
		conn.SetDisconnectErrHandler(func(*nats.Conn, error) { gone[name] <- struct{}{} })
	}
	require.NoError(t, b.Recheck(within(t)))

	r.fail(errors.New("the database is down"))
	r.set(goesKey, "")
	require.Error(t, b.Recheck(within(t)), "nobody is disconnected because nobody can be asked")
	r.fail(nil)
	for name, conn := range connections {
		require.NoError(t, conn.Flush())
		require.Empty(t, gone[name])
	}

	r.set(movesKey, "elsewhere")
	require.NoError(t, b.Recheck(within(t)))
	for _, name := range []string{"goes", "moves"} {
		select {
		case <-gone[name]:
		case <-time.After(soon):
			require.Fail(t, "still connected", name)
		}
	}
	hears(t, b.Conn(), connections["moves"], "beat.elsewhere")
	hears(t, b.Conn(), connections["stays"], "beat.stays")
	require.Empty(t, gone["stays"])
	require.False(t, connections["goes"].IsConnected())

	r.set(goesKey, "goes") // it has not given up
	hears(t, b.Conn(), connections["goes"], "beat.goes")
}

func TestANodeIsAskedForNoLongerThanSeconds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	b := open(t, broker.Config{Dir: t.TempDir(), Permissions: rights, Nodes: func(ctx context.Context, _ string) (domain.AgentID, bool, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return "n1", true, ctx.Err()
	}})
	seed, _ := newNode(t, newRegistry(), "")
	_, err := broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: seed})
	fails(t, err, domain.CodeForbidden, "broker_refused")
	require.Len(t, asked, 1)
}

func TestARevokedNodeIsDisconnectedWithoutBeingTold(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	seed, key := newNode(t, r, "n1")
	conn := dial(t, b, seed)
	gone := make(chan struct{}, 10)
	conn.SetDisconnectErrHandler(func(*nats.Conn, error) { gone <- struct{}{} })
	r.set(key, "")
	select {
	case <-gone:
	case <-time.After(soon):
		require.Fail(t, "still connected")
	}
}

func TestANodeHasAFewConnections(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	seed, _ := newNode(t, r, "n1")
	var all []*nats.Conn
	for range 16 {
		all = append(all, dial(t, b, seed))
	}
	_, err := broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: seed})
	fails(t, err, domain.CodeForbidden, "broker_refused")
	other, _ := newNode(t, r, "n2")
	hears(t, b.Conn(), dial(t, b, other), "beat.n2")
	hears(t, b.Conn(), all[0], "beat.n1")
	for _, conn := range all[1:] {
		conn.Close()
	}
	require.Eventually(t, func() bool {
		require.NoError(t, b.Recheck(within(t))) // it notices who has left
		conn, err := broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: seed})
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, soon, 20*time.Millisecond)
}
