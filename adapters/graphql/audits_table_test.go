package graphql_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// abroad is a text that UTF-8 writes as no other encoding does.
const abroad = "größe"

// audits are the points of GraphQL over HTTP, under the ids that the audits of
// graphql-http gave them. Where those send what fails for another reason than
// the one that they name, these do not.
func audits() []audit {
	const (
		must, should, may = "MUST", "SHOULD", "MAY"

		fits      = `{"query": "{ __typename }"}`
		misspelt  = `{"qeury": "{ __typename }"}`
		halfJSON  = `{"query": `
		halfQuery = `{"query": "{"}`
		unknown   = `{"query": "{ nosuch }"}`
		looking   = `query($name: String!) { __type(name: $name) { name } }`
		uncoerced = `{"query": "` + looking + `", "variables": {"name": null}}`
		quoting   = `{"query": "{ __typename @include(if: \"` + abroad + `\") }"}` // no Boolean, and a refusal quotes it
		second    = `{"query": "query A { a: __typename } query B { b: __typename }", "operationName": "B"}`
		variables = `{"name": "Query"}`
		varying   = `{"query": "` + looking + `", "variables": ` + variables + `}`
		extended  = `{"query": "{ __typename }", "extensions": {"some": "value"}}`

		name       = `{"__typename": "Query"}`
		secondName = `{"b": "Query"}`
		looked     = `{"__type": {"name": "Query"}}`
	)
	charset := call{method: http.MethodPost, contentType: plainJSON + "; charset=utf-8", body: quoting}
	untyped := call{method: http.MethodPost, body: fits}
	variable := url.Values{"query": {looking}, "variables": {variables}}
	return slices.Concat([]audit{
		{"22EB", should, "answer in the newer type where it is asked for", posted(response, fits), needs{is(200), typed(response), gives(name)}, ""},
		{"4655", must, "answer in JSON where JSON is asked for", posted(plainJSON, fits), needs{is(200), typed(plainJSON), gives(name)}, ""},
		{"47DE", should, "answer in JSON where anything will do", posted("*/*", fits), needs{is(200), typed(plainJSON), gives(name)}, ""},
		{"80D8", should, "answer in JSON where no type is asked for", posted("", fits), needs{is(200), typed(plainJSON), gives(name)}, ""},
		{"82A3", must, "write UTF-8", posted("", quoting), needs{is(200), inUTF8}, ""},
		{"BF61", must, "read UTF-8 that says so", charset, needs{is(200), refuses, quotes(abroad)}, ""},
		{"78D5", must, "read UTF-8 where nothing is said", posted("", quoting), needs{is(200), refuses, quotes(abroad)}, ""},
		{"2C94", must, "take a POST", posted("", fits), needs{is(200), gives(name)}, ""},
		{"5A70", may, "take a GET", got("", url.Values{"query": {"{ __typename }"}}), needs{is(200), gives(name)}, "200"},
		{"9C48", may, "refuse a mutation in a GET", got(response, url.Values{"query": {"mutation { __typename }"}}), needs{within(400, 499), refuses}, "405 method_invalid"},
		{"9ABE", should, "fail a POST without a content type", untyped, needs{within(400, 499)}, ""},
		{"03D4", must, "take a POST of JSON", posted("", fits), needs{is(200), gives(name)}, ""},
		{"A5BF", may, "fail a POST without a body with 400", posted("", ""), needs{is(400)}, "400 request_malformed"},
		{"423L", may, "fail a request without a query with 400", posted(response, misspelt), needs{is(400)}, "400 query_missing"},
		{"34A2", should, "take a query that is a text, for the newer type", posted(response, fits), needs{is(200), gives(name)}, ""},
		{"13EE", must, "take a query that is a text, for JSON", posted(plainJSON, fits), needs{is(200), gives(name)}, ""},
		{"8161", should, "run the operation that is named, for the newer type", posted(response, second), needs{is(200), gives(secondName)}, ""},
		{"B8B3", must, "run the operation that is named, for JSON", posted(plainJSON, second), needs{is(200), gives(secondName)}, ""},
		{"2EA1", should, "use variables that are a map, for the newer type", posted(response, varying), needs{is(200), gives(looked)}, ""},
		{"28B9", must, "use variables that are a map, for JSON", posted(plainJSON, varying), needs{is(200), gives(looked)}, ""},
		{"D6D5", may, "use variables of a GET, for the newer type", got(response, variable), needs{is(200), gives(looked)}, "200"},
		{"6A70", may, "use variables of a GET, for JSON", got(plainJSON, variable), needs{is(200), gives(looked)}, "200"},
		{"428F", should, "take extensions that are a map, for the newer type", posted(response, extended), needs{is(200), gives(name)}, ""},
		{"1B7A", must, "take extensions that are a map, for JSON", posted(plainJSON, extended), needs{is(200), gives(name)}, ""},
		{"B6DC", may, "succeed or fail for half a body, and nothing else", posted(plainJSON, halfJSON), needs{either(within(200, 299), within(400, 599))}, "400 request_malformed"},
		{"BCF8", should, "fail half a body with 400, for JSON", posted(plainJSON, halfJSON), needs{is(400)}, ""},
		{"B7N8", should, "fail half a body with 400, for the newer type", posted(response, halfJSON), needs{is(400)}, ""},
		{"8764", may, "fail a request whose members are wrong", posted("", misspelt), needs{within(400, 599)}, "400 query_missing"},
		{"3E3A", may, "fail a request whose members are wrong with 400", posted("", misspelt), needs{is(400)}, "400 query_missing"},
		{"572B", should, "refuse half a query with 200, for JSON", posted(plainJSON, halfQuery), needs{is(200), refuses}, ""},
		{"FDE2", should, "refuse an unknown field with 200, for JSON", posted(plainJSON, unknown), needs{is(200), refuses}, ""},
		{"7B9B", should, "refuse a variable that does not fit with 200, for JSON", posted(plainJSON, uncoerced), needs{is(200), refuses}, ""},
		{"865D", should, "fail half a query, for the newer type", posted(response, halfQuery), needs{within(400, 599)}, ""},
		{"556A", should, "fail half a query with 400, for the newer type", posted(response, halfQuery), needs{is(400)}, ""},
		{"D586", should, "have no data for half a query, for the newer type", posted(response, halfQuery), needs{refuses}, ""},
		{"51FE", should, "fail an unknown field, for the newer type", posted(response, unknown), needs{within(400, 599)}, ""},
		{"74FF", should, "fail an unknown field with 400, for the newer type", posted(response, unknown), needs{is(400)}, ""},
		{"5E5B", should, "have no data for an unknown field, for the newer type", posted(response, unknown), needs{refuses}, ""},
		{"86EE", should, "fail a variable that does not fit with 400, for the newer type", posted(response, uncoerced), needs{is(400)}, ""},
	},
		nulls(), wrong("LKJ", "query", `{"a": "b"}`), wrong("6C0", "operationName", `{"a": "b"}`),
		wrong("476", "variables", `"a"`), wrong("58B", "extensions", `"a"`),
	)
}

