package integration_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
)

// served is a whole server with no configuration but where its files are, and a
// key of a superadmin.
type served struct {
	url, key string
	stop     func() error
}

func newServed(t *testing.T) *served {
	t.Helper()
	dir := t.TempDir()
	local, err := app.Open(t.Context(), app.Config{Dir: dir})
	require.NoError(t, err)
	root := domain.WithActor(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})
	made, err := local.CreateKey(root, actions.CreateKeyAction{Name: "test"})
	require.NoError(t, err)
	require.NoError(t, local.Close())

	ctx, cancel := context.WithCancel(context.Background())
	ready, ran := make(chan string, 1), make(chan error, 1)
	go func() {
		ran <- app.Serve(ctx, app.Config{Dir: dir}, app.ServerConfig{Listen: "127.0.0.1:0", Ready: func(url, _ string) { ready <- url }})
	}()
	s := &served{key: string(made.Secret)}
	select {
	case s.url = <-ready:
	case err := <-ran:
		cancel()
		require.NoError(t, err)
	}
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ran
	}
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	return s
}

func (s *served) ask(t *testing.T, method, path, body string, header map[string]string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header, string(text)
}

func TestTheServerWorksWithNoConfiguration(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/openapi.json": 200, "/docs": 200, "/v1/image/list": 200, "/nothing": 404} {
		status, _, body := s.ask(t, "GET", path, "", nil)
		require.Equal(t, want, status, "%s: %s", path, body)
	}
	for _, path := range []string{"/metrics", "/openapi.json", "/v1/image/list", "/graphql", "/events/background-task?taskId=x", "/nothing"} {
		status, _, body := s.ask(t, "GET", path, "", map[string]string{"Authorization": ""})
		require.Equal(t, 401, status, "%s: %s", path, body)
	}
	status, header, body := s.ask(t, "POST", "/v1/registry/create", `{"name": "cr.example.org"}`, map[string]string{"Idempotency-Key": "once", "X-Request-Id": "mine"})
	require.Equal(t, 200, status, body)
	require.Equal(t, "mine", header.Get("X-Request-Id"))
	require.NotEmpty(t, header.Get("X-Ratelimit-Remaining"))
	_, _, again := s.ask(t, "POST", "/v1/registry/create", `{"name": "cr.example.org"}`, map[string]string{"Idempotency-Key": "once"})
	require.JSONEq(t, body, again)

	status, _, body = s.ask(t, "POST", "/graphql", `{"query": "{ images { name } image(reference: \"nothing:1\") { name } }"}`, nil)
	require.Equal(t, 200, status, body)
	require.Contains(t, body, `"images":[]`)
	_, _, metrics := s.ask(t, "GET", "/metrics", "", nil)
	require.Contains(t, metrics, `wharf_actions_total{action="registry.create",code="ok"}`)
}

func TestATaskIsFollowedOverHTTPUntilItsEnd(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	_, _, body := s.ask(t, "POST", "/v1/registry/create", `{"name": "cr.example.org", "url": "http://127.0.0.1:1", "private_network": true}`, nil)
	require.Contains(t, body, "cr.example.org")
	status, header, body := s.ask(t, "POST", "/v1/registry/rescan", `{}`, map[string]string{"Prefer": "respond-async"})
	require.Equal(t, 202, status, body)
	require.NotEmpty(t, header.Get("Location"))
	var got struct {
		TaskID string `json:"task_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/events/background-task?taskId="+got.TaskID, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "text/event-stream", strings.Split(res.Header.Get("Content-Type"), ";")[0])
	var last string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			last = name
		}
	}
	require.Equal(t, "task_failed", last, "the registry cannot be reached")
	status, _, _ = s.ask(t, "GET", "/events/background-task?taskId="+string(domain.NewID[domain.TaskID]()), "", nil)
	require.Equal(t, 404, status)
}

func TestTheServerEndsInOrder(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	_, _, body := s.ask(t, "POST", "/v1/agent/register", `{"agent_id": "n", "kind": "fleet", "scaling_group": "g"}`, nil)
	require.Contains(t, body, `"offline"`)
	start := time.Now()
	require.NoError(t, s.stop())
	require.Less(t, time.Since(start), 15*time.Second)
}
