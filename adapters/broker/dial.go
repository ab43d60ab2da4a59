package broker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// DialConfig says how to connect to a broker that somebody else serves.
type DialConfig struct {
	URL      string // "tls://host:4222", also several, separated by commas
	SeedFile string // see [LoadSeed]
	TLS      TLSFiles
	// AllowPlaintext lets what is said, credentials of registries included,
	// cross a network for all to read. Otherwise only a loopback address goes
	// without TLS.
	AllowPlaintext bool
	Name           string       // of the connection, for operators
	Logger         *slog.Logger // nil: nothing is logged
}

const (
	dialTimeout = 10 * time.Second // longer than the broker may take to ask who a node is
	nodePause   = 5 * time.Second  // at most, between two attempts
	localPause  = 400 * time.Millisecond
)

// Dial connects, and tries until ctx is done while nothing answers there. The
// connection comes back by itself for ever; what is published while it is gone
// fails at once instead of piling up. Close sends what is under way. Errors:
// forbidden broker_refused when the key is not known (yet), precondition
// broker_tls, unavailable broker_unavailable, invalid, and those of LoadSeed.
func Dial(ctx context.Context, c DialConfig) (*nats.Conn, error) {
	secure, err := c.secure()
	if err != nil {
		return nil, err
	}
	seed, err := LoadSeed(c.SeedFile)
	if err != nil {
		return nil, err
	}
	log := logger(c.Logger)
	opts := append(options(c.Name, log, nodePause), seed.option())
	if secure {
		config, err := c.TLS.client()
		if err != nil {
			return nil, err
		}
		opts = append(opts, nats.Secure(config))
	}
	for attempt := 0; ; attempt++ {
		conn, err := connect(ctx, c.URL, opts)
		if err == nil {
			return conn, nil
		}
		failed := dialError(ctx, c.URL, err)
		if domain.CodeOf(failed) != domain.CodeUnavailable {
			return nil, failed
		}
		if attempt == 0 {
			log.WarnContext(ctx, "the broker cannot be reached yet", "url", c.URL, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, failed
		case <-time.After(pause(attempt, nodePause)):
		}
	}
}

// secure reports whether there has to be TLS.
func (c DialConfig) secure() (bool, error) {
	if err := c.TLS.check(); err != nil {
		return false, err
	}
	need := c.TLS != TLSFiles{}
	for one := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return false, domain.Invalid(reasonConfig, "url", "the broker's URL is like tls://host:4222")
		}
		if u.User != nil {
			return false, domain.Invalid(reasonConfig, "url", "the broker's URL carries no user; keys are in a file")
		}
		need = need || u.Scheme == "tls" || !c.AllowPlaintext && !loopback(u.Hostname())
	}
	return need, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// options are those of every connection: it never gives up, and never hides
// that it is gone.
func options(name string, log *slog.Logger, longest time.Duration) []nats.Option {
	return []nats.Option{
		nats.Name(name), nats.Timeout(dialTimeout), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), nats.IgnoreDiscoveredServers(),
		nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2),
		nats.CustomReconnectDelay(func(attempts int) time.Duration { return pause(attempts, longest) }),
		nats.DisconnectErrHandler(func(c *nats.Conn, err error) {
			if !c.IsClosed() {
				log.Warn("the connection to the broker is lost", "name", name, "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("the connection to the broker is back", "name", name) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("the broker complains", "name", name, "err", err)
		}),
	}
}

// pause grows to the longest, and differs between those who wait.
func pause(attempt int, longest time.Duration) time.Duration {
	d := min(50*time.Millisecond<<min(attempt, 10), longest)
	return d/2 + rand.N(d/2)
}

// connect tries once, for as long as ctx.
func connect(ctx context.Context, url string, opts []nats.Option) (*nats.Conn, error) {
	type result struct {
		conn *nats.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		conn, err := nats.Connect(url, opts...)
		done <- result{conn, err}
	}()
	select {
	case r := <-done:
		return r.conn, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
