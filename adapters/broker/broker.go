package broker

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// Broker is a process's part in what managers and nodes share. It is safe for
// concurrent use.
type Broker struct {
	conn *nats.Conn
	own  *embedded // nil for a cluster of its own
	url  string    // of a cluster

	stop  context.CancelFunc
	kept  sync.WaitGroup
	close sync.Once
}

// Open connects as a manager: to the cluster of the URL, or to whoever serves
// the directory, which may be this process. It tries until ctx is done; ctx
// does not bound the broker's life. Errors: invalid broker_config, unavailable
// broker_files and broker_listen, and those of [Dial].
func Open(ctx context.Context, c Config) (*Broker, error) {
	if c.URL != "" {
		conn, err := Dial(ctx, DialConfig{URL: c.URL, SeedFile: c.Seed, TLS: c.TLS, AllowPlaintext: c.AllowPlaintext, Name: c.Name, Logger: c.Logger})
		if err != nil {
			return nil, err
		}
		return &Broker{conn: conn, url: c.URL, stop: func() {}}, nil
	}
	host, port, err := c.listen()
	if err != nil {
		return nil, err
	}
	own := &embedded{
		dir: c.Dir, host: host, port: port, tls: c.TLS, nodes: c.Nodes, permissions: c.Permissions, log: logger(c.Logger),
	}
	if err := own.prepare(); err != nil {
		return nil, err
	}
	conn, err := own.join(ctx, c.Name)
	if err != nil {
		own.close()
		return nil, err
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &Broker{conn: conn, own: own, stop: stop}
	b.kept.Go(func() { own.keep(keeping) })
	return b, nil
}

// join serves, or connects to who does; while neither works, it goes on.
func (e *embedded) join(ctx context.Context, name string) (*nats.Conn, error) {
	for {
		if err := e.take(ctx); err != nil {
			return nil, err
		}
		conn, err := e.dial(ctx, name)
		if err == nil {
			return conn, nil
		}
		if srv, _ := e.serving(); srv != nil || domain.CodeOf(err) == domain.CodeCanceled {
			return nil, err
		}
		select {
		case <-time.After(lockEvery):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// Conn returns the manager's connection. It comes back by itself when the
// broker does; Close closes it.
func (b *Broker) Conn() *nats.Conn { return b.conn }

// URL returns where the broker is: for processes of this machine, if it listens
// on every address.
func (b *Broker) URL() string {
	if b.own == nil {
		return b.url
	}
	return b.own.url()
}

// Recheck asks at once for every connected node whether its key is still known,
// as happens every ten seconds anyway, and disconnects those that are not. It
// does nothing where another process or a cluster serves. The error is that of
// Config.Nodes; who was not asked about stays connected.
func (b *Broker) Recheck(ctx context.Context) error {
	if b.own == nil {
		return nil
	}
	return b.own.recheck(ctx)
}

// Close sends what is under way, closes the connection and, if this process
// serves, hands the broker to another process of the directory. Calling it again
// does nothing. The error is nil.
func (b *Broker) Close() error {
	b.close.Do(func() {
		if b.conn.IsConnected() {
			_ = b.conn.FlushTimeout(time.Second)
		}
		b.conn.Close()
		b.stop()
		b.kept.Wait()
		if b.own != nil {
			b.own.close()
		}
	})
	return nil
}
