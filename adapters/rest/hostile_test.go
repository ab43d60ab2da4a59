package rest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/rest"
)

func TestABodyThatIsNotOneCleanDocumentIsInvalid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	filter := func(depth int) string {
		return `{"where": ` + strings.Repeat(`{"not": `, depth) + `{"field": "tag", "op": "eq", "value": "1"}` + strings.Repeat(`}`, depth) + `}`
	}
	for name, c := range map[string]struct{ path, body, reason, on string }{
		"empty":                       {"image/list", " ", "json_invalid", "body"},
		"cut off":                     {"image/list", `{"limit": 1`, "json_invalid", "body"},
		"cut off in a name":           {"image/list", `{"lim`, "json_invalid", "body"},
		"no JSON":                     {"image/list", `limit=1`, "json_invalid", "body"},
		"a list":                      {"image/list", `[]`, "field_invalid", "body"},
		"null":                        {"image/list", `null`, "field_invalid", "body"},
		"a text":                      {"image/list", `"x"`, "field_invalid", "body"},
		"something after":             {"image/list", `{} {}`, "json_invalid", "body"},
		"garbage after":               {"image/list", `{}x`, "json_invalid", "body"},
		"a comma too many":            {"image/list", `{"limit": 1,}`, "json_invalid", "body"},
		"a name twice":                {"image/list", `{"limit": 1, "limit": 2}`, "field_repeated", "limit"},
		"a name twice in a map":       {"agent/register", `{"labels": {"a": "1", "a": "2"}}`, "field_repeated", "labels.a"},
		"a name in another case":      {"image/list", `{"Limit": 1}`, "field_unknown", "Limit"},
		"a Go name":                   {"image/get", `{"Reference": "x"}`, "field_unknown", "Reference"},
		"an embedded struct":          {"image/list", `{"Page": {"limit": 1}}`, "field_unknown", "Page"},
		"an unknown name further in":  {"image/modify", `{"modifier": {"nam": "x"}}`, "field_unknown", "modifier.nam"},
		"an unknown name in a list":   {"agent/preload-images", `{"images": [{"name": "a"}, {"nam": "b"}]}`, "field_unknown", "images.1.nam"},
		"an unknown name of a limit":  {"image/modify", `{"modifier": {"resource_limits": {"cpu": {"mni": 1}}}}`, "limit_invalid", ""},
		"an actor":                    {"image/list", `{"actor": {"id": "root"}}`, "field_unknown", "actor"},
		"an unprintable name":         {"image/list", "{\"\\u001b[31m\": 1}", "field_unknown", `"\x1b[31m"`},
		"invalid UTF-8":               {"image/get", "{\"reference\": \"\xff\"}", "json_invalid", "body"},
		"half a character":            {"image/get", `{"reference": "\ud800"}`, "json_invalid", "body"},
		"the other half":              {"image/get", `{"reference": "\udc00x"}`, "json_invalid", "body"},
		"halves in the wrong order":   {"image/get", `{"reference": "\udc00\ud800"}`, "json_invalid", "body"},
		"a number that is none":       {"image/list", `{"limit": 01}`, "json_invalid", "body"},
		"a fraction":                  {"image/list", `{"limit": 1.5}`, "field_invalid", "limit"},
		"a number too large":          {"image/list", `{"limit": 9223372036854775808}`, "field_invalid", "limit"},
		"a number with an exponent":   {"image/list", `{"limit": 1e2}`, "field_invalid", "limit"},
		"a huge exponent":             {"image/list", `{"limit": 1e999999999}`, "field_invalid", "limit"},
		"a number as a text":          {"image/list", `{"limit": "1"}`, "field_invalid", "limit"},
		"a truth as a text":           {"image/list", `{"desc": "true"}`, "field_invalid", "desc"},
		"a time that is none":         {"image/use", `{"at": "yesterday"}`, "field_invalid", "at"},
		"a list for a text":           {"image/get", `{"reference": ["x"]}`, "field_invalid", "reference"},
		"a thousand lists":            {"image/get", `{"reference": ` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, "field_invalid", "reference"},
		"a thousand filters":          {"image/list", filter(1000), "json_invalid", "body"},
		"filters that are never shut": {"image/list", `{"where": ` + strings.Repeat(`{"not": `, 100_000), "json_invalid", "body"},
		"filters deeper than allowed": {"image/list", filter(8), "filter_invalid", "filter"},
		"a limit a thousand deep":     {"image/modify", `{"modifier": {"resource_limits": {"cpu": ` + strings.Repeat(`{"min":`, 1000) + `1` + strings.Repeat(`}`, 1000) + `}}}`, "json_invalid", "body"},
		"NUL in a name":               {"agent/list", `{"where": {"field": "id", "op": "eq", "value": "\u0000"}}`, "filter_invalid", "id"},
		"NUL as it is":                {"image/get", "{\"reference\": \"\x00\"}", "json_invalid", "body"},
	} {
		res := w.do("POST", "/v1/"+c.path, c.body)
		require.NotContains(t, string(res.body), "\x1b", name)
		t.Log(name)
		res.problem(400, c.reason, c.on)
	}
	w.do("POST", "/v1/image/list", filter(7)).ok(200)
	w.do("POST", "/v1/image/list", `{"limit": null, "where": null}`).ok(200)
	w.do("POST", "/v1/alias/search", `{"where": {"field": "alias", "op": "eq", "value": "\ud83d\ude00 \\ud800"}}`).ok(200)
}

