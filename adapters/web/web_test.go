package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/web"
	"github.com/wharf-project/wharf/domain"
)

// whoami answers with what the server knows of the caller.
func whoami(w http.ResponseWriter, r *http.Request) {
	e, _ := domain.EnvelopeFrom(r.Context())
	_ = json.NewEncoder(w).Encode(map[string]any{"id": e.Actor.ID, "request": e.RequestID})
}

func byName(_ context.Context, text string) (domain.Actor, error) {
	if text == "bad" {
		return domain.Actor{}, domain.Errorf(domain.CodeUnauthenticated, "token_invalid", "", "the token is not valid here")
	}
	if text == "away" {
		return domain.Actor{}, domain.Errorf(domain.CodeUnavailable, "issuer_unavailable", "", "the issuer of tokens cannot be reached")
	}
	return domain.Actor{ID: domain.UserID(text)}, nil
}

// start runs a server until the test ends, and returns its URL.
func start(t *testing.T, c web.Config) (url string, stop func() error) {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	if c.Handler == nil {
		c.Handler = http.HandlerFunc(whoami)
	}
	if c.Authenticate == nil {
		c.Authenticate = web.Bearer("whk_", byName, byName)
	}
	s, err := web.Listen(t.Context(), c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ran
	}
	t.Cleanup(func() { require.NoError(t, stop()) })
	return s.URL(), stop
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func ask(t *testing.T, method, url, body string, header map[string]string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	_ = json.Unmarshal(text, &a.body)
	return a
}

func TestWhoCallsIsFoundOutBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	url, _ := start(t, web.Config{})
	for name, c := range map[string]struct {
		header string
		status int
		reason string
	}{
		"nobody":           {"", 401, "credentials_missing"},
		"a bad token":      {"Bearer bad", 401, "token_invalid"},
		"another scheme":   {"Basic YTpi", 401, "credentials_malformed"},
		"no token":         {"Bearer ", 401, "credentials_malformed"},
		"an issuer's away": {"Bearer away", 503, "issuer_unavailable"},
	} {
		got := ask(t, "GET", url+"/x", "", map[string]string{"Authorization": c.header})
		if c.header == "" {
			got = ask(t, "GET", url+"/x", "", nil)
		}
		require.Equal(t, c.status, got.status, name)
		require.Equal(t, c.reason, got.body["reason"], name)
		require.Equal(t, "application/problem+json", got.header.Get("Content-Type"), name)
		require.Equal(t, c.status == 401, got.header.Get("WWW-Authenticate") != "", name)
	}
	got := ask(t, "GET", url+"/x", "", map[string]string{"Authorization": "bearer ada", "X-Request-Id": "mine-1"})
	require.Equal(t, map[string]any{"id": "ada", "request": "mine-1"}, got.body)
	require.Equal(t, "mine-1", got.header.Get("X-Request-Id"))
	for _, odd := range []string{"a b", strings.Repeat("x", 200)} {
		got = ask(t, "GET", url+"/x", "", map[string]string{"Authorization": "Bearer ada", "X-Request-Id": odd})
		require.NotEqual(t, odd, got.body["request"])
		require.Len(t, got.body["request"], 36)
	}
}

func TestHealthAsksForNothing(t *testing.T) {
	t.Parallel()
	var sick error
	url, _ := start(t, web.Config{Ready: func(context.Context) error { return sick }})
	require.Equal(t, 200, ask(t, "GET", url+"/livez", "", nil).status)
	require.Equal(t, 200, ask(t, "GET", url+"/readyz", "", nil).status)
	sick = domain.Errorf(domain.CodeUnavailable, "database_unavailable", "db", "secret detail")
	got := ask(t, "GET", url+"/readyz", "", nil)
	require.Equal(t, 503, got.status)
	require.Equal(t, map[string]any{"status": "unavailable", "reason": "database_unavailable"}, got.body)
	require.Equal(t, 200, ask(t, "GET", url+"/livez", "", nil).status, "it lives")
	require.Equal(t, 401, ask(t, "GET", url+"/metrics", "", nil).status, "numbers are for somebody known")
}

func TestNobodyTakesMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	url, _ := start(t, web.Config{
		Limits: web.Limits{Body: 1000, Concurrent: 1},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				close(entered)
				<-leave
			}
			if r.URL.Path == "/panic" {
				panic("defect")
			}
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}),
	})
	ada := map[string]string{"Authorization": "Bearer ada"}
	require.Equal(t, 413, ask(t, "POST", url+"/x", strings.Repeat("x", 1001), ada).status)
	require.Equal(t, 500, ask(t, "POST", url+"/panic", "", ada).status)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/x", io.LimitReader(zeros{}, 1<<20)) // without a length
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer ada")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 413, res.StatusCode)

	done := make(chan struct{})
	go func() { defer close(done); ask(t, "GET", url+"/wait", "", ada) }()
	<-entered
	busy := ask(t, "GET", url+"/x", "", ada)
	require.Equal(t, 503, busy.status)
	require.Equal(t, "server_busy", busy.body["reason"])
	require.Equal(t, "1", busy.header.Get("Retry-After"))
	require.Equal(t, 200, ask(t, "GET", url+"/livez", "", nil).status)
	close(leave)
	<-done
	require.Equal(t, 200, ask(t, "GET", url+"/x", "", ada).status)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestAServerEndsWhenItsRequestsHave(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	url, stop := start(t, web.Config{
		Limits: web.Limits{Shutdown: 30 * time.Second},
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			<-leave
		}),
	})
	status, ended := make(chan int, 1), make(chan error, 1)
	go func() { status <- ask(t, "GET", url+"/x", "", map[string]string{"Authorization": "Bearer ada"}).status }()
	<-entered
	go func() { ended <- stop() }()
	close(leave)
	require.Equal(t, 200, <-status)
	require.NoError(t, <-ended)
}

func TestServersThatWouldSpeakInTheOpenAreRefused(t *testing.T) {
	t.Parallel()
	base := web.Config{Handler: http.HandlerFunc(whoami), Authenticate: web.Bearer("whk_", nil, nil)}
	for name, change := range map[string]func(*web.Config){
		"no TLS":               func(c *web.Config) { c.Listen = "0.0.0.0:0" },
		"no key":               func(c *web.Config) { c.Cert = "cert.pem" },
		"clients' CA alone":    func(c *web.Config) { c.ClientCA = "ca.pem" },
		"no file":              func(c *web.Config) { c.Cert, c.Key = "/none", "/none" },
		"no address":           func(c *web.Config) { c.Listen = "here" },
		"nobody authenticates": func(c *web.Config) { c.Authenticate = nil },
	} {
		c := base
		change(&c)
		_, err := web.Listen(t.Context(), c)
		require.ErrorIs(t, err, domain.ErrInvalid, name)
	}
	_, err := web.Bearer("whk_", nil, nil)(t.Context(), &http.Request{Header: http.Header{"Authorization": {"Bearer x"}}})
	require.ErrorIs(t, err, domain.ErrUnauthenticated, "without a way, nobody is known")
}
