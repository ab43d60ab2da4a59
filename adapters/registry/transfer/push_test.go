package transfer_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
)

func TestAPushGoesOnWhenAConnectionIsLost(t *testing.T) {
	r := record(t)
	img := big(t, 2, 3<<20)
	l, _ := layoutWith(t, img)
	var cut atomic.Bool
	r.disturbBy(func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPut && q.ContentLength > 1<<20 && cut.CompareAndSwap(false, true) {
			_, _ = io.CopyN(io.Discard, q.Body, 1<<20)
			panic(http.ErrAbortHandler)
		}
		return false
	})
	out, err := l.Push(t.Context(), r.push("1"), nil)
	require.NoError(t, err)
	require.Equal(t, digestOf(t, img), transfertest.Tagged(t, r.host, r.ref("team/app", "1")).Digest)
	require.Greater(t, out.SentBytes, out.SizeBytes, "the try that failed counts")
	require.Less(t, r.received.Load(), out.SizeBytes+3<<20, "one layer began anew, no more")
}

func TestAPushThatWasCutOffIsRepeatedAtTheCostOfWhatIsMissing(t *testing.T) {
	r := record(t)
	img := big(t, 4, 1<<20)
	l, dir := layoutWith(t, img)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := open(t, "oci:"+dir, transfer.Options{Jobs: 1}).Push(ctx, r.push("1"), func(e domain.TransferEvent) {
		if e.Status == "pushed" && e.Total > 1<<19 {
			cancel()
		}
	})
	requireCode(t, err, domain.CodeCanceled, "canceled")
	require.Zero(t, r.count("PUT", "/manifests/"), "the tag comes last")
	before := r.received.Load()
	require.Greater(t, before, int64(1<<20))
	out, err := l.Push(t.Context(), r.push("1"), nil)
	require.NoError(t, err)
	require.Equal(t, sizeOf(t, img), out.SizeBytes)
	require.Less(t, out.SentBytes, out.SizeBytes-1<<19, "what arrived is not sent again")
	require.Equal(t, out.SentBytes, r.received.Load()-before)
}

func TestWhatRegistriesSayOfAPush(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		code         domain.Code
		reason       string
		wait         time.Duration
	}{
		"an upload is forbidden":      {method: "POST", path: "/uploads/", status: 403, code: domain.CodeForbidden, reason: "push_denied"},
		"an upload wants credentials": {method: "POST", path: "/uploads/", status: 401, code: domain.CodeForbidden, reason: "push_denied"},
		"the registry is read only":   {method: "POST", path: "/uploads/", status: 405, code: domain.CodeForbidden, reason: "push_denied"},
		"the tag may not move":        {method: "PUT", path: "/manifests/", status: 412, code: domain.CodeForbidden, reason: "push_denied"},
		"there is no such project":    {method: "POST", path: "/uploads/", status: 404, code: domain.CodeNotFound, reason: "repository_not_found"},
		"too many requests": {method: "POST", path: "/uploads/", status: 429, header: http.Header{"Retry-After": {"7"}},
			code: domain.CodeRateLimited, reason: "registry_limited", wait: 7 * time.Second},
		"the registry fails":       {method: "PUT", path: "/uploads/", status: 500, code: domain.CodeUnavailable, reason: "registry_failed"},
		"a look at a blob fails":   {method: "HEAD", path: "/blobs/", status: 502, code: domain.CodeUnavailable, reason: "registry_failed"},
		"a look at the tag fails":  {method: "HEAD", path: "/manifests/", status: 503, code: domain.CodeUnavailable, reason: "registry_failed"},
		"the manifest is not kept": {method: "PUT", path: "/manifests/", status: 503, code: domain.CodeUnavailable, reason: "registry_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t)
			_, dir := layoutWith(t, big(t, 1, 1000))
			r.disturbBy(func(w http.ResponseWriter, q *http.Request) bool {
				if q.Method != c.method || !strings.Contains(q.URL.Path, c.path) {
					return false
				}
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
				return true
			})
			_, err := open(t, "oci:"+dir, once).Push(t.Context(), r.push("1"), nil)
			requireCode(t, err, c.code, c.reason)
			require.Equal(t, c.wait, domain.RetryAfterOf(err))
			r.disturbBy(nil)
			require.Empty(t, transfertest.Tagged(t, r.host, r.ref("team/app", "1")))
		})
	}
}

func TestAPushOfDamagedContentIsRefused(t *testing.T) {
	r := record(t)
	img := big(t, 1, 1000)
	l, dir := layoutWith(t, img)
	layers, err := img.Layers()
	require.NoError(t, err)
	d, err := layers[0].Digest()
	require.NoError(t, err)
	blob := filepath.Join(dir, "blobs", "sha256", d.Hex)
	raw, err := os.ReadFile(blob)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(blob, 0o644))

	raw[0] ^= 1
	require.NoError(t, os.WriteFile(blob, raw, 0o644))
	_, err = l.Push(t.Context(), r.push("1"), nil)
	requireCode(t, err, domain.CodePrecondition, "digest_mismatch")
	require.Equal(t, d.String(), domain.OnOf(err))
	require.NoError(t, os.WriteFile(blob, raw[:10], 0o644))
	_, err = l.Push(t.Context(), r.push("1"), nil)
	requireCode(t, err, domain.CodePrecondition, "image_incomplete")
	require.Equal(t, d.String(), domain.OnOf(err))
	require.NoError(t, os.Remove(blob))
	_, err = l.Push(t.Context(), r.push("1"), nil)
	requireCode(t, err, domain.CodePrecondition, "image_incomplete")
	require.Zero(t, r.count("PUT", "/manifests/"))
}

// Credentials stay with the registry, also when it sends us elsewhere with a
// blob or for one.
func TestCredentialsStayWithTheRegistry(t *testing.T) {
	r, elsewhere := record(t), record(t)
	elsewhere.Handler = r.Handler
	var mu sync.Mutex
	var foreign []string
	elsewhere.disturbBy(func(_ http.ResponseWriter, q *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		foreign = append(foreign, q.Header.Get("Authorization"))
		return false
	})
	r.disturbBy(func(w http.ResponseWriter, q *http.Request) bool {
		if user, secret, _ := q.BasicAuth(); user != "robot" || secret != "s3cret" {
			w.Header().Set("Www-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		switch {
		case q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/uploads/"):
			w.Header().Set("Location", "http://"+elsewhere.host+"/v2/team/app/blobs/uploads/1?x=y")
			w.WriteHeader(http.StatusAccepted)
			return true
		case q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/blobs/"):
			http.Redirect(w, q, "http://"+elsewhere.host+q.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
		return false
	})
	l, _ := layoutWith(t, big(t, 2, 1000))
	push, fetch := r.push("1"), r.fetch("1", "copy:1")
	push.Registry.Username, push.Registry.Password = "robot", "s3cret"
	fetch.Registry = push.Registry
	_, err := l.Push(t.Context(), push, nil)
	require.NoError(t, err)
	_, err = open(t, "oci:"+t.TempDir(), transfer.Options{}).Fetch(t.Context(), fetch, nil)
	require.NoError(t, err)
	require.Len(t, foreign, 6, "three blobs there and back")
	for _, authorization := range foreign {
		require.Empty(t, authorization)
	}
	require.Greater(t, elsewhere.count("x=y"), 0, "the query of the place is kept")
}
