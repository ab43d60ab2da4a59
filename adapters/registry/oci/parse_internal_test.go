package oci

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestOnSite(t *testing.T) {
	for _, tc := range []struct {
		own, host string
		want      bool
	}{
		{"registry.example.com", "registry.example.com", true},
		{"registry.example.com", "Auth.Example.com", true},
		{"registry.example.com", "example.com", true},
		{"registry.example.com", "a.b.example.com", true},
		{"registry.gitlab.com", "gitlab.com", true},
		{"registry-1.docker.io", "auth.docker.io", true},
		{"ghcr.io", "ghcr.io", true},
		{"example.com", "auth.example.com", true},
		{"registry.example.com", "auth.example.org", false},
		{"registry.example.com", "evilexample.com", false},
		{"registry.example.com", "example.com.evil.org", false},
		{"registry.example.com", "com", false},
		{"ghcr.io", "evil.io", false},
		{"ghcr.io", "io", false},
		{"example.co.uk", "evil.co.uk", false},
		{"example.co.uk", "auth.example.co.uk", true},
		{"registry.example.co.uk", "auth.example.co.uk", true},
		{"localhost", "localhost", true},
		{"localhost", "evil.localhost", false},
		{"10.0.0.1", "10.0.0.2", false},
		{"10.0.0.1", "10.0.0.1", true},
		{"::1", "::2", false},
	} {
		require.Equal(t, tc.want, onSite(tc.own, tc.host), "%s may send credentials to %s", tc.own, tc.host)
	}
}

func TestForbiddenAddresses(t *testing.T) {
	at := func(own string, private bool) *guard { return newGuard(&url.URL{Scheme: "http", Host: own}, private) }
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"169.254.169.254": true, "169.254.0.1": true, "fe80::1%eth0": true, "fd00:ec2::254": true, "224.0.0.1": true, "ff02::1": true,
		"100.100.100.200": true, "64:ff9b::7f00:1": true,
		"10.0.0.1": false, "192.168.1.1": false, "8.8.8.8": false, "2001:db8::1": false, "fd00::1": false, "64:ff9b::808:808": false,
	} {
		require.Equal(t, want, at("cr.example.org", false).forbids(netip.MustParseAddr(ip)), ip)
		require.False(t, at("cr.example.org", true).forbids(netip.MustParseAddr(ip)), "%s in a private network", ip)
	}
	require.False(t, at("127.0.0.1:5000", false).forbids(netip.MustParseAddr("::ffff:127.0.0.1")), "the registry's own")
	require.True(t, at("127.0.0.1:5000", false).forbids(netip.MustParseAddr("127.0.0.2")))
	require.True(t, at("127.0.0.1:5000", false).forbids(netip.MustParseAddr("::1")))
}

func TestChallenges(t *testing.T) {
	got := parseChallenges([]string{
		`Negotiate abc==, Bearer realm="https://a/t?x=1,2",service="s \"q\"",scope="repository:a:pull,push",error=x`,
		`BASIC realm=plain, charset="UTF-8"`,
		``, `,,`, `="x"`,
	})
	require.Len(t, got, 3)
	require.Equal(t, challenge{"bearer", map[string]string{"realm": "https://a/t?x=1,2", "service": `s "q"`, "scope": "repository:a:pull,push", "error": "x"}}, got[1])
	require.Equal(t, challenge{"basic", map[string]string{"realm": "plain", "charset": "UTF-8"}}, got[2])
}

func FuzzHeaders(f *testing.F) {
	f.Add(`Bearer realm="a",b=c, Basic`)
	f.Add(`<a>; rel="next", <b>; rel=prev`)
	f.Add(`"\`)
	f.Fuzz(func(_ *testing.T, s string) { // must end, and must not panic
		parseChallenges([]string{s, s})
		nextLink([]string{s, s})
		mediaTypeOf(http.Header{"Content-Type": {s}})
		retryAfter(http.Header{"Retry-After": {s}}, time.Now())
	})
}

func FuzzLinkStaysAtTheRegistry(f *testing.F) {
	c, err := New(domain.Registry{Name: "cr.example.org:5000", Type: domain.RegistryOCI}, Options{})
	require.NoError(f, err)
	f.Add("/v2/a?last=b")
	f.Add("//evil.example.org/v2/")
	f.Add("https:/\\evil/v2/")
	page := c.base.JoinPath("/v2/_catalog")
	f.Fuzz(func(t *testing.T, link string) {
		if u, own := c.follow(page, link); own {
			require.Equal(t, "https://cr.example.org:5000", u.Scheme+"://"+u.Host)
			require.Regexp(t, "^/v2/", u.Path)
			require.Nil(t, u.User)
		}
	})
}

func TestBackoff(t *testing.T) {
	o := Options{}.withDefaults()
	for n := 1; n < 100; n++ {
		d := o.backoff(n)
		require.LessOrEqual(t, d, o.BackoffMax)
		require.GreaterOrEqual(t, d, min(o.BackoffMax, o.BackoffMin<<min(n-1, 10))/2)
	}
}
