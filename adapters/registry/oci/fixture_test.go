package oci_test

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// server is an HTTP server that remembers what it was asked.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

type seen struct{ method, path, authorization string }

func serve(tb testing.TB, h http.Handler) *server {
	tb.Helper()
	return serveAt(tb, "127.0.0.1", h)
}

// serveAt serves at an address of this machine.
func serveAt(tb testing.TB, address string, h http.Handler) *server {
	tb.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s.remember(h))
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	require.NoError(tb, err)
	require.NoError(tb, s.Listener.Close())
	s.Listener = l
	s.Start()
	tb.Cleanup(s.Close)
	return s
}

func (s *server) remember(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, seen{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization")})
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

func (s *server) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.URL, "http://"), "https://")
}

func (s *server) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

func (s *server) lines() []string {
	var lines []string
	for _, r := range s.requests() {
		lines = append(lines, r.method+" "+r.path)
	}
	return lines
}

// count counts the requests whose line starts with prefix.
func (s *server) count(prefix string) int {
	n := 0
	for _, line := range s.lines() {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// open opens a row; name and type are filled in.
func open(tb testing.TB, row domain.Registry, o oci.Options) *oci.Client {
	tb.Helper()
	if row.Name == "" {
		_, row.Name, _ = strings.Cut(row.URL, "://")
	}
	row.Type = domain.RegistryOCI
	r, err := oci.Opener(o)(tb.Context(), row)
	require.NoError(tb, err)
	c, isClient := r.(*oci.Client)
	require.True(tb, isClient)
	tb.Cleanup(func() { require.NoError(tb, c.Close()) })
	return c
}

// answers opens a registry that answers everything with h.
func answers(tb testing.TB, h http.HandlerFunc) *oci.Client {
	tb.Helper()
	return open(tb, domain.Registry{URL: serve(tb, h).URL}, oci.Options{Attempts: 1})
}

// fail answers as registries do.
func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"said the registry"}]}`, code)
}

func digestOf(content string) domain.Digest {
	return domain.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))))
}

// shelf is a registry of documents: what is put on it is served by its digest,
// and under names.
type shelf map[string]stored

type stored struct {
	contentType, body string
	header            http.Header
}

func (s shelf) put(path, contentType, body string) domain.Digest {
	d := digestOf(body)
	document := stored{contentType: contentType, body: body}
	s["/v2/"+path] = document
	s["/v2/"+path[:strings.LastIndexByte(path, '/')+1]+d.String()] = document
	return d
}

func (s shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	document, found := s[r.URL.Path]
	if !found {
		fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", document.contentType)
	w.Header().Set("Docker-Content-Digest", digestOf(document.body).String())
	for k, v := range document.header {
		w.Header()[k] = v
	}
	_, _ = w.Write([]byte(document.body))
}

// handlerTransport calls a handler in the place of a network, for tests with
// fake time.
type handlerTransport struct{ http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	t.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

var tagOne = domain.Reference{Path: "a", Tag: "1"}

func describe(tb testing.TB, c *oci.Client, path, tag string) (domain.Description, error) {
	tb.Helper()
	return c.Describe(tb.Context(), domain.Reference{Path: path, Tag: tag}, "")
}

// repositories drains a listing.
func repositories(tb testing.TB, c *oci.Client) (names []string, err error) {
	tb.Helper()
	for name, e := range c.Repositories(tb.Context()) {
		if err = e; e == nil {
			names = append(names, name)
		}
	}
	return names, err
}

func tags(tb testing.TB, c *oci.Client, repo string) (names []string, err error) {
	tb.Helper()
	for row, e := range c.Tags(tb.Context(), repo) {
		if err = e; e == nil {
			names = append(names, row.Tag)
		}
	}
	return names, err
}

func requireCode(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	require.Error(tb, err)
	require.Equal(tb, string(code)+"/"+reason, string(domain.CodeOf(err))+"/"+domain.ReasonOf(err), "%v", err)
	require.NotContains(tb, err.Error(), password, "no secrets in errors")
}
