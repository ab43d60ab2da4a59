package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

// graphqlClient knows the documentation of the interface and nothing else.
type graphqlClient struct {
	t   *testing.T
	url string
}

func (c graphqlClient) request(query string, accept string) *http.Response {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query})
	require.NoError(c.t, err)
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url, bytes.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(c.t, http.StatusOK, res.StatusCode)
	return res
}

func (c graphqlClient) ask(query string, into any) {
	c.t.Helper()
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	require.NoError(c.t, json.NewDecoder(c.request(query, "application/json").Body).Decode(&answer))
	require.Empty(c.t, string(answer.Errors))
	require.NoError(c.t, json.Unmarshal(answer.Data, into))
}

// started runs a mutation that returns a task, and follows that to its end.
func (c graphqlClient) started(field string) (last string) {
	c.t.Helper()
	var got struct {
		M struct {
			OK     bool   `json:"ok"`
			Msg    string `json:"msg"`
			TaskID string `json:"task_id"`
		} `json:"m"`
	}
	c.ask(`mutation { m: `+field+` { ok msg task_id } }`, &got)
	require.True(c.t, got.M.OK, got.M.Msg)
	lines := bufio.NewScanner(c.request(`subscription { task_events(task_id: "`+got.M.TaskID+`") { seq type } }`, "text/event-stream").Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event: complete") {
			return last
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	require.Fail(c.t, "the stream broke off", "%v", lines.Err())
	return ""
}

func TestAClientOfTheGraphQLDocumentationManagesImages(t *testing.T) {
	t.Parallel()
	s := newSite(t, containers.DistributionV3)
	s.register(t, "cr.example.org")
	s.agent(t, "agent-1")
	s.push(t, kernels.Image{Repository: "stable/python", Tag: "3.12"}, kernels.Image{Repository: "stable/node", Tag: "20"})
	handler := graphql.New(s.ImageService, graphql.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(domain.WithActor(r.Context(), domain.Actor{ID: "admin", Role: domain.RoleSuperadmin})))
	}))
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	defer func() { stop(); <-ran }()

	c := graphqlClient{t, server.URL}
	require.Contains(t, c.started(`rescan_images(registry: "cr.example.org")`), `"type":"task_done"`)
	type image struct {
		Name, Tag, Registry, Digest string
		Aliases                     []string
		Installed                   bool
		Agents                      []string `json:"installed_agents"`
	}
	var list struct{ Images []image }
	c.ask(`{ images { name tag registry digest aliases installed installed_agents } }`, &list)
	require.Len(t, list.Images, 2)
	require.Equal(t, "stable/node", list.Images[0].Name)
	require.Regexp(t, "^sha256:", list.Images[0].Digest)

	var done struct{ M struct{ OK bool } }
	c.ask(`mutation { m: alias_image(alias: "py", target: "cr.example.org/stable/python:3.12") { ok msg } }`, &done)
	require.True(t, done.M.OK)
	require.Contains(t, c.started(`preload_image(reference: "py", target_agents: "agent-*")`), `"type":"task_done"`)
	var one struct{ Image image }
	c.ask(`{ image(reference: "py") { name tag registry digest aliases installed installed_agents } }`, &one)
	require.Equal(t, []string{"agent-1"}, one.Image.Agents)
	require.Equal(t, []string{"py"}, one.Image.Aliases)
	require.Contains(t, c.started(`unload_image(reference: "py", target_agents: "*")`), `"type":"task_done"`)
	c.ask(`{ image(reference: "py") { installed installed_agents } }`, &one)
	require.False(t, one.Image.Installed)
	require.Empty(t, one.Image.Agents)
	c.ask(`mutation { m: forget_image(reference: "py") { ok msg } }`, &done)
	require.True(t, done.M.OK)
	list.Images = nil
	c.ask(`{ images { name } }`, &list)
	require.Len(t, list.Images, 1)
}
