package ocilayout

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// guard is the transport under the registry protocol. It keeps credentials and
// requests where the registry's row says that they may go, and turns 429 into
// its error, wherever in the handshake it comes from.
type guard struct {
	next   http.RoundTripper
	scheme string // of the registry's own host
	host   string // with the port if it has one
	realms []string
	inside bool // private addresses are fine
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	own := r.URL.Host == g.host
	if own && r.URL.Scheme != g.scheme {
		// The library tries the other scheme on hosts that look local; credentials
		// for https must not go out in the clear.
		return nil, fmt.Errorf("only %s is registered for %s", g.scheme, g.host)
	}
	if !own && strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") && !g.trusts(r.URL) {
		return nil, domain.Errorf(domain.CodePrecondition, reasonRealm, r.URL.Host,
			"the registry wants its credentials sent to %s, which is not on its site; list it in token_realms to trust it", domain.Quote(r.URL.Host))
	}
	resp, err := g.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests {
		return resp, err
	}
	_ = resp.Body.Close()
	e := domain.Errorf(domain.CodeRateLimited, reasonLimited, g.host, "the registry %s asks to wait", g.host)
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	return nil, e
}

// trusts tells whether credentials may go to u: to the registry's own site, and
// to what the row names.
func (g *guard) trusts(u *url.URL) bool {
	if g.scheme == "https" && u.Scheme != "https" {
		return false
	}
	return sameSite(hostname(g.host), u.Hostname()) || slices.ContainsFunc(g.realms, func(realm string) bool {
		return strings.EqualFold(realm, u.Host) || strings.EqualFold(realm, u.Hostname())
	})
}

// sameSite tells whether other is host, its parent domain, or below that: the
// token server of registry-1.docker.io is auth.docker.io. Where the parent is one
// label or looks like a public suffix (co.uk), a host is its own site.
func sameSite(host, other string) bool {
	host, other = strings.ToLower(host), strings.ToLower(other)
	if host == other {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return false
	}
	site := host
	_, parent, _ := strings.Cut(host, ".")
	if second, top, dotted := strings.Cut(parent, "."); dotted && (len(second) > 3 || len(top) > 2) {
		site = parent
	}
	return other == site || strings.HasSuffix(other, "."+site)
}

// redirect decides where a registry may send a download: anywhere but from https
// to http, and to this machine and its surroundings.
func (g *guard) redirect(r *http.Request, via []*http.Request) error {
	host := r.URL.Hostname()
	switch {
	case len(via) >= 10:
		return malformed(g.host, "the registry %s redirects without end", g.host)
	case via[0].URL.Scheme == "https" && r.URL.Scheme != "https":
		return domain.Errorf(domain.CodePrecondition, reasonAddress, r.URL.Host, "the registry redirects from https to %s", domain.Quote(r.URL.Scheme))
	case !g.inside && !strings.EqualFold(host, hostname(g.host)) && internal(host):
		return domain.Errorf(domain.CodePrecondition, reasonAddress, r.URL.Host,
			"the registry redirects to %s; the registry's private_network permits that", domain.Quote(host))
	}
	return nil
}

// internal tells whether host is a loopback, link-local or metadata address.
// Names are not resolved: what an agent is sent is checked against its digest
// and shown to nobody.
func internal(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		// 127.1, 2130706433 and 0x7f000001 are addresses to some resolvers.
		return host != "" && host[0] >= '0' && host[0] <= '9' && strings.Trim(host, "0123456789abcdefxABCDEFX.") == ""
	}
	addr = addr.WithZone("").Unmap()
	metadata := []string{"fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"}
	return addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() || slices.Contains(metadata, addr.String())
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// retryAfter reads the header's two forms; 0 when it has neither.
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(at).Round(time.Second))
	}
	return 0
}