func TestAQueryThatIsNotCleanIsInvalid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	for _, c := range []struct{ query, reason, on string }{
		{"image/list?limt=1", "parameter_unknown", "limt"},
		{"image/list?Limit=1", "parameter_unknown", "Limit"},
		{"image/list?limit=1&limit=2", "parameter_repeated", "limit"},
		{"image/list?limit=", "parameter_invalid", "limit"},
		{"image/list?limit=x", "parameter_invalid", "limit"},
		{"image/list?limit=1.5", "parameter_invalid", "limit"},
		{"image/list?limit=99999999999999999999", "parameter_invalid", "limit"},
		{"image/list?limit=-1", "page_invalid", "limit"},
		{"image/list?desc=1", "parameter_invalid", "desc"},
		{"image/list?desc=TRUE", "parameter_invalid", "desc"},
		{"image/list?desc", "parameter_invalid", "desc"},
		{"image/list?where=tag", "parameter_invalid", "where"},
		{"image/list?where=[]", "field_invalid", "where"},
		{"image/list?where={},%22limit%22:1", "parameter_invalid", "where"},
		{`image/list?where={%22feild%22:1}`, "field_unknown", "where.feild"},
		{"image/list?statuses=alive,gone", "status_invalid", ""},
		{"image/get?reference=%ff", "parameter_invalid", "reference"},
		{"image/get?reference=%zz", "query_invalid", "query"},
		{"image/get?reference=a;b=c", "query_invalid", "query"},
		{"image/get?%1b=1", "parameter_unknown", `"\x1b"`},
		{"task/get?task_id=x", "id_invalid", "task_id"},
		{"access/explain?permission=image.get&actor={%22id%22:1}", "field_invalid", "actor.id"},
		{"image/list?where=" + url.QueryEscape(strings.Repeat(`{"not":`, 500)+`{}`+strings.Repeat(`}`, 500)), "json_invalid", "body"},
	} {
		t.Log(c.query)
		w.do("GET", "/v1/"+c.query, "").problem(400, c.reason, c.on)
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	send := func(header http.Header) *answer {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/image/list", strings.NewReader(`{}`))
		r.Header = header
		return w.serve(r)
	}
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/problem+json", ";;", "multipart/form-data; boundary=x"} {
		send(http.Header{"Content-Type": {media}}).problem(415, "content_type", "Content-Type")
	}
	send(http.Header{}).problem(415, "content_type", "Content-Type")
	send(http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}).problem(415, "content_type", "Content-Encoding")
	for _, media := range []string{"application/json", "Application/JSON; charset=UTF-8", "application/json; v=1"} {
		send(http.Header{"Content-Type": {media}, "Content-Encoding": {"identity"}}).ok(200)
	}
}

// endless is a body that is made while it is read.
type endless struct{ read, limit int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read >= e.limit {
		return 0, io.EOF
	}
	e.read += copy(p, bytes.Repeat([]byte(" "), len(p)))
	return len(p), nil
}

func TestABodyThatIsTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	for name, length := range map[string]int64{"that says so": 10 << 20, "that does not": -1} {
		b := &endless{limit: 10 << 20}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/image/list", b)
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = length
		w.serve(r).problem(http.StatusRequestEntityTooLarge, "body_too_large", "body")
		require.LessOrEqual(t, b.read, 2<<20, name)
		if length > 0 {
			require.Zero(t, b.read, name)
		}
	}
	small := newWorld(t, at{rest: rest.Options{MaxBody: 10}})
	small.do("POST", "/v1/image/list", `{        }`).ok(200)
	small.do("POST", "/v1/image/list", `{         }`).problem(413, "body_too_large", "body")
}

// broken is a body that ends with an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestABodyThatDoesNotArriveIsNoAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	send := func(err error) *answer {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/image/list", broken{err})
		r.Header.Set("Content-Type", "application/json")
		return w.serve(r)
	}
	send(io.ErrUnexpectedEOF).problem(499, "body_cut_off", "body")
	send(os.ErrDeadlineExceeded).problem(http.StatusRequestTimeout, "body_slow", "body")
}
