package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Every action of the catalogue: asked at its path, with all of it, and answered
// with what its own method would have given.
func TestEveryResultArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		t.Run(e.Spec.Name, func(t *testing.T) {
			t.Parallel()
			for name, result := range map[string]reflect.Value{"everything set": filled(e.Result), "nothing set": reflect.Zero(e.Result)} {
				p := newPeer(t, func(_ int, w http.ResponseWriter, _ *http.Request) { gives(w, result.Interface()) })
				action := e.New()
				if name == "everything set" {
					fillAll(reflect.ValueOf(action).Elem(), 0)
				}
				got, err := p.remote().Invoke(t.Context(), e, action)
				require.NoError(t, err, name)
				require.IsType(t, result.Interface(), got)
				require.Equal(t, wire(t, result.Interface()), wire(t, got), name)

				req := p.requests()[0]
				require.Equal(t, "POST", req.method)
				require.Equal(t, "/v1/"+strings.ReplaceAll(strings.ReplaceAll(e.Spec.Name, ".", "/"), "_", "-"), req.path)
				require.Equal(t, "application/json", req.header.Get("Content-Type"))
				require.Equal(t, "wharf/1.2.3", req.header.Get("User-Agent"))
				require.Empty(t, req.header.Get("Authorization"))
				require.Equal(t, e.Spec.Effect != actions.Read, req.header.Get("Idempotency-Key") != "")
				require.JSONEq(t, strings.ReplaceAll(wire(t, action), `"***"`, `"hunter2"`), req.body)
				back := e.New()
				require.NoError(t, json.Unmarshal([]byte(req.body), back))
				require.Equal(t, wire(t, action), wire(t, back))
			}
		})
	}
}

func TestEveryErrorArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	for _, code := range domain.Codes() {
		sent := &domain.Error{Code: code, Reason: "a_reason", On: "thing", Message: "a message"}
		p := newPeer(t, func(_ int, w http.ResponseWriter, _ *http.Request) { problem(w, 418, sent) })
		svc := p.remote()
		for _, name := range []string{"image.get", "image.forget"} {
			e := entryOf(t, name)
			_, err := svc.Invoke(t.Context(), e, e.New())
			require.Equal(t, domain.ProblemOf(sent), domain.ProblemOf(err))
		}
		require.Len(t, p.requests(), 2, "what the service said is said")
		w := newWorld(t)
		w.env = []string{"WHARF_SERVER=" + p.URL}
		embedded := answers(t, refusing(sent))
		for _, args := range [][]string{{"image", "get", "x"}, {"image", "get", "x", "--json"}} {
			want, got := embedded.run(args...), w.run(args...)
			require.Equal(t, []any{want.code, want.out, want.stderr}, []any{got.code, got.out, got.stderr})
		}
	}
}

func TestEmptyReasonsAndNames(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(_ int, w http.ResponseWriter, _ *http.Request) { problem(w, 404, domain.ErrNotFound) })
	e := entryOf(t, "image.get")
	_, err := p.remote().Invoke(t.Context(), e, e.New())
	require.Equal(t, domain.ProblemOf(domain.ErrNotFound), domain.ProblemOf(err))
}

// A prefix of a proxy, with a slash at its end or without.
func TestServerUnderAPath(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(_ int, w http.ResponseWriter, _ *http.Request) { gives(w, actions.ListImagesResult{}) })
	e := entryOf(t, "image.list")
	for _, suffix := range []string{"/wharf", "/wharf/", "/"} {
		_, err := p.remote(func(c *cli.RemoteConfig) { c.URL = p.URL + suffix }).Invoke(t.Context(), e, e.New())
		require.NoError(t, err)
	}
	require.Equal(t, "/wharf/v1/image/list", p.requests()[0].path)
	require.Equal(t, "/wharf/v1/image/list", p.requests()[1].path)
	require.Equal(t, "/v1/image/list", p.requests()[2].path)
}

