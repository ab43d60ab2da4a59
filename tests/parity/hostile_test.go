package parity_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/service"
)

// alive requires that the server goes on, with what it had.
func (s *served) alive(t *testing.T) {
	t.Helper()
	status, body := s.ask(t, "POST", "/v1/registry/list", strings.NewReader(`{"count":true}`))
	require.Equal(t, 200, status, body)
	require.Contains(t, body, theirs)
	require.Contains(t, body, `"total":`)
	status, body = s.ask(t, "POST", "/v1/image/get", strings.NewReader(s.fill(`{"reference":"$BASE"}`)))
	require.Equal(t, 200, status, body)
}

// refused requires that nothing but the input is at fault.
func refused(t *testing.T, status int, body, what string) {
	t.Helper()
	assert.Less(t, status, 500, "%s: %s", what, body)
	assert.NotContains(t, body, `"internal"`, what)
	assert.NotContains(t, body, `"panic"`, what)
}

func TestBodiesOfTenMebibytesAreNotRead(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	huge := []byte(`{"reference":"` + strings.Repeat("a", 10<<20) + `"}`)
	for _, path := range []string{"/v1/image/get", "/v1/image/scan", "/v1/role/create", "/graphql", "/admin/gql", "/nothing"} {
		for name, body := range map[string]io.Reader{"declared": bytes.NewReader(huge), "in chunks": io.MultiReader(bytes.NewReader(huge))} {
			status, answer := s.ask(t, "POST", path, body)
			if path == "/nothing" && name == "in chunks" {
				require.Equal(t, 404, status)
				continue
			}
			require.Equal(t, 413, status, "%s, %s: %s", path, name, answer)
			require.Contains(t, answer, "body_too_large")
		}
	}
	s.alive(t)
}

func TestWhatLiesADeepThousandIsRefused(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	const deep = 1000
	nested := func(open, inner, end string) string {
		return strings.Repeat(open, deep) + inner + strings.Repeat(end, deep)
	}
	filter := nested(`{"not":`, `{"field":"name","op":"eq","value":"a"}`, `}`)
	for path, bodies := range map[string][]string{
		"/v1/image/list": {
			`{"where":` + filter + `}`, nested(`[`, ``, `]`), nested(`{"where":`, `1`, `}`), `{"where":` + nested(`{"and":[`, ``, `]}`) + `}`, strings.Repeat(`{"a":`, deep),
		},
		"/v1/image/get":          {`{"reference":` + nested(`[`, `"a"`, `]`) + `}`},
		"/v1/access/simulate":    {`{"add_rules":` + nested(`[`, ``, `]`) + `}`},
		"/v1/image/modify":       {`{"target":"snake","modifier":` + nested(`{"labels":`, `{}`, `}`) + `}`},
		"/v1/registry/create":    {`{"name":"a.example.org","token_realms":` + nested(`[`, ``, `]`) + `}`},
		"/v1/agent/purge-images": {`{"keys":` + nested(`[{"images":`, `[]`, `}]`) + `}`},
	} {
		for _, body := range bodies {
			status, answer := s.ask(t, "POST", path, strings.NewReader(body))
			require.Equal(t, 400, status, "%s: %s", path, answer)
			require.Contains(t, answer, `"code":"invalid"`)
		}
	}
	status, answer := s.ask(t, "GET", "/v1/image/list?where="+url.QueryEscape(filter), nil)
	require.Equal(t, 400, status, answer)
	for name, request := range map[string]any{
		"fields":            map[string]any{"query": nested(`{ images `, ``, `}`)},
		"lists":             map[string]any{"query": `{ images_page(statuses: ` + nested(`[`, `alive`, `]`) + `) { total_count } }`},
		"objects":           map[string]any{"query": `{ images_page(where: ` + nested(`{not: `, `{field: "name", op: eq, value: "a"}`, `}`) + `) { total_count } }`},
		"variables":         map[string]any{"query": `query($w: FilterInput) { images_page(where: $w) { total_count } }`, "variables": map[string]any{"w": json.RawMessage(filter)}},
		"types":             map[string]any{"query": `query($w: ` + nested(`[`, `Int`, `]`) + `) { images_page { total_count } }`},
		"fragments":         map[string]any{"query": `{ ` + nested(`... on Query { `, `images { name }`, ` }`) + ` }`},
		"a circle":          map[string]any{"query": `{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`},
		"the schema":        map[string]any{"query": `{ __schema { types { fields { type ` + nested(`{ ofType `, `{ name }`, `}`) + ` } } } }`},
		"a thousand images": map[string]any{"query": `{ ` + many(1000) + ` }`},
	} {
		body, err := json.Marshal(request)
		require.NoError(t, err)
		status, answer := s.ask(t, "POST", "/graphql", bytes.NewReader(body))
		refused(t, status, answer, name)
		require.Contains(t, answer, `"code":"invalid"`, name)
		require.NotContains(t, answer, `"name":"python"`)
	}
	s.alive(t)
}

