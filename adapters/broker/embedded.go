package broker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

const (
	lockEvery    = 250 * time.Millisecond
	recheckEvery = 10 * time.Second
)

// embedded is one process's part in the broker of a directory: it serves, or
// waits to.
type embedded struct {
	dir         string
	host        string
	port        int // 0: any
	tls         TLSFiles
	manager     Seed
	nodes       func(context.Context, string) (domain.AgentID, bool, error)
	permissions func(domain.AgentID) (publish, subscribe []string)
	log         *slog.Logger

	mu   sync.Mutex
	held *os.File // the lock, nil while another process has it
	srv  *server.Server
	gate *gate
}

// take gets the lock and serves, if nobody else does.
func (e *embedded) take(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srv != nil {
		return nil
	}
	held, err := lock(e.dir)
	if err != nil {
		return filesError(e.dir, err)
	}
	if held == nil {
		return nil
	}
	srv, g, err := e.serve(ctx)
	if err != nil {
		_ = held.Close()
		return err
	}
	e.held, e.srv, e.gate = held, srv, g
	return nil
}

func (e *embedded) serving() (*server.Server, *gate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.srv, e.gate
}

func (e *embedded) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srv == nil {
		return
	}
	stop(e.srv, e.gate)
	_ = e.held.Close() // after the port is free
	e.held, e.srv, e.gate = nil, nil, nil
}

// keep serves when the process that does ends, until ctx does.
func (e *embedded) keep(ctx context.Context) {
	locking, checking := time.NewTicker(lockEvery), time.NewTicker(recheckEvery)
	defer locking.Stop()
	defer checking.Stop()
	failing := map[string]bool{} // logged once until it works again
	try := func(what string, err error) {
		if err != nil && !failing[what] && ctx.Err() == nil {
			e.log.WarnContext(ctx, what, "err", err)
		}
		failing[what] = err != nil
	}
	for {
		select {
		case <-locking.C:
			try("the broker cannot be served here", e.take(ctx))
		case <-checking.C:
			try("the nodes' keys cannot be checked", e.recheck(ctx))
		case <-ctx.Done():
			return
		}
	}
}

func (e *embedded) recheck(ctx context.Context) error {
	srv, g := e.serving()
	if srv == nil {
		return nil
	}
	return g.recheck(ctx, srv)
}

// dial connects to whoever serves the directory.
func (e *embedded) dial(ctx context.Context, name string) (*nats.Conn, error) {
	address, err := readAddress(e.dir)
	if err != nil {
		return nil, filesError(e.dir, err)
	}
	if address == "" {
		return nil, dialError(ctx, e.dir, errors.New("nobody has served here yet"))
	}
	opts := append(options(name, e.log, localPause), e.manager.option(), nats.SetCustomDialer(toAddress(e.dir)))
	if e.tls.Cert != "" {
		opts = append(opts, nats.Secure(e.tls.pinned()))
	}
	conn, err := connect(ctx, e.url(), opts)
	if err != nil {
		return nil, dialError(ctx, address, err)
	}
	return conn, nil
}

// url is where the server is, or was last.
func (e *embedded) url() string {
	scheme := "nats://"
	if e.tls.Cert != "" {
		scheme = "tls://"
	}
	address, _ := readAddress(e.dir)
	return scheme + reachable(address)
}

// reachable is the address to dial for one to listen on.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort(map[bool]string{true: "127.0.0.1", false: "::1"}[ip.To4() != nil], port)
	}
	return address
}

// toAddress dials what the directory says at that moment, whatever it is asked
// for: the server may have moved.
type toAddress string

func (dir toAddress) Dial(network, _ string) (net.Conn, error) {
	address, err := readAddress(string(dir))
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: dialTimeout}).Dial(network, reachable(address))
}

// prepare makes the directory and the managers' key.
func (e *embedded) prepare() (err error) {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return filesError(e.dir, err)
	}
	e.manager, err = LoadSeed(filepath.Join(e.dir, managerName))
	return err
}
