//go:build unix

package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	_, err = broker.Open(ctx, broker.Config{Dir: dir})
	fails(t, err, "unavailable", "broker_unavailable")

	opened := make(chan error, 1)
	go func() {
		b, err := broker.Open(within(t), broker.Config{Dir: dir})
		if err == nil {
			err = b.Close()
		}
		opened <- err
	}()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_UN))
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
