package rest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestTheOpenAPIDocumentStaysAsItIs(t *testing.T) {
	t.Parallel()
	res := newWorld(t, at{}).do("GET", "/openapi.json", "")
	require.Equal(t, "application/json", res.Header.Get("Content-Type"))
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, res.body, "", "  "))
	got.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile("testdata/openapi.json", got.Bytes(), 0o644))
	}
	want, err := os.ReadFile("testdata/openapi.json")
	require.NoError(t, err, "go test ./adapters/rest -update writes it")
	require.Equal(t, string(want), got.String())
}

func document(t *testing.T) *huma.OpenAPI {
	t.Helper()
	h, err := rest.New(newWorld(t, at{}).svc, rest.Options{})
	require.NoError(t, err)
	return rest.Document(h)
}

func TestTheDocumentHasEveryOperationOfTheCatalogue(t *testing.T) {
	t.Parallel()
	doc := document(t)
	require.Equal(t, "3.1.0", doc.OpenAPI)
	require.Len(t, doc.Paths, len(service.Catalogue())+3, "and the events, /images and /images/{id}")
	for _, e := range service.Catalogue() {
		item := doc.Paths[rest.PathOf(e.Spec.Name)]
		require.NotNil(t, item, e.Spec.Name)
		require.Equal(t, e.Method, item.Post.OperationID)
		require.Equal(t, e.Spec.Effect == actions.Read, item.Get != nil, e.Spec.Name)
		require.Equal(t, e.Spec.Class != "", item.Post.Responses["202"] != nil, e.Spec.Name)
		for _, op := range []*huma.Operation{item.Post, item.Get} {
			if op == nil {
				continue
			}
			noun, _, _ := strings.Cut(e.Spec.Name, ".")
			require.Equal(t, []string{noun}, op.Tags)
			require.Equal(t, e.Spec.Summary, op.Summary)
			require.NotNil(t, op.Responses["200"])
			require.NotNil(t, op.Responses["default"])
		}
	}
}

// Every reference leads somewhere, and every field of an action is explained
// where the action explains it.
func TestTheDocumentIsWhole(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(document(t))
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(raw, &doc))
	refs := regexp.MustCompile(`"\$ref":"#/([^"]+)"`).FindAllSubmatch(raw, -1)
	require.NotEmpty(t, refs)
	for _, ref := range refs {
		var at any = doc
		for _, key := range strings.Split(string(ref[1]), "/") {
			next, ok := at.(map[string]any)
			require.True(t, ok, "%s", ref[1])
			at = next[key]
		}
		require.NotNil(t, at, "%s", ref[1])
	}
}

// keys are the names of an object.
func keys(t *testing.T, v any) []string {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(body(t, v)), &m))
	var list []string
	for k := range m {
		list = append(list, k)
	}
	return list
}

func TestTheSchemaOfAnImageHasWhatAnImageShows(t *testing.T) {
	t.Parallel()
	img := domain.Image{
		Owner: "u", Labels: map[string]string{"a": "b"}, OperatorLabels: map[string]string{"a": "b"},
		CustomLimits: domain.Limits{"cpu": {Min: "1"}}, LastUsedAt: domain.Image{}.CreatedAt.AddDate(1, 0, 0),
	}
	schemas := document(t).Components.Schemas.Map()
	for name, shown := range map[string]any{"ImageDetail": domain.ImageDetail{Image: img}, "Image": img} {
		var described []string
		for k := range schemas[name].Properties {
			described = append(described, k)
		}
		require.ElementsMatch(t, keys(t, shown), described, name)
	}
	require.True(t, schemas["ImageModifier"].Properties["labels"].Nullable, "null clears them")
	require.False(t, schemas["ModifyImageAction"].Properties["target"].Nullable)
	require.Equal(t, []string{"reference"}, schemas["GetImageAction"].Required)
	require.Equal(t, false, schemas["GetImageAction"].AdditionalProperties)
	require.Equal(t, "password", schemas["CreateRegistryAction"].Properties["password"].Format)
}

// conforms checks JSON against the schema of an operation's answer.
func conforms(t *testing.T, doc *huma.OpenAPI, action string, status string, answer []byte) {
	t.Helper()
	media := doc.Paths[rest.PathOf(action)].Post.Responses[status].Content
	for _, m := range media {
		var v any
		require.NoError(t, json.Unmarshal(answer, &v))
		res := &huma.ValidateResult{}
		huma.Validate(doc.Components.Schemas, m.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, res)
		require.Empty(t, res.Errors, "%s: %s", action, answer)
	}
}

func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	w, doc := newWorld(t, at{}), document(t)
	img := w.image("team/app:1")
	w.do("POST", "/v1/agent/register", `{"agent_id": "n1", "kind": "ocilayout", "address": "/x", "scaling_group": "g", "architecture": "x86_64"}`).ok(200)
	for _, c := range []struct{ action, body, status string }{
		{"image.get", body(t, map[string]any{"reference": img.ID}), "200"},
		{"image.list", `{"count": true, "where": {"field": "tag", "op": "eq", "value": "1"}}`, "200"},
		{"image.modify_by_id", body(t, map[string]any{"image_id": img.ID, "modifier": map[string]any{"resource_limits": map[string]any{"cpu": 2}}}), "200"},
		{"image.set_limit_by_id", body(t, map[string]any{"image_id": img.ID, "slot": "cpu", "min": "1"}), "200"},
		{"alias.create_by_id", body(t, map[string]any{"image_id": img.ID, "alias": "app"}), "200"},
		{"alias.search", `{}`, "200"},
		{"image.forget_many", body(t, map[string]any{"image_ids": []any{img.ID}, "dry_run": true}), "200"},
		{"registry.list", `{}`, "200"},
		{"agent.list", `{}`, "200"},
		{"registry.rescan", `{"background": true}`, "202"},
		{"task.list", `{}`, "200"},
		{"audit.search", `{"limit": 3}`, "200"},
		{"access.explain", `{"permission": "image.get"}`, "200"},
		{"image.get", `{"reference": "cr.example.org/nothing:1"}`, "default"},
	} {
		conforms(t, doc, c.action, c.status, w.do("POST", rest.PathOf(c.action), c.body).body)
	}
}

func TestTheDocumentIsServedAsYAMLToo(t *testing.T) {
	t.Parallel()
	res := newWorld(t, at{}).do("GET", "/openapi.yaml", "")
	require.Equal(t, "application/yaml", res.Header.Get("Content-Type"))
	require.Contains(t, string(res.body), "openapi: 3.1.0\n")
	require.Contains(t, string(res.body), "/v1/image/forget-by-id:\n")
}

func TestTheDocsLoadNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	page := w.do("GET", "/docs", "")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'self'")
	require.NotContains(t, string(page.body), "<style")
	require.NotRegexp(t, `<script>|<script [^>]*>[^<]|\son[a-z]+=`, string(page.body), "no inline code")
	links := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(page.body, -1)
	require.Len(t, links, 4)
	for _, link := range links {
		res := w.do("GET", "/"+string(link[1]), "")
		require.Equal(t, http.StatusOK, res.StatusCode, "%s", link[1])
		if !strings.HasPrefix(string(link[1]), "openapi") {
			require.NotRegexp(t, `https?://|innerHTML|eval`, string(res.body), "%s", link[1])
		}
	}
}
