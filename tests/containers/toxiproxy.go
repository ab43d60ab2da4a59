package containers

import (
	"net"
	"net/http"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

const (
	toxiproxyPort    = "8474/tcp" // of its API
	toxiproxyLink    = "20000/tcp"
	toxiproxyProgram = "/toxiproxy"
)

// Link is a network connection that a test can spoil: clients that use Address reach the upstream through it.
type Link struct {
	*toxiproxy.Proxy
	Address string // host:port
}

// Through starts a proxy in front of a server. The server must not be started again while it is used.
func Through(tb testing.TB, upstream *Server) *Link {
	tb.Helper()
	s := startServer(tb, toxiproxyImage, toxiproxyLink, func(*Server) []testcontainers.ContainerCustomizer {
		return []testcontainers.ContainerCustomizer{
			testcontainers.WithEntrypoint(toxiproxyProgram),
			testcontainers.WithCmd("-host=0.0.0.0"),
			testcontainers.WithExposedPorts(toxiproxyPort),
			testcontainers.WithWaitStrategy(wait.ForHTTP("/version").WithPort(toxiproxyPort).
				WithStatusCodeMatcher(func(code int) bool { return code == http.StatusOK }).
				WithForcedIPv4LocalHost().WithPollInterval(20 * time.Millisecond).WithStartupTimeout(startTimeout)),
		}
	})
	api, err := s.c.PortEndpoint(tb.Context(), toxiproxyPort, "")
	if err != nil {
		tb.Fatalf("containers: address of toxiproxy: %v", err)
	}
	host, port, err := net.SplitHostPort(api)
	if err != nil {
		tb.Fatalf("containers: address of toxiproxy: %v", err)
	}
	proxy, err := toxiproxy.NewClient(net.JoinHostPort(loopback(host), port)).
		CreateProxy("link", "0.0.0.0:20000", upstream.Inside(tb))
	if err != nil {
		tb.Fatalf("containers: a proxy to %s: %v", upstream.Address, err)
	}
	return &Link{Proxy: proxy, Address: s.Address}
}

// Swallow lets nothing through, in either direction, without a word to either side: what a firewall does that forgets
// a connection. Connections made before and after are the same to it.
func (l *Link) Swallow(tb testing.TB) {
	tb.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		if _, err := l.AddToxic("swallow_"+stream, "timeout", stream, 1, toxiproxy.Attributes{"timeout": 0}); err != nil {
			tb.Fatalf("containers: swallowing: %v", err)
		}
	}
}

// Cut closes all connections, and refuses new ones.
func (l *Link) Cut(tb testing.TB) {
	tb.Helper()
	if err := l.Disable(); err != nil {
		tb.Fatalf("containers: cutting a link: %v", err)
	}
}

// Mend makes a link whole again. Connections that were swallowed until now are closed.
func (l *Link) Mend(tb testing.TB) {
	tb.Helper()
	toxics, err := l.Toxics()
	for _, t := range toxics {
		if err == nil {
			err = l.RemoveToxic(t.Name)
		}
	}
	if err == nil {
		err = l.Enable()
	}
	if err != nil {
		tb.Fatalf("containers: mending a link: %v", err)
	}
}

func toxiproxyConfig() v1.Config {
	return v1.Config{ExposedPorts: map[string]struct{}{toxiproxyPort: {}}}
}
