package ocilayout_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
)

func TestRegistryFailures(t *testing.T) {
	status := func(part string, code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, part) {
				return false
			}
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(code)
			return true
		}
	}
	for name, c := range map[string]struct {
		spoil  func(http.ResponseWriter, *http.Request) bool
		code   domain.Code
		reason string
	}{
		"no such tag": {status("/manifests/", 404), domain.CodeNotFound, "tag_not_found"},
		"no such repository": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			return answer(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`)
		}, domain.CodeNotFound, "repository_not_found"},
		"manifest 401":            {status("/manifests/", 401), domain.CodePrecondition, "registry_credentials"},
		"manifest 403":            {status("/manifests/", 403), domain.CodePrecondition, "registry_credentials"},
		"manifest 429":            {status("/manifests/", 429), domain.CodeRateLimited, "registry_limited"},
		"manifest 500":            {status("/manifests/", 500), domain.CodeUnavailable, "registry_failed"},
		"manifest 418":            {status("/manifests/", 418), domain.CodeUnavailable, "registry_failed"},
		"handshake 404 is no 404": {status("/v2/", 404), domain.CodeUnavailable, "registry_failed"},
		"handshake 403":           {status("/v2/", 403), domain.CodePrecondition, "registry_credentials"},
		"handshake 429":           {status("/v2/", 429), domain.CodeRateLimited, "registry_limited"},
		"handshake 503":           {status("/v2/", 503), domain.CodeUnavailable, "registry_failed"},
		"blob 404":                {status("/blobs/", 404), domain.CodeUnavailable, "registry_malformed"},
		"blob 401":                {status("/blobs/", 401), domain.CodePrecondition, "registry_credentials"},
		"blob 429":                {status("/blobs/", 429), domain.CodeRateLimited, "registry_limited"},
		"blob 500":                {status("/blobs/", 500), domain.CodeUnavailable, "registry_failed"},
		"manifest is not JSON": {func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/manifests/") && answer(w, "<html>")
		}, domain.CodeUnavailable, "registry_malformed"},
		"manifest is endless": {func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/manifests/") && answer(w, strings.Repeat(" ", 9<<20))
		}, domain.CodeUnavailable, "registry_malformed"},
		"not an image": {func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/manifests/") && answer(w, `{"mediaType":"application/vnd.example+json","blobs":[]}`)
		}, domain.CodePrecondition, "not_an_image"},
		"manifest climbs out of the directory": {func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/manifests/") && answer(w, `{"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":"sha256:../../x","size":1},"layers":[]}`)
		}, domain.CodeUnavailable, "registry_malformed"},
		"sizes overflow": {func(w http.ResponseWriter, r *http.Request) bool {
			d := `{"digest":"` + sum("") + `","size":9223372036854775807}`
			return strings.Contains(r.URL.Path, "/manifests/") && answer(w, `{"mediaType":"application/vnd.oci.image.manifest.v1+json","config":`+d+`,"layers":[`+d+`]}`)
		}, domain.CodeUnavailable, "registry_malformed"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return true
		}, domain.CodeUnavailable, "registry_failed"},
		"stops in the middle": {func(w http.ResponseWriter, r *http.Request) bool {
			if blobOf(r) != large("a") {
				return false
			}
			_, _ = w.Write(make([]byte, 1<<18))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return true
		}, domain.CodeUnavailable, "registry_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := newHub(t), t.TempDir()
			stall := time.Minute
			if name == "hangs" || name == "stops in the middle" {
				stall = 50 * time.Millisecond
			}
			a := open(t, dir, ocilayout.Options{Stall: stall})
			p := h.one(t, "1", "a")
			p.Request.Manifest = ""
			h.set(c.spoil)
			_, err := a.Pull(t.Context(), p.Request, nil)
			fails(t, err, c.code, c.reason)
			if c.code == domain.CodeRateLimited {
				require.Equal(t, 17*time.Second, domain.RetryAfterOf(err))
			}
			require.Empty(t, inventory(t, a))
			sound(t, dir)
		})
	}
}

func answer(w http.ResponseWriter, body string) bool {
	_, _ = w.Write([]byte(body))
	return true
}

func TestRegistryThatIsGone(t *testing.T) {
	h := newHub(t)
	a := open(t, t.TempDir(), ocilayout.Options{})
	p := h.one(t, "1", "a")
	gone := httptest.NewServer(nil)
	gone.Close()
	p.Request.Registry.URL = gone.URL
	_, err := a.Pull(t.Context(), p.Request, nil)
	fails(t, err, domain.CodeUnavailable, "registry_failed")
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	h := newHub(t)
	a := open(t, t.TempDir(), ocilayout.Options{})
	good := h.one(t, "1", "a").Request
	h.set(nil)
	for name, spoil := range map[string]func(*domain.PullRequest){
		"registry_mismatch":    func(r *domain.PullRequest) { r.Reference.Registry = "elsewhere.example.org" },
		"registry_invalid":     func(r *domain.PullRequest) { r.Registry.URL = "ftp://x" },
		"architecture_invalid": func(r *domain.PullRequest) { r.Architecture = "" },
		"repository_invalid":   func(r *domain.PullRequest) { r.Reference.Path = "../../x" },
		"tag_invalid":          func(r *domain.PullRequest) { r.Reference.Tag = "../x" },
		"digest_invalid":       func(r *domain.PullRequest) { r.Manifest = "sha256:../x" },
	} {
		r := good
		spoil(&r)
		_, err := a.Pull(t.Context(), r, nil)
		fails(t, err, domain.CodeInvalid, name)
	}
	_, calls := h.asked()
	require.Zero(t, calls)
	_, err := a.Inventory(domain.MarkTx(t.Context()))
	fails(t, err, domain.CodeInternal, "inside_transaction")
}

func TestCredentials(t *testing.T) {
	h := newHub(t)
	p := h.one(t, "1", "a")
	p.Request.Registry.Username, p.Request.Registry.Password = "ada", "s3cret"
	basic := func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, ok := r.BasicAuth(); ok && user == "ada" && password == "s3cret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	t.Run("basic", func(t *testing.T) {
		h.set(basic)
		pull(t, open(t, t.TempDir(), ocilayout.Options{}), p)
		wrong := p.Request
		wrong.Registry.Password = "wr0ng"
		_, err := open(t, t.TempDir(), ocilayout.Options{}).Pull(t.Context(), wrong, nil)
		fails(t, err, domain.CodePrecondition, "registry_credentials")
		require.NotContains(t, err.Error(), "wr0ng")
	})
	t.Run("token of the registry itself", func(t *testing.T) {
		h.set(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				if !basic(w, r) {
					return answer(w, `{"token":"t0ken"}`)
				}
				return true
			}
			if r.Header.Get("Authorization") == "Bearer t0ken" {
				return false
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, h.host))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		pull(t, open(t, t.TempDir(), ocilayout.Options{}), p)
	})
	t.Run("never to a host that is not named", func(t *testing.T) {
		h.set(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://auth.example.com/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		_, err := open(t, t.TempDir(), ocilayout.Options{}).Pull(t.Context(), p.Request, nil)
		fails(t, err, domain.CodePrecondition, "registry_realm")
		require.Contains(t, domain.MessageOf(err), "auth.example.com")
	})
	t.Run("redirected downloads go without them", func(t *testing.T) {
		var leaked []string
		cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			leaked = append(leaked, r.Header.Get("Authorization"))
			http.NotFound(w, r)
		}))
		defer cdn.Close()
		h.set(func(w http.ResponseWriter, r *http.Request) bool {
			if basic(w, r) {
				return true
			}
			if strings.Contains(r.URL.Path, "/blobs/") {
				http.Redirect(w, r, strings.Replace(cdn.URL, "127.0.0.1", "localhost", 1)+"/blob", http.StatusTemporaryRedirect)
				return true
			}
			return false
		})
		_, err := open(t, t.TempDir(), ocilayout.Options{}).Pull(t.Context(), p.Request, nil)
		fails(t, err, domain.CodePrecondition, "registry_address")
		require.Empty(t, leaked, "an internal address, unless the row permits it")
		p.Request.Registry.PrivateNetwork = true
		_, err = open(t, t.TempDir(), ocilayout.Options{Jobs: 1}).Pull(t.Context(), p.Request, nil)
		fails(t, err, domain.CodeUnavailable, "registry_malformed")
		require.Equal(t, []string{""}, leaked)
	})
}

func TestTLS(t *testing.T) {
	h := newHub(t)
	p := h.one(t, "1", "a")
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host = "http", h.host
		r.RequestURI = ""
		resp, err := h.transport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, resp.Body)
	}))
	defer secure.Close()
	secure.Config.ErrorLog = discardLog()
	p.Request.Registry.URL = secure.URL
	a := open(t, t.TempDir(), ocilayout.Options{})
	_, err := a.Pull(t.Context(), p.Request, nil)
	fails(t, err, domain.CodeUnavailable, "registry_failed")
	p.Request.Registry.TLSSkipVerify = true
	pull(t, a, p)

	// https is never tried in the clear, although the address looks local.
	p = h.one(t, "2", "b")
	p.Request.Registry.URL = "https://" + h.host
	h.set(nil)
	_, err = a.Pull(t.Context(), p.Request, nil)
	fails(t, err, domain.CodeUnavailable, "registry_failed")
	_, calls := h.asked()
	require.Zero(t, calls)
}
