package oci

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// newTransport makes the connections of one row. Scans talk to one host from
// many workers, which the two idle connections per host of the default
// transport would turn into one handshake per request.
func newTransport(g *guard, skipVerify bool) *http.Transport {
	return &http.Transport{
		Proxy:                 g.proxy,
		DialContext:           g.dial,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: skipVerify}, //nolint:gosec // the operator's choice, per row
	}
}

// proxy follows the environment (HTTPS_PROXY, NO_PROXY) and remembers the proxy:
// it may be local, as nothing that a registry names may be.
func (g *guard) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err == nil && u != nil {
		g.proxies.Store(hostPort(u), true)
	}
	return u, err
}

// dial connects, and looks at the address after it was resolved: a public name
// can point to a private address.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, isProxy := g.proxies.Load(address); !isProxy && !g.isOwn(host) {
		d.Control = func(_, resolved string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(resolved)
			if err != nil || g.forbids(at.Addr()) {
				return g.refuse(host)
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}
