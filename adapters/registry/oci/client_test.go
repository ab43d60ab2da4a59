package oci_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

func TestOpen(t *testing.T) {
	for name, row := range map[string]domain.Registry{
		"no host":         {Type: domain.RegistryOCI},
		"no type":         {Name: "cr.example.org"},
		"another scheme":  {Name: "cr.example.org", Type: domain.RegistryOCI, URL: "ftp://cr.example.org"},
		"a path":          {Name: "cr.example.org", Type: domain.RegistryOCI, URL: "https://cr.example.org/registry"},
		"half a password": {Name: "cr.example.org", Type: domain.RegistryOCI, Username: "x"},
		"a bad project":   {Name: "cr.example.org", Type: domain.RegistryOCI, Project: "../x"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := oci.Opener(oci.Options{})(t.Context(), row)
			require.ErrorIs(t, err, domain.ErrInvalid)
			require.Nil(t, r)
			_, err = oci.New(row, oci.Options{})
			require.ErrorIs(t, err, domain.ErrInvalid)
		})
	}
	c, err := oci.New(domain.Registry{Name: "cr.example.org", Type: "harbor", URL: "https://cr.example.org/"}, oci.Options{})
	require.NoError(t, err, "vendors build on it; a slash is no path")
	require.NoError(t, c.Close())
}

func TestStatusesOfReading(t *testing.T) {
	type verdict struct {
		code   domain.Code
		reason string
	}
	failed, limited := verdict{domain.CodeUnavailable, "registry_failed"}, verdict{domain.CodeRateLimited, "registry_limited"}
	for name, tc := range map[string]struct {
		status                   int
		code                     string
		catalog, tags, manifests verdict
	}{
		"name unknown":   {404, "NAME_UNKNOWN", verdict{domain.CodePrecondition, "catalog_unsupported"}, verdict{domain.CodeNotFound, "repository_not_found"}, verdict{domain.CodeNotFound, "repository_not_found"}},
		"tag unknown":    {404, "MANIFEST_UNKNOWN", verdict{domain.CodePrecondition, "catalog_unsupported"}, verdict{domain.CodeNotFound, "repository_not_found"}, verdict{domain.CodeNotFound, "tag_not_found"}},
		"no catalogue":   {405, "UNSUPPORTED", verdict{domain.CodePrecondition, "catalog_unsupported"}, failed, failed},
		"limited":        {429, "TOOMANYREQUESTS", limited, limited, limited},
		"limited, oddly": {403, "TOOMANYREQUESTS", limited, limited, limited},
		"broken":         {500, "UNKNOWN", failed, failed, failed},
		"not yet":        {202, "", failed, failed, failed},
	} {
		t.Run(name, func(t *testing.T) {
			c := answers(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, tc.status, tc.code) })
			_, err := repositories(t, c)
			requireCode(t, err, tc.catalog.code, tc.catalog.reason)
			_, err = tags(t, c, "a")
			requireCode(t, err, tc.tags.code, tc.tags.reason)
			for _, known := range []domain.Digest{"", digestOf("known")} {
				_, err = c.Describe(t.Context(), tagOne, known)
				requireCode(t, err, tc.manifests.code, tc.manifests.reason)
			}
		})
	}
}

func TestAWebPageIsNotAbsence(t *testing.T) {
	c := answers(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<html>\x1b[31m404</html>"))
	})
	_, err := tags(t, c, "a")
	requireCode(t, err, domain.CodeUnavailable, "registry_failed")
	require.NotContains(t, err.Error(), "\x1b", "what a registry says is escaped")
	_, err = c.Describe(t.Context(), tagOne, digestOf("known"))
	requireCode(t, err, domain.CodeUnavailable, "registry_failed")
}

func TestBrokenConnections(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = fmt.Fprint(w, `{"name":"a","tags":["1","2`)
		panic(http.ErrAbortHandler)
	}))
	c := open(t, domain.Registry{URL: s.URL}, oci.Options{BackoffMin: time.Millisecond})
	names, err := tags(t, c, "a")
	requireCode(t, err, domain.CodeUnavailable, "registry_failed")
	require.Empty(t, names)
	require.Equal(t, 4, s.count("GET /v2/a/tags/list"), "a truncated answer is asked for again")

	s.Close()
	_, err = describe(t, c, "a", "1")
	requireCode(t, err, domain.CodeUnavailable, "registry_failed")
	require.NotContains(t, domain.MessageOf(err), "dial", "users read no details")
}

func TestProjects(t *testing.T) {
	all := []string{"a", "a/x", "a/x/y", "ab/x", "a-b/x", "b/a/x"}
	s := serve(t, lister(func(*http.Request) ([]string, string) { return all, "" }))
	for project, want := range map[string][]string{
		"":    all,
		"a":   {"a", "a/x", "a/x/y"}, // "a" itself may be a repository, as in GitLab
		"a/x": {"a/x", "a/x/y"},
		"b":   {"b/a/x"},
		"c":   nil,
	} {
		names, err := repositories(t, open(t, domain.Registry{URL: s.URL, Project: project}, oci.Options{}))
		require.NoError(t, err)
		require.Equal(t, want, names, "project %q", project)
	}
}