// nulls are the audits of members that are there and say nothing.
func nulls() []audit {
	var list []audit
	for i, member := range []string{"variables", "operationName", "extensions"} {
		body := fmt.Sprintf(`{"query": "{ __typename }", %q: null}`, member)
		met := needs{is(200), gives(`{"__typename": "Query"}`)}
		list = append(list,
			audit{fmt.Sprint("94B", i), "SHOULD", "take null for " + member + ", for the newer type", posted(response, body), met, ""},
			audit{fmt.Sprint("022", i), "MUST", "take null for " + member + ", for JSON", posted(plainJSON, body), met, ""})
	}
	return list
}

// wrong are the audits of a member of another type; first is its first value.
func wrong(id, member, first string) []audit {
	var list []audit
	for i, value := range []string{first, "0", "false", `["a"]`} {
		body := fmt.Sprintf(`{"query": "{ __typename }", %q: %s}`, member, value)
		if member == "query" {
			body = fmt.Sprintf(`{"query": %s}`, value)
		}
		list = append(list, audit{fmt.Sprint(id, i), "MAY", "fail " + value + " for " + member + " with 400", posted("", body), needs{is(400)}, "400 request_malformed"})
	}
	return list
}

// needs are what an answer has to satisfy.
type needs []func(heard) error

func (n needs) fault(h heard) error {
	for _, need := range n {
		if err := need(h); err != nil {
			return fmt.Errorf("%w: %d %s %s", err, h.status, h.contentType, h.body)
		}
	}
	return nil
}

func is(status int) func(heard) error { return within(status, status) }

func within(from, to int) func(heard) error {
	return func(h heard) error {
		if h.status < from || h.status > to {
			return fmt.Errorf("the status is not in %d to %d", from, to)
		}
		return nil
	}
}

func either(one, other func(heard) error) func(heard) error {
	return func(h heard) error {
		if one(h) == nil {
			return nil
		}
		return other(h)
	}
}

func typed(mediaType string) func(heard) error {
	return func(h heard) error {
		if h.mediaType() != mediaType {
			return errors.New("the content type is not " + mediaType)
		}
		return nil
	}
}

// gives is a query that ran and found this.
func gives(data string) func(heard) error {
	return func(h heard) error {
		var want any
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			return err
		}
		e, err := h.entries()
		if _, failed := e["errors"]; err == nil && (failed || !reflect.DeepEqual(want, e["data"])) {
			err = errors.New("the response is not the data " + data)
		}
		return err
	}
}

// refuses is a query that did not run.
func refuses(h heard) error {
	e, err := h.entries()
	if err != nil {
		return err
	}
	if _, ran := e["data"]; ran {
		return errors.New("there is data")
	}
	if list, _ := e["errors"].([]any); len(list) == 0 {
		return errors.New("there are no errors")
	}
	return nil
}

// inUTF8 takes an answer for UTF-8 that would be another text in another encoding.
func inUTF8(h heard) error {
	_, params, err := mime.ParseMediaType(h.contentType)
	if cs := params["charset"]; err == nil && cs != "" && !strings.EqualFold(cs, "utf-8") {
		err = errors.New("the charset is another")
	}
	if ascii := len(h.body) == utf8.RuneCount(h.body); err == nil && (ascii || !utf8.Valid(h.body)) {
		err = errors.New("the body is not in UTF-8, or in ASCII")
	}
	return err
}

func quotes(text string) func(heard) error {
	return func(h heard) error {
		if !bytes.Contains(h.body, []byte(text)) {
			return errors.New("the response does not quote " + text)
		}
		return nil
	}
}
