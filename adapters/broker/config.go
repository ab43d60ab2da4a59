package broker

import (
	"context"
	"log/slog"
	"net"
	"strconv"

	"github.com/wharf-project/wharf/domain"
)

// Config of a broker. With a URL it is a connection to a cluster of its own;
// without, Dir is needed.
type Config struct {
	URL  string // of a cluster
	Seed string // the seed file for it; see [LoadSeed]

	// Dir is the directory of an embedded broker, on a local disk; it is made.
	Dir string
	// Listen is where it serves, as host:port; "" is 127.0.0.1 and a free port.
	// A free port is kept for the next time.
	Listen string
	// Nodes tells which agent a node is by its public key, false when none.
	// When it fails, a node that connects is refused and one that is connected
	// stays. It is called by many nodes at once, a bounded number of them. nil:
	// there are no nodes.
	Nodes func(ctx context.Context, publicKey string) (domain.AgentID, bool, error)
	// Permissions are the subjects of a node; nothing else is let through. nil: none.
	Permissions func(domain.AgentID) (publish, subscribe []string)

	TLS TLSFiles
	// AllowPlaintext is that of [DialConfig], for both ends.
	AllowPlaintext bool
	Name           string       // of this process's connection, for operators
	Logger         *slog.Logger // nil: nothing is logged
}

// listen returns where to serve; port 0 is any free one.
func (c Config) listen() (host string, port int, err error) {
	if err := c.TLS.check(); err != nil {
		return "", 0, err
	}
	if c.Dir == "" {
		return "", 0, domain.Invalid(reasonConfig, "dir", "an embedded broker needs a directory")
	}
	if c.Listen == "" {
		return "127.0.0.1", 0, nil
	}
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil || host == "" {
		return "", 0, domain.Invalid(reasonConfig, "listen", "the address to listen on is host:port, not %s", domain.Quote(c.Listen))
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, domain.Invalid(reasonConfig, "listen", "the port to listen on is a number, not %s", domain.Quote(text))
	}
	if c.TLS.Cert == "" && !c.AllowPlaintext && !loopback(host) {
		return "", 0, domain.Invalid(reasonConfig, "listen", "%s can be reached over the network; give the broker a certificate, or have it listen on 127.0.0.1", domain.Quote(host))
	}
	return host, int(number), nil
}
