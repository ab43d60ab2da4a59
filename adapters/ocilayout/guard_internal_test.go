package ocilayout

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSite(t *testing.T) {
	for _, c := range []struct {
		host, other string
		want        bool
	}{
		{"cr.example.org", "cr.example.org", true},
		{"registry-1.docker.io", "auth.docker.io", true},
		{"registry.gitlab.com", "gitlab.com", true},
		{"CR.example.org", "auth.EXAMPLE.org", true},
		{"ghcr.io", "auth.io", false},
		{"ghcr.io", "token.ghcr.io", true},
		{"quay.co.uk", "auth.quay.co.uk", true},
		{"quay.co.uk", "evil.co.uk", false},
		{"cr.example.org", "example.org.evil.com", false},
		{"cr.example.org", "evilexample.org", false},
		{"10.0.0.1", "10.0.0.2", false},
		{"localhost", "evil.localhost", false},
		{"::1", "::2", false},
	} {
		require.Equal(t, c.want, sameSite(c.host, c.other), "%s -> %s", c.host, c.other)
	}
}

func TestGuardTrusts(t *testing.T) {
	g := &guard{scheme: "https", host: "cr.example.org:5000", realms: []string{"login.example.com", "sso.example.net:8443"}}
	for address, want := range map[string]bool{
		"https://cr.example.org:5000/t":   true,
		"https://auth.example.org/t":      true,
		"https://login.example.com/t":     true,
		"https://login.example.com:444/t": true,
		"https://sso.example.net:8443/t":  true,
		"https://sso.example.net/t":       false,
		"http://login.example.com/t":      false, // in the clear
		"https://evil.example.com/t":      false,
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, want, g.trusts(u), address)
	}
}

func TestGuardRedirects(t *testing.T) {
	first, err := http.NewRequest(http.MethodGet, "https://cr.example.org/v2/", nil)
	require.NoError(t, err)
	outside := &guard{scheme: "https", host: "cr.example.org"}
	inside := &guard{scheme: "https", host: "cr.example.org", inside: true}
	for address, want := range map[string]struct{ outside, inside bool }{
		"https://cdn.example.net/b":    {true, true},
		"https://8.8.8.8/b":            {true, true},
		"http://cdn.example.net/b":     {false, false},
		"https://127.0.0.1/b":          {false, true},
		"https://127.1/b":              {false, true},
		"https://2130706433/b":         {false, true},
		"https://0x7f000001/b":         {false, true},
		"https://[::ffff:127.0.0.1]/b": {false, true},
		"https://169.254.169.254/b":    {false, true},
		"https://10.1.2.3/b":           {true, true}, // storage in the cluster
		"https://100.100.100.200/b":    {false, true},
		"https://[fe80::1]/b":          {false, true},
		"https://localhost/b":          {false, true},
		"https://cr.example.org/b":     {true, true},
	} {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		require.NoError(t, err)
		require.Equal(t, want.outside, outside.redirect(r, []*http.Request{first}) == nil, address)
		require.Equal(t, want.inside, inside.redirect(r, []*http.Request{first}) == nil, address)
	}
	require.Error(t, inside.redirect(first, make([]*http.Request, 10)))
}

func TestRetryAfter(t *testing.T) {
	require.Equal(t, 30*time.Second, retryAfter("30"))
	require.Zero(t, retryAfter(""))
	require.Zero(t, retryAfter("-1"))
	require.Zero(t, retryAfter("soon"))
	require.Zero(t, retryAfter("Mon, 02 Jan 2006 15:04:05 GMT"))
	require.InDelta(t, float64(time.Hour), float64(retryAfter(time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))), float64(2*time.Second))
}
