package oci_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/adapters/registry/oci/ocitest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// fleet is a registry in memory with n repositories, "team/app-000" and on, of
// one tag each.
func fleet(tb testing.TB, n int) http.Handler {
	tb.Helper()
	h := memory()
	s := serve(tb, h)
	for i := range n {
		ocitest.Push(tb, s.host(), porttest.RegistryContent{
			Repository: fmt.Sprintf("team/app-%03d", i), Tags: []string{"1"},
			Images: []porttest.RegistryImage{{Architecture: "amd64", Content: fmt.Sprint(i)}},
		})
	}
	return paged(h, true) // sorted
}

// scan reads everything, as a rescan does.
func scan(tb testing.TB, c *oci.Client, each func(n int)) {
	tb.Helper()
	names, err := repositories(tb, c)
	require.NoError(tb, err)
	for n, repo := range names {
		each(n)
		listed, err := tags(tb, c, repo)
		require.NoError(tb, err)
		for _, tag := range listed {
			d, err := describe(tb, c, repo, tag)
			require.NoError(tb, err)
			require.Len(tb, d.Images, 1)
		}
	}
}

func nothing(int) {}

func TestScanCostsPingsAndTokensPerRegistry(t *testing.T) {
	const repos = 50
	inner := fleet(t, repos)
	for name, tc := range map[string]struct {
		set                     func(*tokens)
		anonymous               bool
		pings, tokens, requests int
	}{
		"credentials":                   {set: func(*tokens) {}, pings: 1, tokens: 2, requests: 1 + 3*repos},
		"anonymous":                     {set: func(f *tokens) { f.anonymous = true }, anonymous: true, pings: 0, tokens: 2, requests: 1 + 1 + 3*repos},
		"one scope at a time":           {set: func(f *tokens) { f.oneScope = true }, pings: 1, tokens: 1 + 1 + repos, requests: 1 + 3*repos},
		"only the first counts":         {set: func(f *tokens) { f.firstOnly = true }, pings: 1, tokens: 1 + 1 + repos - 1, requests: 1 + 1 + 3*repos},
		"what is not covered is hidden": {set: func(f *tokens) { f.firstOnly, f.hides = true, true }, pings: 1, tokens: 1 + 1 + repos - 1, requests: 1 + 1 + 3*repos},
		"tokens of a day":               {set: func(f *tokens) { f.life = 86400 }, pings: 1, tokens: 2, requests: 1 + 3*repos},
		"the registry wants none":       {set: func(f *tokens) { f.Config.Handler = f.remember(f.inner) }, pings: 1, tokens: 0, requests: 1 + 3*repos},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTokens(t, inner)
			tc.set(f)
			row := domain.Registry{URL: f.URL, Username: user, Password: password}
			if tc.anonymous {
				row.Username, row.Password = "", ""
			}
			c := open(t, row, oci.Options{})
			require.Empty(t, f.lines(), "opening contacts nobody")
			scan(t, c, nothing)
			pings := 0
			for _, line := range f.lines() {
				if line == "GET /v2/" {
					pings++
				}
			}
			require.Equal(t, tc.pings, pings, "pings")
			require.Equal(t, tc.tokens, f.count("GET /token"), "tokens")
			require.Equal(t, tc.requests, len(f.lines())-pings-f.count("GET /token"), "2 requests per image, 1 per listing")

			before := len(f.lines())
			scan(t, c, nothing)
			require.Equal(t, 1+3*repos, len(f.lines())-before, "everything is known by the second scan")
		})
	}
}

func TestTokensExpireMidScan(t *testing.T) {
	f := newTokens(t, fleet(t, 20))
	c := open(t, domain.Registry{URL: f.URL, Username: user, Password: password}, oci.Options{})
	scan(t, c, func(n int) {
		if n == 10 {
			f.revoke()
		}
	})
	require.Equal(t, 3, f.count("GET /token"), "one more, for all that follow")
	require.Len(t, f.lines(), 1+1+3+3*20+1, "ping, catalogue, tokens, the scan, and the one that was refused")
}