func TestWhatARemoteIsMadeOf(t *testing.T) {
	t.Parallel()
	rubbish := filepath.Join(t.TempDir(), "rubbish.pem")
	require.NoError(t, os.WriteFile(rubbish, []byte("rubbish"), 0o600))
	for says, c := range map[string]struct {
		server cli.Server
		reason string
	}{
		"a URL such as":           {cli.Server{URL: "x"}, "server_invalid"},
		"a server is a URL":       {cli.Server{URL: "ftp://x"}, "server_invalid"},
		"has no user or password": {cli.Server{URL: "https://ada:hunter2@x"}, "server_invalid"},
		"use https":               {cli.Server{URL: "http://wharf.test"}, "server_insecure"},
		"another machine":         {cli.Server{URL: "http://127.0.0.1.nip.io"}, "server_insecure"},
		"come together":           {cli.Server{URL: "https://x", Key: "k"}, "server_invalid"},
		"cannot be read":          {cli.Server{URL: "https://x", CA: "/nowhere/ca.pem"}, "file_unreadable"},
		"holds no certificate":    {cli.Server{URL: "https://x", CA: rubbish}, "server_ca_invalid"},
		"cannot be used":          {cli.Server{URL: "https://x", Cert: rubbish, Key: rubbish}, "server_cert_invalid"},
	} {
		_, err := cli.Remote(cli.RemoteConfig{Server: c.server})
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), says)
		require.Equal(t, c.reason, domain.ReasonOf(err))
		require.Contains(t, domain.MessageOf(err), says)
		require.NotContains(t, err.Error(), "hunter2")
	}
	for _, url := range []string{"http://localhost:8080", "http://127.0.0.9", "http://[::1]:8080", "https://wharf.test"} {
		_, err := cli.Remote(cli.RemoteConfig{Server: cli.Server{URL: url}})
		require.NoError(t, err, url)
	}
	_, err := cli.Remote(cli.RemoteConfig{Server: cli.Server{URL: "http://wharf.test", Insecure: true}})
	require.NoError(t, err)
}

// The whole way: names that are resolved, lists page by page, questions first.
func TestCompletionAtAServer(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/alias/search":
			gives(w, actions.SearchAliasesResult{Aliases: []domain.AliasDetail{{Alias: domain.Alias{Alias: "py"}}}})
		case "/v1/image/list":
			gives(w, actions.ListImagesResult{Images: []domain.ImageDetail{}})
		case "/v1/registry/list":
			gives(w, actions.ListRegistriesResult{Registries: []domain.Registry{{Name: "cr.test"}}})
		case "/v1/agent/list":
			gives(w, actions.ListAgentsResult{Agents: []domain.Agent{{ID: "node-1"}}})
		case "/v1/task/list":
			gives(w, actions.ListTasksResult{Tasks: []domain.Task{{ID: someID}}})
		default:
			problem(w, 404, domain.ErrNotFound)
		}
	})
	w := &world{t: t, env: []string{"WHARF_SERVER=" + p.URL, "WHARF_TOKEN=whk_x"}}
	require.Equal(t, []string{"py"}, w.offers("image", "get", ""))
	require.Equal(t, []string{"py"}, w.offers("alias", "delete", ""))
	require.Equal(t, []string{"cr.test"}, w.offers("registry", "rescan", ""))
	require.Equal(t, []string{"node-1"}, w.offers("agent", "modify", "n"))
	require.Equal(t, []string{"x,node-1"}, w.offers("agent", "preload-images", "py", "--target-agents", "x,n"))
	require.Equal(t, []string{someID}, w.offers("task", "watch", ""))
	for _, req := range p.requests() {
		require.Equal(t, "Bearer whk_x", req.header.Get("Authorization"))
	}
	p.Close()
	require.Empty(t, w.offers("image", "get", ""))
	require.NotContains(t, w.run("__completeNoDesc", "image", "get", "").ok().stderr, "reached", "a message would land in the command line")
}