// many is a field under many names.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" x" + strings.Repeat("x", i%40) + string(rune('a'+i%26)) + ": images { name }")
	}
	return b.String()
}

func TestWhatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for path, body := range map[string]string{
		"/v1/image/get":       "{\"reference\":\"a\xff\"}",
		"/v1/alias/create":    "{\"alias\":\"\xc3\x28\",\"image_canonical\":\"snake\"}",
		"/v1/image/modify":    "{\"target\":\"snake\",\"modifier\":{\"labels\":{\"a\":\"\xed\xa0\x80\"}}}",
		"/v1/image/list":      "{\"where\":{\"field\":\"name\",\"op\":\"eq\",\"value\":\"\xf0\x28\x8c\x28\"}}",
		"/v1/agent/modify":    "\xef\xbb\xbf{\"agent_id\":\"rack-1\"}",
		"/v1/registry/create": "{\"name\":\"a.example.org\",\"\xff\":1}",
	} {
		status, answer := s.ask(t, "POST", path, strings.NewReader(body))
		require.Equal(t, 400, status, "%s: %s", path, answer)
		require.Contains(t, answer, `"code":"invalid"`)
	}
	for _, path := range []string{"/v1/image/get?reference=%ff", "/v1/image/get?%ff=a", "/v1/image/list?where=%7b%22field%22:%22%ff%22%7d", "/v1/%ff", "/events/background-task?taskId=%ff"} {
		status, answer := s.ask(t, "GET", path, nil)
		refused(t, status, answer, path)
		require.GreaterOrEqual(t, status, 400, "%s: %s", path, answer)
	}
	status, answer := s.ask(t, "GET", "/graphql?query=%ff", nil)
	refused(t, status, answer, "a query")
	require.Contains(t, answer, `"errors"`)
	for _, body := range []string{"{\"query\":\"{ image(reference: \\\"\xff\\\") { name } }\"}", "{\"query\":\"{ \xff }\"}", "{\"query\":\"query($r: String!) { image(reference: $r) { name } }\",\"variables\":{\"r\":\"\xff\"}}"} {
		status, answer := s.ask(t, "POST", "/graphql", strings.NewReader(body))
		refused(t, status, answer, body)
		require.Contains(t, answer, `"errors"`)
	}
	status, _ = s.askAs(t, "Bearer \xff\xfe", "GET", "/v1/image/list", nil)
	require.Equal(t, 401, status)
	s.alive(t)
}

