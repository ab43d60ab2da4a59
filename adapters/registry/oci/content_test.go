package oci_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// blobOf writes content to a file, and gives what Upload wants of it.
func blobOf(tb testing.TB, content string) (oci.Blob, func() (*os.File, error)) {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "blob")
	require.NoError(tb, os.WriteFile(name, []byte("before"+content+"after"), 0o600))
	return oci.Blob{Digest: digestOf(content), Size: int64(len(content))}, func() (*os.File, error) {
		f, err := os.Open(name)
		if err == nil {
			_, err = f.Seek(int64(len("before")), io.SeekStart)
		}
		return f, err
	}
}

func pushTo(tb testing.TB, c *oci.Client, path string) *oci.Repository {
	tb.Helper()
	r, err := c.PushTo(path)
	require.NoError(tb, err)
	return r
}

func TestContentGoesThereAndBack(t *testing.T) {
	for name, row := range map[string]func(testing.TB) domain.Registry{
		"without credentials": func(tb testing.TB) domain.Registry { tb.Helper(); return domain.Registry{URL: serve(tb, memory()).URL} },
		"with tokens": func(tb testing.TB) domain.Registry {
			tb.Helper()
			return domain.Registry{URL: newTokens(tb, memory()).URL, Username: user, Password: password}
		},
		"with a token server of one scope": func(tb testing.TB) domain.Registry {
			tb.Helper()
			s := newTokens(tb, memory())
			s.oneScope = true
			return domain.Registry{URL: s.URL, Username: user, Password: password}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, row(t), oci.Options{Attempts: 1})
			to := pushTo(t, c, "team/app")
			b, file := blobOf(t, "hello")
			there, err := to.Has(t.Context(), b.Digest)
			require.NoError(t, err)
			require.False(t, there)
			sent, err := to.Upload(t.Context(), b, "team/other", file, nil)
			require.NoError(t, err)
			require.EqualValues(t, 5, sent)
			config, configFile := blobOf(t, "{}")
			_, err = to.Upload(t.Context(), config, "", configFile, nil)
			require.NoError(t, err)
			there, err = to.Has(t.Context(), b.Digest)
			require.NoError(t, err)
			require.True(t, there)

			raw := manifest(config.Digest, "")
			d := oci.Document{MediaType: ociManifest, Digest: digestOf(raw), Raw: []byte(raw)}
			none, err := to.Tagged(t.Context(), "1")
			require.NoError(t, err)
			require.Empty(t, none)
			require.NoError(t, to.Put(t.Context(), d, "1"))
			now, err := to.Tagged(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, d.Digest, now)

			from, err := c.PullFrom("team/app")
			require.NoError(t, err)
			for _, ref := range []string{"1", d.Digest.String()} {
				got, err := from.Document(t.Context(), ref)
				require.NoError(t, err)
				require.Equal(t, d, got)
				require.False(t, got.IsIndex())
			}
			var back bytes.Buffer
			require.NoError(t, from.Download(t.Context(), b, &back, nil))
			require.Equal(t, "hello", back.String())
			_, err = from.Document(t.Context(), "2")
			requireCode(t, err, domain.CodeNotFound, "tag_not_found")
			missing, _ := blobOf(t, "missing")
			requireCode(t, from.Download(t.Context(), missing, io.Discard, nil), domain.CodeNotFound, "content_not_found")
			short := b
			short.Size = 4
			requireCode(t, from.Download(t.Context(), short, io.Discard, nil), domain.CodePrecondition, "digest_mismatch")
		})
	}
}

func TestAPushThatTheTokenServerRefuses(t *testing.T) {
	for status, want := range map[int][2]string{
		http.StatusForbidden:    {string(domain.CodeForbidden), "push_denied"},
		http.StatusUnauthorized: {string(domain.CodePrecondition), "registry_credentials"},
	} {
		s := newTokens(t, memory())
		s.tokenFail = func(w http.ResponseWriter) { fail(w, status, "DENIED") }
		c := open(t, domain.Registry{URL: s.URL, Username: user, Password: password}, oci.Options{Attempts: 1})
		_, err := pushTo(t, c, "team/app").Has(t.Context(), digestOf("a"))
		requireCode(t, err, domain.Code(want[0]), want[1])
	}
}

func TestARegistryMayNotLeadAPushAstray(t *testing.T) {
	for name, location := range map[string]string{
		"to this machine":   "https://127.0.0.1:9/upload",
		"to metadata":       "https://169.254.169.254/upload",
		"away from TLS":     "http://cr.example.org/upload",
		"to another scheme": "file:///etc/passwd",
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			c := faked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked++; r.Method == http.MethodPost {
					w.Header().Set("Location", location)
					w.WriteHeader(http.StatusAccepted)
				}
			}), oci.Options{Attempts: 1})
			b, file := blobOf(t, "a")
			_, err := pushTo(t, c, "a").Upload(t.Context(), b, "", file, nil)
			requireCode(t, err, domain.CodePrecondition, "registry_address")
			require.Equal(t, 1, asked, "nothing is sent there")
		})
	}
}

func TestATransferThatStandsStillIsGivenUp(t *testing.T) {
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "/upload")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Length", "1000")
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte("some"))
			w.(http.Flusher).Flush()
		}
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(ended) })
	c := open(t, domain.Registry{URL: s.URL}, oci.Options{Attempts: 1, Stall: 200 * time.Millisecond})
	b, file := blobOf(t, strings.Repeat("a", 1000))
	to := pushTo(t, c, "a")
	_, err := to.Upload(t.Context(), b, "", file, nil)
	requireCode(t, err, domain.CodeUnavailable, "registry_failed")
	requireCode(t, to.Download(t.Context(), b, io.Discard, nil), domain.CodeUnavailable, "registry_failed")
}
