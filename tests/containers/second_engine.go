package containers

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Engine is a container engine that one test has for itself: a process on this machine beside the one of [Docker], to
// stop it, to kill it and to start it again. It holds no image at first and reaches registries on this machine's
// loopback. It is removed when the test ends.
type Engine struct {
	// Address is its unix socket as an agent's address: unix:///path.
	Address string
	// TLS is where it listens for TLS, host:port; "" unless [EngineTLS] was given.
	TLS string

	own   *ownProcess
	start func(tb testing.TB)
}

// EngineTLS are PEM files that make an engine listen on the loopback and ask for certificates of clients.
type EngineTLS struct {
	CA, Cert, Key string
}

// SecondEngine starts a Docker Engine; it needs root and dockerd. Engines do not share anything, also not with the
// machine's. A nil tls leaves the unix socket alone.
func SecondEngine(tb testing.TB, tls *EngineTLS) *Engine {
	tb.Helper()
	requireRoot(tb)
	dockerd, ip := program(tb, "dockerd", "docker.io"), program(tb, "ip", "iproute2")
	own := newOwnProcess(tb, "engine")
	e := &Engine{Address: "unix://" + own.at("s"), own: own}
	bridge := bridgeOf(own.dir)
	addBridge(tb, ip, bridge)
	args := []string{
		"--config-file", own.write(tb, "daemon.json", "{}"), // not the machine's
		"--data-root", own.at("data"), "--exec-root", own.at("exec"), "--pidfile", own.at("pid"), "--host", e.Address,
		// A bridge of its own: with none, or with the usual one, it would take away the machine's.
		"--bridge", bridge, "--iptables=false", "--ip-masq=false", "--ip-forward=false", "--userland-proxy=false",
		// It may share a containerd with the machine's engine.
		"--containerd-namespace", bridge, "--containerd-plugins-namespace", bridge + "-plugins",
		"--storage-driver=vfs", // works on every file system
	}
	if tls != nil {
		e.TLS = freeLoopback(tb)
		args = append(args, "--host", "tcp://"+e.TLS, "--tlsverify", "--tlscacert", tls.CA, "--tlscert", tls.Cert, "--tlskey", tls.Key)
	}
	e.start = func(tb testing.TB) {
		tb.Helper()
		for _, stale := range []string{"pid", "exec/containerd/containerd.pid"} { // its number may be another process's by now
			if err := os.Remove(own.at(stale)); err != nil && !errors.Is(err, os.ErrNotExist) {
				tb.Fatal(err)
			}
		}
		own.run(tb, pings(own.at("s")), nil, dockerd, args...)
	}
	e.start(tb)
	return e
}

// Stop suspends the engine: it accepts connections and never answers.
func (e *Engine) Stop(tb testing.TB) {
	tb.Helper()
	if err := suspend(e.own.cmd.Process); err != nil {
		tb.Fatal(err)
	}
}

// Continue lets an engine go on that was stopped.
func (e *Engine) Continue(tb testing.TB) {
	tb.Helper()
	if err := resume(e.own.cmd.Process); err != nil {
		tb.Fatal(err)
	}
}

// Kill ends the engine at once, as SIGKILL does, also one that was stopped.
func (e *Engine) Kill(tb testing.TB) {
	tb.Helper()
	e.own.kill(tb)
}

// Start starts a killed engine again, with what it held and at the same addresses, and returns when it answers.
func (e *Engine) Start(tb testing.TB) {
	tb.Helper()
	e.start(tb)
}

// pings returns a check that an engine answers on a socket.
func pings(socket string) func(context.Context) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	cli := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/_ping", http.NoBody)
		if err != nil {
			return err
		}
		res, err := cli.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
}

// bridgeOf names the bridge of the engine in a folder. The kernel allows 15 characters.
func bridgeOf(dir string) string {
	name := filepath.Base(dir)
	return "wharf" + name[max(0, len(name)-10):]
}

// addBridge makes a bridge with a network out of those that are for tests of networks (RFC 2544). No container of
// these engines ever uses it.
func addBridge(tb testing.TB, ip, name string) {
	tb.Helper()
	network := make([]byte, 2)
	_, _ = rand.Read(network)
	n := binary.BigEndian.Uint16(network) &^ 3 // four addresses
	address := fmt.Sprintf("198.18.%d.%d/30", n>>8, n&0xff+1)
	for _, args := range [][]string{
		{"link", "add", name, "type", "bridge"}, {"address", "add", address, "dev", name}, {"link", "set", name, "up"},
	} {
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil { //nolint:gosec // names of ours
			giveUp(tb, fmt.Errorf("%w: a bridge for an engine: %w: %s", errUnavailable, err, out))
		}
	}
}

// removeBridge removes a bridge if it is there.
func removeBridge(name string) error {
	if _, err := net.InterfaceByName(name); err != nil {
		return nil // there is none
	}
	ip, err := lookProgram("ip")
	if err != nil {
		return err
	}
	if out, err := exec.Command(ip, "link", "delete", name).CombinedOutput(); err != nil { //nolint:gosec // a name of ours
		return fmt.Errorf("ip link delete: %w: %s", err, out)
	}
	return nil
}

// freeLoopback returns an address on the loopback where nobody listens.
func freeLoopback(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