func TestWorkersShareTokens(t *testing.T) {
	const repos = 30
	f := newTokens(t, fleet(t, repos))
	c := open(t, domain.Registry{URL: f.URL, Username: user, Password: password}, oci.Options{})
	work := func() {
		var wg sync.WaitGroup
		for i := range repos {
			wg.Go(func() {
				if _, err := describe(t, c, fmt.Sprintf("team/app-%03d", i), "1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	var names []string
	for i := range repos {
		names = append(names, fmt.Sprintf("team/app-%03d", i))
	}
	c.Expect(names...)
	work()
	require.LessOrEqual(t, f.count("GET /token"), repos)
	require.Equal(t, 1+f.count("GET /token")+2*repos, len(f.lines()), "one ping, and nothing was refused")
	before := f.count("GET /token")
	work()
	require.Equal(t, before, f.count("GET /token"))
}

func TestOneDeniedRepositoryCostsOneToken(t *testing.T) {
	f := newTokens(t, fleet(t, 20))
	f.denied = "team/app-001"
	c := open(t, domain.Registry{URL: f.URL, Username: user, Password: password}, oci.Options{})
	names, err := repositories(t, c)
	require.NoError(t, err)
	for _, repo := range names {
		_, err := tags(t, c, repo)
		if repo == f.denied {
			requireCode(t, err, domain.CodePrecondition, "registry_credentials")
		} else {
			require.NoError(t, err)
		}
	}
	require.Equal(t, 3, f.count("GET /token"))
	require.Equal(t, 2, f.count("GET /v2/team/app-001/"), "refused, and once more with a new token")
}

func TestHiddenRepositoryIsAbsentWithATokenOfItsOwn(t *testing.T) {
	f := newTokens(t, fleet(t, 5))
	f.denied, f.hides = "team/app-002", true
	c := open(t, domain.Registry{URL: f.URL, Username: user, Password: password}, oci.Options{})
	c.Expect("team/app-000", "team/app-001", "team/app-002")
	_, err := tags(t, c, "team/app-000")
	require.NoError(t, err)
	_, err = tags(t, c, f.denied)
	requireCode(t, err, domain.CodeNotFound, "repository_not_found")
	require.Equal(t, 2, f.count("GET /v2/team/app-002/"))
	_, err = tags(t, c, "team/app-001")
	require.NoError(t, err)
	_, err = tags(t, c, f.denied)
	requireCode(t, err, domain.CodeNotFound, "repository_not_found")
	require.Equal(t, 3, f.count("GET /v2/team/app-002/"), "believed at once")
	require.Equal(t, 2, f.count("GET /token"))
}

func TestDeletionAsksForItsOwnScope(t *testing.T) {
	f := newTokens(t, fleet(t, 2))
	c := open(t, domain.Registry{URL: f.URL, Username: user, Password: password}, oci.Options{})
	scan(t, c, nothing)
	require.NoError(t, c.DeleteTag(t.Context(), domain.Reference{Path: "team/app-000", Tag: "1"}))
	require.Equal(t, 1, f.count("DELETE /v2/team/app-000/manifests/1"))
	require.Contains(t, f.lines()[len(f.lines())-2], "scope=repository%3Ateam%2Fapp-000%3Apull%2Cdelete")
}

func TestBasic(t *testing.T) {
	inner := fleet(t, 3)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("Www-Authenticate", `Negotiate, Basic realm="a, \"b\""`)
			fail(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return
		}
		inner.ServeHTTP(w, r)
	}))
	c := open(t, domain.Registry{URL: s.URL, Username: user, Password: password}, oci.Options{})
	scan(t, c, nothing)
	require.Len(t, s.lines(), 1+1+3*3)

	wrong := open(t, domain.Registry{URL: s.URL, Username: user, Password: "correct horse, wrong rider"}, oci.Options{})
	before := len(s.lines())
	_, err := describe(t, wrong, "team/app-000", "1")
	requireCode(t, err, domain.CodePrecondition, "registry_credentials")
	require.Len(t, s.lines(), before+2, "wrong credentials are sent once: accounts get locked")

	none := open(t, domain.Registry{URL: s.URL}, oci.Options{})
	_, err = describe(t, none, "team/app-000", "1")
	requireCode(t, err, domain.CodePrecondition, "registry_credentials")
}

func TestTokenServerFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		code   domain.Code
		reason string
	}{
		"wrong password": {401, `{"errors":[{"code":"UNAUTHORIZED"}]}`, domain.CodePrecondition, "registry_credentials"},
		"forbidden":      {403, ``, domain.CodePrecondition, "registry_credentials"},
		"not there":      {404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, domain.CodeUnavailable, "registry_failed"},
		"limited":        {429, ``, domain.CodeRateLimited, "registry_limited"},
		"broken":         {500, ``, domain.CodeUnavailable, "registry_failed"},
		"no JSON":        {200, `<html>`, domain.CodeUnavailable, "registry_malformed"},
		"no token":       {200, `{"token":""}`, domain.CodeUnavailable, "registry_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTokens(t, memory())
			f.tokenFail = func(w http.ResponseWriter) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}
			c := open(t, domain.Registry{URL: f.URL, Username: user, Password: password}, oci.Options{Attempts: 1})
			_, err := describe(t, c, "a", "1")
			requireCode(t, err, tc.code, tc.reason)
			_, err = tags(t, c, "a")
			requireCode(t, err, tc.code, tc.reason)
			_, err = repositories(t, c)
			requireCode(t, err, tc.code, tc.reason)
			require.Zero(t, f.count("GET /v2/a/"), "nothing is sent without a token")
		})
	}
}

func TestRefusalIsNeverAbsence(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fail(w, status, "DENIED") }))
		for _, row := range []domain.Registry{{URL: s.URL}, {URL: s.URL, Username: user, Password: password}} {
			c := open(t, row, oci.Options{})
			_, err := repositories(t, c)
			requireCode(t, err, domain.CodePrecondition, "registry_credentials")
			_, err = tags(t, c, "a")
			requireCode(t, err, domain.CodePrecondition, "registry_credentials")
			_, err = describe(t, c, "a", "1")
			requireCode(t, err, domain.CodePrecondition, "registry_credentials")
			_, err = c.Describe(t.Context(), tagOne, digestOf("known"))
			requireCode(t, err, domain.CodePrecondition, "registry_credentials")
			requireCode(t, c.DeleteTag(t.Context(), tagOne), domain.CodePrecondition, "registry_credentials")
			requireCode(t, c.DeleteDigest(t.Context(), "a", digestOf("known")), domain.CodePrecondition, "registry_credentials")
		}
	}
}
