package broker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// Free ports are taken from below those that Linux gives to connections:
	// such a port could be taken by one while nobody serves.
	lowestPort, highestPort = 20_000, 32_000

	portPatience = 2 * time.Second // for a port whose last holder is just ending
	startTimeout = 10 * time.Second
	jetMemory    = 256 << 20
)

// serve starts the server. The caller has the lock.
func (e *embedded) serve(ctx context.Context) (*server.Server, *gate, error) {
	kept, err := readAddress(e.dir)
	if err != nil {
		return nil, nil, filesError(e.dir, err)
	}
	if e.port != 0 {
		return e.serveOn(ctx, e.port, portPatience)
	}
	if host, text, err := net.SplitHostPort(kept); err == nil && host == e.host {
		if port, err := strconv.Atoi(text); err == nil && port > 0 && port < 1<<16 {
			srv, g, err := e.serveOn(ctx, port, portPatience)
			if !errors.Is(err, syscall.EADDRINUSE) {
				return srv, g, err
			}
			e.log.WarnContext(ctx, "the broker's last port is taken; it moves", "address", kept)
		}
	}
	for range 50 {
		port := lowestPort + rand.N(highestPort-lowestPort)
		srv, g, err := e.serveOn(ctx, port, 0)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return srv, g, err
		}
	}
	return nil, nil, listenError(e.host, errors.New("no free port was found"))
}

// serveOn starts the server on one port, waiting a while for it to be free, and
// tells the other processes where it is.
func (e *embedded) serveOn(ctx context.Context, port int, patience time.Duration) (*server.Server, *gate, error) {
	address := net.JoinHostPort(e.host, strconv.Itoa(port))
	until := time.Now().Add(patience)
	for {
		// The server only logs why it cannot listen.
		probe, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err == nil {
			_ = probe.Close()
			break
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(until) {
			return nil, nil, listenError(address, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, listenError(address, ctx.Err())
		}
	}
	if err := os.RemoveAll(filepath.Join(e.dir, storeName)); err != nil {
		return nil, nil, filesError(e.dir, err)
	}
	g := newGate(e)
	srv, err := e.start(port, g)
	if err == nil {
		if err = writeAddress(e.dir, address); err == nil {
			e.log.InfoContext(ctx, "this process serves the broker", "address", address)
			return srv, g, nil
		}
		err = filesError(e.dir, err)
	}
	stop(srv, g)
	return nil, nil, err
}

func (e *embedded) start(port int, g *gate) (*server.Server, error) {
	opts := &server.Options{
		Host: e.host, Port: port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(e.dir, storeName), JetStreamMaxMemory: jetMemory, JetStreamMaxStore: 1,
		DisableJetStreamBanner: true,
		MaxPayload:             1 << 20, MaxConn: 10_000, MaxSubs: 1 << 15,
		WriteDeadline: 10 * time.Second, PingInterval: 20 * time.Second, MaxPingsOut: 2,
		DisableShortFirstPing: true, // a client that still waits to be let in takes it for a refusal
		AlwaysEnableNonce:     true, CustomClientAuthentication: g,
		Cluster: server.ClusterOpts{NoAdvertise: true},
	}
	if e.tls.Cert != "" {
		config, err := e.tls.server()
		if err != nil {
			return nil, err
		}
		opts.TLSConfig, opts.TLS, opts.TLSTimeout = config, true, 5
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, listenError(e.host, err)
	}
	log := serverLog{e.log, make(chan string, 1)}
	srv.SetLoggerV2(log, false, false, false)
	go srv.Start()
	ready := make(chan bool, 1)
	go func() { ready <- srv.ReadyForConnections(startTimeout) }()
	select {
	case ok := <-ready:
		if ok {
			return srv, nil
		}
		return srv, listenError(e.host, errors.New("the server did not start in time"))
	case why := <-log.fatal:
		return srv, listenError(e.host, errors.New(why))
	}
}

// stop ends a server, or what there is of one, and waits for it.
func stop(srv *server.Server, g *gate) {
	if g != nil {
		g.close()
	}
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}
