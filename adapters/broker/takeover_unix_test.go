//go:build unix

package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
)

// The test binary is a process of the directory named by this when it is set.
const asBroker = "WHARF_TEST_AS_BROKER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asBroker); dir != "" {
		b, err := broker.Open(context.Background(), broker.Config{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(b.URL())
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		_ = b.Close()
		return
	}
	os.Exit(m.Run())
}

// process starts another process on the directory, and waits for it to be connected.
func process(t *testing.T, dir string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asBroker+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	_, err = cmd.StdinPipe() // it ends when the test does
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n')
		line <- strings.TrimSpace(text)
	}()
	select {
	case url = <-line:
	case <-time.After(soon):
	}
	require.Contains(t, url, "nats://127.0.0.1:")
	return cmd, url
}

func TestSurvivorsTakeOverFromAKilledProcess(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newRegistry()
	holder, url := process(t, dir)
	b := open(t, broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	require.Equal(t, url, b.URL())
	seed, _ := newNode(t, r, "n1")
	_, err := broker.Dial(within(t), broker.DialConfig{URL: url, SeedFile: seed})
	fails(t, err, "forbidden", "broker_refused") // the other process knows no nodes
	third, err := broker.Open(within(t), broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	require.NoError(t, err)
	hears(t, b.Conn(), third.Conn(), "a")

	require.NoError(t, holder.Process.Kill())
	_ = holder.Wait()
	hears(t, b.Conn(), third.Conn(), "a")
	require.Equal(t, url, b.URL())
	node := dial(t, b, seed)
	hears(t, third.Conn(), node, "beat.n1")

	// Whichever serves ends in peace, and one more comes.
	require.NoError(t, third.Close())
	hears(t, b.Conn(), node, "beat.n1")
	fourth := open(t, broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	require.NoError(t, b.Close())
	hears(t, fourth.Conn(), node, "beat.n1")
	require.Equal(t, url, fourth.URL())
}

func TestAKilledProcessIsFollowedByItsNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	holder, url := process(t, dir)
	require.NoError(t, holder.Process.Kill())
	_ = holder.Wait()
	_, again := process(t, dir)
	require.Equal(t, url, again, "nodes know it by this address")
}

func TestOneProcessServesADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const processes = 6
	opened := make(chan *broker.Broker, processes)
	for range processes {
		go func() {
			b, err := broker.Open(within(t), broker.Config{Dir: dir})
			if err != nil {
				t.Errorf("open: %v", err)
			}
			opened <- b
		}()
	}
	servers, urls := map[string]bool{}, map[string]bool{}
	var all []*broker.Broker
	for range processes {
		b := <-opened
		require.NotNil(t, b)
		t.Cleanup(func() { _ = b.Close() })
		all = append(all, b)
		servers[b.Conn().ConnectedServerId()], urls[b.URL()] = true, true
	}
	require.Len(t, servers, 1)
	require.Len(t, urls, 1)

	// One after the other ends; what is left goes on.
	for i, b := range all[:processes-1] {
		require.NoError(t, b.Close())
		require.NoError(t, b.Close(), "twice does no harm")
		hears(t, all[processes-1].Conn(), all[i+1].Conn(), "a")
	}
}

func TestALockThatSomebodyElseHasIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unlock := hold(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	_, err := broker.Open(ctx, broker.Config{Dir: dir})
	fails(t, err, "unavailable", "broker_unavailable")

	opened := make(chan error, 1)
	go func() {
		b, err := broker.Open(within(t), broker.Config{Dir: dir})
		if err == nil {
			err = b.Close()
		}
		opened <- err
	}()
	unlock()
	require.NoError(t, <-opened)
}

func TestADirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		file := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		_, err := broker.Open(within(t), broker.Config{Dir: filepath.Join(file, "dir")})
		fails(t, err, "unavailable", "broker_files")
		return // root can write everywhere else
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	_, err := broker.Open(within(t), broker.Config{Dir: dir})
	fails(t, err, "unavailable", "broker_files")
}

func TestTheConnectionFailsFastWhileNobodyServes(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newRegistry()
	b, err := broker.Open(within(t), broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	require.NoError(t, err)
	seed, _ := newNode(t, r, "n1")
	node := dial(t, b, seed)
	require.NoError(t, b.Close())
	require.Eventually(t, func() bool { return !node.IsConnected() }, soon, 5*time.Millisecond)
	require.ErrorIs(t, node.Publish("beat.n1", nil), nats.ErrReconnectBufExceeded)
	b = open(t, broker.Config{Dir: dir, Nodes: r.find, Permissions: rights})
	hears(t, b.Conn(), node, "beat.n1")
}

// Somebody else on the broker's port is no broker: the one that serves the
// directory comes first.
func TestManagersKnowTheirServer(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for name, c := range map[string]struct {
		files  broker.TLSFiles
		secret bool // it got hold of the managers' key
	}{
		"another directory":                             {},
		"another directory with the managers' key, TLS": {ca.issue(t, t.TempDir(), net.IPv4(127, 0, 0, 1)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, strange := broker.Config{Dir: t.TempDir()}, broker.Config{Dir: t.TempDir(), TLS: c.files}
			if c.secret {
				config.TLS = ca.issue(t, t.TempDir(), net.IPv4(127, 0, 0, 1))
				_, err := broker.LoadSeed(filepath.Join(config.Dir, "manager.nkey"))
				require.NoError(t, err)
				text, err := os.ReadFile(filepath.Join(config.Dir, "manager.nkey"))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(strange.Dir, "manager.nkey"), text, 0o600))
			}
			address := regexp.MustCompile(`^.*//`).ReplaceAllString(open(t, strange).URL(), "")
			require.NoError(t, os.WriteFile(filepath.Join(config.Dir, "address"), []byte(address), 0o600))
			unlock := hold(t, config.Dir)
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			_, err := broker.Open(ctx, config)
			require.Error(t, err)
			unlock()
			require.NotContains(t, open(t, config).URL(), address, "it serves elsewhere")
		})
	}
}

// The last holder's port may be free a moment later than its lock.
func TestAPortThatIsJustBecomingFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	last, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "address"), []byte(last.Addr().String()), 0o600))
	time.AfterFunc(300*time.Millisecond, func() { _ = last.Close() })
	require.Equal(t, "nats://"+last.Addr().String(), open(t, broker.Config{Dir: dir}).URL())
}

// hold takes the lock of a directory.
func hold(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	return func() { require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_UN)) }
}
