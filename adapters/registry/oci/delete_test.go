package oci_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// byMethod answers with a status by method.
func byMethod(m map[string]int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status := m[r.Method]; status >= 400 {
			fail(w, status, "MANIFEST_UNKNOWN")
		} else {
			w.WriteHeader(status)
		}
	}
}

func TestDeleteTag(t *testing.T) {
	for name, tc := range map[string]struct {
		delete, head int
		code         domain.Code
		reason       string
		requests     []string
	}{
		"accepted":                   {202, 0, "", "", []string{"DELETE /v2/a/manifests/1"}},
		"no content":                 {204, 0, "", "", []string{"DELETE /v2/a/manifests/1"}},
		"gone":                       {404, 404, "", "", []string{"DELETE /v2/a/manifests/1", "HEAD /v2/a/manifests/1"}},
		"404, and yet it is there":   {404, 200, domain.CodePrecondition, "tag_delete_unsupported", nil},
		"404, and nobody knows":      {404, 500, domain.CodeUnavailable, "registry_failed", nil},
		"404, and then a refusal":    {404, 401, domain.CodePrecondition, "registry_credentials", nil},
		"bad request":                {400, 0, domain.CodePrecondition, "tag_delete_unsupported", []string{"DELETE /v2/a/manifests/1"}},
		"method not allowed":         {405, 0, domain.CodePrecondition, "tag_delete_unsupported", []string{"DELETE /v2/a/manifests/1"}},
		"not implemented":            {501, 0, domain.CodePrecondition, "tag_delete_unsupported", nil},
		"refused":                    {403, 0, domain.CodePrecondition, "registry_credentials", nil},
		"limited":                    {429, 0, domain.CodeRateLimited, "registry_limited", nil},
		"broken":                     {500, 0, domain.CodeUnavailable, "registry_failed", nil},
		"not modified, whatever for": {304, 0, domain.CodeUnavailable, "registry_failed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, byMethod(map[string]int{http.MethodDelete: tc.delete, http.MethodHead: tc.head}))
			c := open(t, domain.Registry{URL: s.URL}, oci.Options{Attempts: 1})
			err := c.DeleteTag(t.Context(), domain.Reference{Path: "a", Tag: "1", Digest: digestOf("never sent")})
			if tc.code == "" {
				require.NoError(t, err)
			} else {
				requireCode(t, err, tc.code, tc.reason)
			}
			if tc.requests != nil {
				require.Equal(t, tc.requests, s.lines())
			}
			require.Zero(t, s.count("DELETE /v2/a/manifests/sha256"), "never by digest")
		})
	}
	page := answers(t, func(w http.ResponseWriter, _ *http.Request) { // a proxy that knows nothing of registries
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
	})
	requireCode(t, page.DeleteTag(t.Context(), tagOne), domain.CodeUnavailable, "registry_failed")
	requireCode(t, page.DeleteTag(t.Context(), domain.Reference{Path: "a", Tag: "../b/manifests/1"}), domain.CodeInvalid, "tag_invalid")
	requireCode(t, page.DeleteTag(t.Context(), domain.Reference{Path: "../a", Tag: "1"}), domain.CodeInvalid, "repository_invalid")
}

func TestDeleteDigest(t *testing.T) {
	for status, want := range map[int]struct {
		code   domain.Code
		reason string
	}{
		202: {}, 200: {}, 404: {},
		405: {domain.CodePrecondition, "delete_disabled"},
		501: {domain.CodePrecondition, "delete_disabled"},
		400: {domain.CodeUnavailable, "registry_failed"},
		403: {domain.CodePrecondition, "registry_credentials"},
		429: {domain.CodeRateLimited, "registry_limited"},
		500: {domain.CodeUnavailable, "registry_failed"},
	} {
		s := serve(t, byMethod(map[string]int{http.MethodDelete: status, http.MethodHead: 404}))
		c := open(t, domain.Registry{URL: s.URL}, oci.Options{Attempts: 1})
		err := c.DeleteDigest(t.Context(), "a", digestOf("x"))
		if want.code == "" {
			require.NoError(t, err)
		} else {
			requireCode(t, err, want.code, want.reason)
		}
		asked := 1
		if status == 404 { // it looks again
			asked = 2
		}
		require.Len(t, s.lines(), asked)
	}
	c := answers(t, byMethod(map[string]int{http.MethodDelete: 404, http.MethodHead: 200}))
	requireCode(t, c.DeleteDigest(t.Context(), "a", digestOf("x")), domain.CodePrecondition, "delete_disabled")
	c = answers(t, byMethod(nil))
	requireCode(t, c.DeleteDigest(t.Context(), "a", "latest"), domain.CodeInvalid, "digest_invalid")
	requireCode(t, c.DeleteDigest(t.Context(), "A", digestOf("x")), domain.CodeInvalid, "repository_invalid")
}
