package graphql_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

const (
	plainJSON = "application/json"
	response  = "application/graphql-response+json"
)

func TestRequestsAreAnsweredAsGraphQLOverHTTPSays(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{MaxBody: 4096})
	fits := `{"query": "{ __typename }"}`
	for name, c := range map[string]struct {
		method, accept, contentType, body string
		status                            int
		answer                            string // media type
		reason                            string
	}{
		"JSON":                      {"", plainJSON, plainJSON, fits, 200, plainJSON, ""},
		"the newer type":            {"", response, plainJSON, fits, 200, response, ""},
		"the first that is known":   {"", "text/html, " + response + ", " + plainJSON, plainJSON, fits, 200, response, ""},
		"what is weighed nothing":   {"", response + ";q=0, */*", plainJSON, fits, 200, plainJSON, ""},
		"anything":                  {"", "*/*", plainJSON, fits, 200, plainJSON, ""},
		"nothing said":              {"", "", plainJSON, fits, 200, plainJSON, ""},
		"a charset":                 {"", plainJSON + "; charset=utf-8", plainJSON + "; charset=UTF-8", fits, 200, plainJSON, ""},
		"nulls":                     {"", plainJSON, plainJSON, `{"query": "{ __typename }", "variables": null, "operationName": null, "extensions": null}`, 200, plainJSON, ""},
		"extensions":                {"", response, plainJSON, `{"query": "{ __typename }", "extensions": {"x": 1}}`, 200, response, ""},
		"a hash for the query":      {"", plainJSON, plainJSON, `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}}`, 400, plainJSON, "query_missing"},
		"HTML only":                 {"", "text/html", plainJSON, fits, 406, plainJSON, "accept_invalid"},
		"no content type":           {"", plainJSON, "", fits, 415, plainJSON, "content_type_invalid"},
		"a form":                    {"", plainJSON, "application/x-www-form-urlencoded", "query={__typename}", 415, plainJSON, "content_type_invalid"},
		"text":                      {"", plainJSON, "text/plain", fits, 415, plainJSON, "content_type_invalid"},
		"files":                     {"", plainJSON, "multipart/form-data; boundary=x", "--x--", 415, plainJSON, "content_type_invalid"},
		"another charset":           {"", plainJSON, plainJSON + "; charset=utf-16", fits, 415, plainJSON, "content_type_invalid"},
		"no body":                   {"", plainJSON, plainJSON, "", 400, plainJSON, "request_malformed"},
		"half a body":               {"", response, plainJSON, `{"query": "{`, 400, response, "request_malformed"},
		"two values":                {"", plainJSON, plainJSON, fits + fits, 400, plainJSON, "request_malformed"},
		"null":                      {"", plainJSON, plainJSON, "null", 400, plainJSON, "query_missing"},
		"a number":                  {"", plainJSON, plainJSON, "7", 400, plainJSON, "request_malformed"},
		"a batch":                   {"", plainJSON, plainJSON, "[" + fits + "]", 400, plainJSON, "batch_unsupported"},
		"no query":                  {"", plainJSON, plainJSON, `{"qeury": "{ __typename }"}`, 400, plainJSON, "query_missing"},
		"a query of another type":   {"", plainJSON, plainJSON, `{"query": {"a": 1}}`, 400, plainJSON, "request_malformed"},
		"a name of another type":    {"", plainJSON, plainJSON, `{"query": "{ __typename }", "operationName": 0}`, 400, plainJSON, "request_malformed"},
		"variables in a list":       {"", plainJSON, plainJSON, `{"query": "{ __typename }", "variables": []}`, 400, plainJSON, "request_malformed"},
		"extensions of a text":      {"", plainJSON, plainJSON, `{"query": "{ __typename }", "extensions": "x"}`, 400, plainJSON, "request_malformed"},
		"a body too large":          {"", plainJSON, plainJSON, `{"query": "` + strings.Repeat(" ", 5000) + `"}`, 413, plainJSON, "body_too_large"},
		"a query without end":       {"", plainJSON, plainJSON, `{"query": "{"}`, 200, plainJSON, "query_malformed"},
		"the same, newer":           {"", response, plainJSON, `{"query": "{"}`, 400, response, "query_malformed"},
		"an unknown field":          {"", plainJSON, plainJSON, `{"query": "{ nosuch }"}`, 200, plainJSON, "query_invalid"},
		"an unknown field, newer":   {"", response, plainJSON, `{"query": "{ nosuch }"}`, 400, response, "query_invalid"},
		"a variable that is needed": {"", response, plainJSON, `{"query": "query($r: String!) { image(reference: $r) { name } }"}`, 400, response, "variable_invalid"},
		"an unknown operation":      {"", response, plainJSON, `{"query": "query A { __typename }", "operationName": "B"}`, 400, response, "operation_unknown"},
		"a subscription":            {"", response, plainJSON, `{"query": "subscription { task_events(task_id: \"x\") { seq } }"}`, 400, response, "stream_required"},
		"PUT":                       {"PUT", plainJSON, plainJSON, fits, 405, plainJSON, "method_invalid"},
		"DELETE":                    {"DELETE", response, plainJSON, fits, 405, response, "method_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			method := c.method
			if method == "" {
				method = http.MethodPost
			}
			r, err := http.NewRequestWithContext(t.Context(), method, s.url, strings.NewReader(c.body))
			require.NoError(t, err)
			for name, value := range map[string]string{"Accept": c.accept, "Content-Type": c.contentType} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			res, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			_ = res.Body.Close()
			require.Equal(t, c.status, res.StatusCode)
			require.Equal(t, c.answer+"; charset=utf-8", res.Header.Get("Content-Type"))
			again, err := http.NewRequestWithContext(t.Context(), method, s.url, strings.NewReader(c.body))
			require.NoError(t, err)
			again.Header = r.Header
			a := s.do(again)
			if c.reason == "" {
				require.Equal(t, `{"data":{"__typename":"Query"}}`, a.raw)
				return
			}
			require.Equal(t, []any{c.reason}, a.reasons(), a.raw)
			require.NotContains(t, a.raw, `"data"`, "nothing was run")
		})
	}
}

func TestGetIsForQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	img := s.stock(domain.Image{Name: "python"})[0]
	get := func(accept string, params url.Values) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"?"+params.Encode(), nil)
		require.NoError(t, err)
		r.Header.Set("X-Test-Actor", "root")
		r.Header.Set("Accept", accept)
		return s.do(r)
	}
	a := get(plainJSON, url.Values{"query": {`query A($r: String!) { image(reference: $r) { name } } query B { __typename }`}, "operationName": {"A"}, "variables": {`{"r": "` + img.Canonical() + `"}`}})
	require.Equal(t, `{"data":{"image":{"name":"python"}}}`, a.raw)
	for name, c := range map[string]struct {
		params url.Values
		status int
		reason string
	}{
		"a mutation":       {url.Values{"query": {`mutation { forget_image(reference: "` + img.Canonical() + `") { ok } }`}}, 405, "method_invalid"},
		"one of two":       {url.Values{"query": {`query A { __typename } mutation B { __typename }`}, "operationName": {"B"}}, 405, "method_invalid"},
		"nothing":          {url.Values{}, 400, "query_missing"},
		"variables broken": {url.Values{"query": {`{ __typename }`}, "variables": {"{"}}, 400, "request_malformed"},
		"variables a list": {url.Values{"query": {`{ __typename }`}, "variables": {"[]"}}, 400, "request_malformed"},
	} {
		a := get(response, c.params)
		require.Equal(t, c.status, a.status, name)
		require.Equal(t, []any{c.reason}, a.reasons(), name)
	}
	require.Equal(t, string(domain.ImageAlive), s.must("root", `query($r: String!) { image_node(input: {reference: $r}) { status } }`, map[string]any{"r": img.ID})["image_node"].(map[string]any)["status"].(string), "and nothing was done")
}

// broken is a store that fails, or panics, instead of opening.
type broken struct {
	repository.Store
	panics bool
}

var errDetail = errors.New("password authentication failed for user wharf at 10.0.0.7")

func (b broken) Scoped(repository.Unit) repository.Scoped {
	if b.panics {
		panic(errDetail)
	}
	return brokenDB{}
}

type brokenDB struct{ repository.Scoped }

func (brokenDB) Read() repository.View { return repository.View{Images: brokenImages{}} }

type brokenImages struct{ repository.ImageRepository }

func (brokenImages) List(context.Context, domain.ImageQuery, domain.Page) ([]domain.ImageDetail, domain.PageInfo, error) {
	return nil, domain.PageInfo{}, domain.Internal("images.list", errDetail)
}

func TestWhatOperatorsNeedToKnowStaysInside(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	for name, store := range map[string]broken{"an error": {}, "a panic": {panics: true}} {
		svc, err := service.New(service.Config{Store: store, Authorizer: porttest.AllowAll{}})
		require.NoError(t, err)
		s.ImageService = svc
		a := s.askAt(s.serve(graphql.Options{}), "root", `{ images { name } images_page { total_count } }`, nil)
		require.Equal(t, http.StatusOK, a.status)
		require.Len(t, a.Errors, 2, name)
		for _, e := range a.Errors {
			require.Equal(t, "internal error", e.Message, name)
			require.Equal(t, "internal", e.Extensions["code"])
		}
		require.NotContains(t, a.raw, "10.0.0.7")
		require.NotContains(t, a.raw, "goroutine")
	}
}

func TestAPanicEndsOneAnswerAndNotTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.ImageService = &service.ImageService{} // whose rooms are nowhere
	url := s.serve(graphql.Options{})
	a := s.askAt(url, "root", `{ images { name } __typename }`, nil)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, map[string]any{"images": nil, "__typename": "Query"}, a.Data)
	require.Equal(t, []any{"panic"}, a.reasons())
	require.Equal(t, "internal error", a.Errors[0].Message)
	e := s.listen(url, "root", follow, map[string]any{"id": "x"})
	name, a := e.next()
	require.Equal(t, "next", name)
	require.Equal(t, []any{"panic"}, a.reasons())
	name, _ = e.next()
	require.Equal(t, "complete", name)
}

func TestEveryCodeReachesTheClient(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	for _, code := range domain.Codes() {
		refuse := func(service.Invoke) service.Invoke {
			return func(context.Context, *service.Call) error {
				return &domain.Error{Code: code, Reason: "some_reason", On: "thing", Message: "read this", RetryAfter: 1500 * time.Millisecond, Op: "secret.op", Err: errDetail}
			}
		}
		svc, err := service.New(service.Config{Store: s.store, Authorizer: porttest.AllowAll{}, Middleware: []service.Middleware{refuse}})
		require.NoError(t, err)
		s.ImageService = svc
		a := s.askAt(s.serve(graphql.Options{}), "root", `{ images { name } }`, nil)
		require.Equal(t, http.StatusOK, a.status)
		require.Len(t, a.Errors, 1)
		require.Equal(t, "read this", a.Errors[0].Message)
		require.Equal(t, map[string]any{"code": string(code), "reason": "some_reason", "on": "thing", "retry_after": json.Number("1.5")}, a.Errors[0].Extensions)
		require.NotContains(t, a.raw, "secret.op")
	}
}
