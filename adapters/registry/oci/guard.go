package oci

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"github.com/wharf-project/wharf/domain"
)

// guard keeps a registry from leading this process to places that only this
// process can reach: realms and redirects name any address they like.
type guard struct {
	own     *url.URL
	ownIP   netip.Addr // when the row names an address
	private bool       // the row permits private networks
	proxies sync.Map   // host:port of proxies in use
}

func newGuard(own *url.URL, private bool) *guard {
	ip, _ := netip.ParseAddr(own.Hostname())
	return &guard{own: own, ownIP: ip.Unmap(), private: private}
}

const maxRedirects = 5

// checkRedirect is the http.Client's policy: few redirects, none for a DELETE
// (it would turn into a GET, and its success into a lie), none to a forbidden
// address or away from TLS, and no credentials to another origin.
func (g *guard) checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method == http.MethodDelete {
		return domain.Errorf(domain.CodeUnavailable, reasonFailed, g.own.Host, "the registry redirects a deletion; its URL may be wrong")
	}
	if len(via) > maxRedirects {
		return domain.Errorf(domain.CodeUnavailable, reasonMalformed, g.own.Host, "the registry redirects without end")
	}
	if next.URL.Scheme != "https" && (next.URL.Scheme != "http" || first.URL.Scheme != "http" && !g.private) {
		return domain.Errorf(domain.CodePrecondition, reasonAddress, next.URL.Host, "the registry redirects from https to %s", domain.Quote(next.URL.Scheme))
	}
	if err := g.check(next.URL); err != nil {
		return err
	}
	if !sameOrigin(next.URL, first.URL) {
		next.Header.Del("Authorization")
	}
	return nil
}

// check refuses a URL that names a forbidden address. Names are checked again
// when they are dialed.
func (g *guard) check(u *url.URL) error {
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil && !g.isOwn(host) && g.forbids(ip) {
		return g.refuse(host)
	}
	return nil
}

func (g *guard) isOwn(host string) bool { return strings.EqualFold(host, g.own.Hostname()) }

func (g *guard) refuse(host string) error {
	return domain.Errorf(domain.CodePrecondition, reasonAddress, host,
		"the registry points to %s, which is a loopback, link-local or metadata address; the registry's private_network permits that", domain.Quote(host))
}

// forbids reports whether ip is one that a registry may not lead to.
func (g *guard) forbids(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if g.private || ip == g.ownIP {
		return false
	}
	if translated := netip.MustParsePrefix("64:ff9b::/96"); translated.Contains(ip) { // NAT64
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	if ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return true
	}
	switch ip.String() {
	case "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16": // metadata services that are not link-local
		return true
	}
	return false
}

// hostPort is the host of u with its port, which may follow from the scheme.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "https":
			port = "443"
		case "socks5", "socks5h":
			port = "1080"
		default:
			port = "80"
		}
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
