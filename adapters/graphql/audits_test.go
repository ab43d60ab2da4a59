package graphql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/graphql"
)

// audit is one point of GraphQL over HTTP. today is what our server does where
// it may do something else: a status, and the reason of a refusal.
type audit struct {
	id, level, says string
	call            call
	needs           needs
	today           string
}

// call is what an audit sends; a header that is "" is not sent.
type call struct {
	method, accept, contentType, body string
	params                            url.Values
}

func posted(accept, body string) call {
	return call{method: http.MethodPost, accept: accept, contentType: plainJSON, body: body}
}

func got(accept string, params url.Values) call {
	return call{method: http.MethodGet, accept: accept, params: params}
}

func (c call) send(tb testing.TB, server string) heard {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), c.method, server+"?"+c.params.Encode(), strings.NewReader(c.body))
	require.NoError(tb, err)
	for name, value := range map[string]string{"Accept": c.accept, "Content-Type": c.contentType} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(tb, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(tb, err)
	return heard{res.StatusCode, res.Header.Get("Content-Type"), body}
}

// heard is what an audit is answered.
type heard struct {
	status      int
	contentType string
	body        []byte
}

func (h heard) mediaType() string {
	mediaType, _, _ := mime.ParseMediaType(h.contentType)
	return mediaType
}

// entries are those of a response of GraphQL. A page that looks like one is none.
func (h heard) entries() (e map[string]any, err error) {
	if m := h.mediaType(); m != plainJSON && m != response {
		return nil, fmt.Errorf("%q is no response of GraphQL", h.contentType)
	}
	err = json.Unmarshal(h.body, &e)
	return e, err
}

// summary is what an audit calls today.
func (h heard) summary() string {
	var a answer
	_ = json.Unmarshal(h.body, &a)
	return strings.TrimSpace(fmt.Sprint(append([]any{h.status, " "}, a.reasons()...)...))
}

func TestTheServerPassesTheAuditsOfGraphQLOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	seen := map[string]bool{}
	for _, a := range audits() {
		require.False(t, seen[a.id], a.id)
		require.Equal(t, a.level == "MAY", a.today != "", a.id)
		seen[a.id] = true
		t.Run(a.id+" the server "+a.level+" "+a.says, func(t *testing.T) {
			t.Parallel()
			h := a.call.send(t, s.url)
			require.NoError(t, a.needs.fault(h))
			if a.today != "" {
				require.Equal(t, a.today, h.summary())
			}
		})
	}
	require.Len(t, seen, 61)
}

// rewritten answers what h answers, but for what change makes of it.
func rewritten(h http.Handler, change func(header http.Header, status int, body []byte) (int, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.Header().Del("Content-Length")
		status, body := change(w.Header(), rec.Code, rec.Body.Bytes())
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// reread gives h the bodies that change makes of those of requests.
func reread(h http.Handler, change func([]byte) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(change(body)))
		h.ServeHTTP(w, r)
	}
}

func TestTheAuditsFailServersThatDoOtherwise(t *testing.T) {
	t.Parallel()
	h := graphql.New(newSite(t, graphql.Options{}).ImageService, graphql.Options{})
	allBut := func(ids ...string) (list []string) {
		for _, a := range audits() {
			if !slices.Contains(ids, a.id) {
				list = append(list, a.id)
			}
		}
		return list
	}
	for name, c := range map[string]struct {
		server http.HandlerFunc
		fails  []string
	}{
		"it answers with pages and 200": {rewritten(h, func(header http.Header, _ int, body []byte) (int, []byte) {
			header.Set("Content-Type", "text/html; charset=utf-8")
			return http.StatusOK, body
		}), allBut("82A3", "B6DC")},
		"it fails whatever is asked": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "out of order", http.StatusInternalServerError)
		}, allBut("8764", "865D", "51FE", "B6DC")},
		"it sends clients elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
		}, allBut()},
		"it does not look at content types": {func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Accept")
			r.Header.Set("Content-Type", plainJSON)
			h.ServeHTTP(w, r)
		}, strings.Fields("22EB 51FE 556A 74FF 865D 86EE 9ABE")},
		"it writes ISO 8859-1": {rewritten(h, func(_ http.Header, status int, body []byte) (int, []byte) {
			var latin []byte
			for _, r := range string(body) {
				latin = append(latin, byte(r))
			}
			return status, latin
		}), strings.Fields("78D5 82A3 BF61")},
		"it reads ISO 8859-1": {reread(h, func(body []byte) []byte {
			var b strings.Builder
			for _, c := range body {
				b.WriteRune(rune(c))
			}
			return []byte(b.String())
		}), strings.Fields("78D5 BF61")},
		"it reads nothing of a POST but the query": {reread(h, func(body []byte) []byte {
			var req struct {
				Query any `json:"query"`
			}
			if json.Unmarshal(body, &req) != nil {
				return body
			}
			body, _ = json.Marshal(req)
			return body
		}), strings.Fields("28B9 2EA1 4760 4761 4762 4763 58B0 58B1 58B2 58B3 6C00 6C01 6C02 6C03 8161 B8B3")},
		"it has data beside errors, and errors beside data": {rewritten(h, func(_ http.Header, status int, body []byte) (int, []byte) {
			if bytes.HasPrefix(body, []byte(`{"data"`)) {
				return status, bytes.Replace(body, []byte(`{`), []byte(`{"errors":[],`), 1)
			}
			return status, bytes.Replace(body, []byte(`{`), []byte(`{"data":null,`), 1)
		}), strings.Fields("22EB 4655 47DE 80D8 2C94 5A70 03D4 34A2 13EE 8161 B8B3 2EA1 28B9 D6D5 6A70 428F 1B7A 94B0 94B1 94B2 0220 0221 0222 BF61 78D5 9C48 572B FDE2 7B9B D586 5E5B")},
		"it runs mutations of a GET": {func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); r.Method == http.MethodGet && !q.Has("variables") {
				body, _ := json.Marshal(map[string]string{"query": q.Get("query")})
				r.Method, r.Body = http.MethodPost, io.NopCloser(bytes.NewReader(body))
				r.Header.Set("Content-Type", plainJSON)
			}
			h.ServeHTTP(w, r)
		}, strings.Fields("9C48")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.server)
			t.Cleanup(server.Close)
			failed := []string{}
			for _, a := range audits() {
				if a.needs.fault(a.call.send(t, server.URL)) != nil {
					failed = append(failed, a.id)
				}
			}
			require.ElementsMatch(t, c.fails, failed)
		})
	}
}
