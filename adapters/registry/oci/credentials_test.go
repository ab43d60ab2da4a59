package oci_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// The registry of these tests is at 127.0.0.1, a foreign host at another
// address of this machine or at another name of the same address.

func withCredentials(s *server) domain.Registry {
	return domain.Registry{URL: s.URL, Username: user, Password: password}
}

// redirecting is a registry that redirects blobs.
func redirecting(tb testing.TB, to func() string) *server {
	tb.Helper()
	s := shelf{}
	config := s.put("a/blobs/config", "application/octet-stream", `{"architecture":"amd64","os":"linux"}`)
	s.put("a/manifests/1", ociManifest, manifest(config, ""))
	return serve(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p, _ := r.BasicAuth(); p != password {
			w.Header().Set("Www-Authenticate", `Basic realm="r"`)
			fail(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return
		}
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, to(), http.StatusTemporaryRedirect)
			return
		}
		s.ServeHTTP(w, r)
	}))
}

func blob() http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"architecture":"amd64","os":"linux"}`))
	}
}

func TestRedirectLosesCredentials(t *testing.T) {
	store := serve(t, blob()) // same address, another port
	c := open(t, withCredentials(redirecting(t, func() string { return store.URL + "/blob" })), oci.Options{})
	d, err := describe(t, c, "a", "1")
	require.NoError(t, err)
	require.Len(t, d.Images, 1)
	require.Equal(t, []seen{{"GET", "/blob", ""}}, store.requests())
}

func TestRedirectToForbiddenAddress(t *testing.T) {
	for name, tc := range map[string]struct{ registry, store, host string }{
		"a loopback address":                  {"127.0.0.1", "127.0.0.2", "127.0.0.2"},
		"a name of a loopback address":        {"127.0.0.2", "127.0.0.1", "localhost"},
		"a loopback address, written as IPv6": {"127.0.0.1", "127.0.0.2", "[::ffff:127.0.0.2]"},
	} {
		t.Run(name, func(t *testing.T) {
			store := serveAt(t, tc.store, blob())
			u, err := url.Parse(store.URL)
			require.NoError(t, err)
			registry := redirecting(t, func() string { return "http://" + tc.host + ":" + u.Port() + "/blob" })
			if tc.registry != "127.0.0.1" {
				registry = serveAt(t, tc.registry, registry.Config.Handler)
			}
			row := withCredentials(registry)
			_, err = describe(t, open(t, row, oci.Options{}), "a", "1")
			requireCode(t, err, domain.CodePrecondition, "registry_address")
			require.Empty(t, store.lines(), "nothing arrives there")

			row.PrivateNetwork = true
			_, err = describe(t, open(t, row, oci.Options{}), "a", "1")
			require.NoError(t, err)
			require.Equal(t, []seen{{"GET", "/blob", ""}}, store.requests(), "and then without credentials")
		})
	}
	for _, to := range []string{"http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/", "http://0.0.0.0/", "http://[fe80::1]/", "http://100.100.100.200/", "http://[64:ff9b::a9fe:a9fe]/"} {
		c := open(t, withCredentials(redirecting(t, func() string { return to })), oci.Options{})
		_, err := describe(t, c, "a", "1")
		requireCode(t, err, domain.CodePrecondition, "registry_address")
	}
}

func TestRedirectsEnd(t *testing.T) {
	var s *server
	s = redirecting(t, func() string { return s.URL + "/v2/a/blobs/again" })
	_, err := describe(t, open(t, withCredentials(s), oci.Options{}), "a", "1")
	requireCode(t, err, domain.CodeUnavailable, "registry_malformed")
	require.LessOrEqual(t, s.count("GET /v2/a/blobs/"), 6)

	_, err = describe(t, open(t, withCredentials(redirecting(t, func() string { return "file:///etc/passwd" })), oci.Options{}), "a", "1")
	requireCode(t, err, domain.CodePrecondition, "registry_address")
}

func TestRedirectedDeletionIsNone(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" {
				http.Redirect(w, r, "/elsewhere", status)
			}
		}))
		c := open(t, domain.Registry{URL: s.URL}, oci.Options{})
		requireCode(t, c.DeleteTag(t.Context(), tagOne), domain.CodeUnavailable, "registry_failed")
		requireCode(t, c.DeleteDigest(t.Context(), "a", digestOf("x")), domain.CodeUnavailable, "registry_failed")
		require.Zero(t, s.count("DELETE /elsewhere"))
	}
}

func TestTLS(t *testing.T) {
	plain := serve(t, blob())
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/a/tags/list" {
			_, _ = w.Write([]byte(`{"name":"a","tags":["1"]}`))
			return
		}
		http.Redirect(w, r, plain.URL, http.StatusFound)
	}))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = discard()

	_, err := tags(t, open(t, domain.Registry{URL: s.URL}, oci.Options{}), "a")
	requireCode(t, err, domain.CodeUnavailable, "registry_failed")
	c := open(t, domain.Registry{URL: s.URL, TLSSkipVerify: true}, oci.Options{})
	names, err := tags(t, c, "a")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, names)
	_, err = describe(t, c, "a", "1") // away from TLS
	requireCode(t, err, domain.CodePrecondition, "registry_address")
	require.Empty(t, plain.lines())
}

func TestRealmOfAnotherSite(t *testing.T) {
	inner := fleet(t, 1)
	evil := newTokens(t, inner) // would grant tokens; its name is not the registry's
	f := newTokens(t, inner)
	f.realm = strings.Replace(evil.URL, "127.0.0.1", "localhost", 1) + "/token"
	f.lock.Lock()
	f.granted = evil.granted
	f.lock.Unlock()

	row := withCredentials(f.server)
	row.PrivateNetwork = true // addresses are not the point here
	_, err := repositories(t, open(t, row, oci.Options{}))
	requireCode(t, err, domain.CodePrecondition, "registry_realm")
	require.Empty(t, evil.lines(), "no credentials, no request")

	u, err := url.Parse(f.realm)
	require.NoError(t, err)
	for _, listed := range []string{"localhost", "LOCALHOST", u.Host} {
		row.TokenRealms = []string{"auth.example.org", listed}
		names, err := repositories(t, open(t, row, oci.Options{}))
		require.NoError(t, err)
		require.Len(t, names, 1)
	}
}

func TestRealmOfTheSameHost(t *testing.T) {
	inner := fleet(t, 1)
	auth := newTokens(t, inner)
	f := newTokens(t, inner)
	f.realm, f.granted = auth.URL+"/token", auth.granted // another port
	names, err := repositories(t, open(t, withCredentials(f.server), oci.Options{}))
	require.NoError(t, err)
	require.Len(t, names, 1)
}

func TestRealmThatIsRefused(t *testing.T) {
	for challenge, reason := range map[string]string{
		`Bearer realm="http://169.254.169.254/token",service="s"`:   "registry_address",
		`Bearer realm="http://127.0.0.2:1/token",service="s"`:       "registry_address",
		`Bearer realm="http://[::1]:1/token"`:                       "registry_address",
		`Bearer realm="ftp://127.0.0.1/token"`:                      "registry_realm",
		`Bearer realm="https://user:pass@registry.example.org/tok"`: "registry_malformed",
		`Bearer realm="/token"`:                                     "registry_malformed",
		`Bearer service="s"`:                                        "registry_malformed",
	} {
		f := newTokens(t, memory())
		f.challenge = challenge
		for _, row := range []domain.Registry{{URL: f.URL}, withCredentials(f.server)} { // with and without credentials
			_, err := describe(t, open(t, row, oci.Options{Attempts: 1}), "a", "1")
			require.Error(t, err)
			require.Equal(t, reason, domain.ReasonOf(err), challenge)
		}
	}
	f := newTokens(t, memory())
	f.challenge = `Bearer realm="https://auth.example.com/token",service="s"`
	_, err := describe(t, open(t, withCredentials(f.server), oci.Options{Attempts: 1}), "a", "1")
	requireCode(t, err, domain.CodePrecondition, "registry_realm")
}

func TestTokenServerThatRedirects(t *testing.T) {
	inner := fleet(t, 1)
	other := newTokens(t, inner)
	f := newTokens(t, inner)
	f.granted = other.granted
	f.tokenFail = func(w http.ResponseWriter) {
		w.Header().Set("Location", other.URL+"/token?scope=registry:catalog:*")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	_, err := repositories(t, open(t, withCredentials(f.server), oci.Options{}))
	require.Error(t, err)
	for _, r := range other.requests() {
		require.Empty(t, r.authorization, "a redirect carries no password")
	}
}