// fragments are texts that mean something where they are not data.
func fragments() []string {
	return []string{`' OR '1'='1`, "a\x00b", `x'); DROP TABLE images; --`, `%' ESCAPE '\`, `?0 ?TableAlias $1`, `"}],"x":[{"`, strings.Repeat("'", 300)}
}

func TestSQLInAnyFieldIsData(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	gql, tried := schema(), 0
	for _, e := range service.Catalogue() {
		filled, err := os.ReadFile("../../actions/testdata/" + e.Spec.Name + ".json")
		require.NoError(t, err)
		inputs := []string{string(filled)}
		for _, c := range examples() {
			if c.action == e.Spec.Name && c.want.fails == "" {
				inputs = append(inputs, s.fill(c.input))
			}
		}
		for n, input := range inputs {
			var doc any
			require.NoError(t, json.Unmarshal([]byte(input), &doc))
			spoil(doc, func(any) {}, fragments()[:2+5*(1-min(n, 1))], func() {
				tried++
				body, err := json.Marshal(doc)
				require.NoError(t, err)
				status, answer := s.ask(t, "POST", pathOf(e.Spec.Name), bytes.NewReader(body))
				refused(t, status, answer, e.Spec.Name+" "+string(body))
				kind, f := fieldOf(gql, e)
				if f == nil || n != 1 {
					return
				}
				var again map[string]any
				require.NoError(t, json.Unmarshal(body, &again))
				delete(again, "count")
				typ := f.Arguments.ForName("input").Type
				body, err = json.Marshal(map[string]any{
					"query":     kind + "($i: " + typ.String() + ") { x: " + f.Name + "(input: $i) { __typename } }",
					"variables": map[string]any{"i": asInput(gql, typ, again)},
				})
				require.NoError(t, err)
				status, answer = s.ask(t, "POST", "/graphql", bytes.NewReader(body))
				refused(t, status, answer, e.Spec.Name+" "+string(body))
			})
		}
	}
	require.Greater(t, tried, 1000)
	for _, c := range []string{`{"s":"canonical","d":false,"k":"a\u0000b","i":"x"}`, `{"s":"canonical","d":false,"k":"a","i":"' OR 1=1 --"}`, `{"s":"canonical","d":false,"k":"'); DROP TABLE images; --","i":"\u0000"}`} {
		after := base64.RawURLEncoding.EncodeToString([]byte(c))
		status, answer := s.ask(t, "POST", "/v1/image/list", strings.NewReader(`{"after":"`+after+`","sort":"canonical"}`))
		refused(t, status, answer, c)
	}
	s.alive(t)
}

// spoil puts each of the texts in the place of every text of a document, names
// of free keys included, and calls try each time.
func spoil(v any, replace func(any), texts []string, try func()) {
	switch v := v.(type) {
	case string:
		for _, text := range texts {
			replace(text)
			try()
		}
		replace(v)
	case []any:
		for i, item := range v {
			spoil(item, func(n any) { v[i] = n }, texts, try)
		}
	case map[string]any:
		for k, item := range v {
			spoil(item, func(n any) { v[k] = n }, texts, try)
		}
		if value, free := v["key"]; free { // of labels
			delete(v, "key")
			v[texts[0]] = value
			try()
			delete(v, texts[0])
			v["key"] = value
		}
	}
}

func TestTokensThatAreNotGoodOpenNothing(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public := jose.JSONWebKey{Key: &s.key.PublicKey}
	pem, err := public.MarshalJSON()
	require.NoError(t, err)
	good := s.token(nil)
	bad := map[string]string{
		"expired":                           "Bearer " + s.token(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"without an end":                    "Bearer " + s.token(map[string]any{"exp": nil}),
		"not yet good":                      "Bearer " + s.token(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"for others":                        "Bearer " + s.token(map[string]any{"aud": "other"}),
		"for nobody":                        "Bearer " + s.token(map[string]any{"aud": nil}),
		"of another issuer":                 "Bearer " + s.token(map[string]any{"iss": "https://login.example.org"}),
		"of another key":                    "Bearer " + s.sign(other, jose.RS256, s.claims(nil)),
		"of none":                           "Bearer " + unsigned(s.claims(nil), "none"),
		"of nOnE":                           "Bearer " + unsigned(s.claims(nil), "nOnE"),
		"of RS256 and nothing":              "Bearer " + unsigned(s.claims(nil), "RS256"),
		"with the public key as the secret": "Bearer " + s.sign(pem, jose.HS256, s.claims(nil)),
		"cut":                               "Bearer " + good[:len(good)-10],
		"a key that nobody made":            "Bearer whk_" + strings.Repeat("a", 40),
		"by another scheme":                 "Basic " + good,
		"the system":                        "Bearer " + s.token(map[string]any{"sub": "system"}),
		"a node":                            "Bearer " + s.token(map[string]any{"sub": "agent:rack-1"}),
	}
	doors := map[string]string{
		"POST /v1/image/list": `{}`, "GET /v1/image/list": "", "POST /graphql": `{"query":"{ images { name } }"}`, "POST /admin/gql": `{"query":"{ images { name } }"}`,
		"GET /events/background-task?taskId=" + s.ids["$TASK"]: "", "GET /metrics": "", "GET /openapi.json": "", "GET /nothing": "",
	}
	for door, body := range doors {
		method, path, _ := strings.Cut(door, " ")
		var first string
		for name, authorization := range bad {
			status, answer := s.askAs(t, authorization, method, path, strings.NewReader(body))
			require.Equal(t, 401, status, "%s %s: %s", name, door, answer)
			require.NotContains(t, answer, "python")
			if name == "by another scheme" || name == "a key that nobody made" {
				continue // no token at all
			}
			answer = anID.ReplaceAllString(answer, "ID")
			if first == "" {
				first = answer
			}
			require.Equal(t, first, answer, "%s %s: not a word why", name, door)
		}
	}
	status, answer := s.ask(t, "POST", "/v1/image/list", strings.NewReader(`{}`))
	require.Equal(t, 200, status, answer)
	s.alive(t)
}
