package graphql

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/wharf-project/wharf/domain"
)

// The media types of GraphQL over HTTP. With jsonType a request that GraphQL
// refuses is a success of HTTP, as older clients expect; with responseType it is
// a failure.
const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
	streamType   = "text/event-stream"
)

// unread is a request that is no GraphQL request at all.
type unread struct {
	status int
	err    error
}

func notTaken(reason, message string) error {
	return domain.Invalid(reason, "request", "%s", message)
}

// serve answers a GET or a POST.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	accepted := accepts(r.Header.Values("Accept"))
	if accepted == "" {
		h.reject(w, r, http.StatusNotAcceptable, notTaken("accept_invalid", "answers are "+jsonType+", "+responseType+" or "+streamType))
		return
	}
	req, bad := h.read(w, r)
	if bad != nil {
		h.reject(w, r, bad.status, bad.err)
		return
	}
	op, errs := h.prepare(r.Context(), req)
	if errs == nil && op.Operation.Operation == ast.Mutation && r.Method == http.MethodGet {
		w.Header().Set("Allow", "POST")
		h.reject(w, r, http.StatusMethodNotAllowed, notTaken("method_invalid", "a mutation is sent with POST"))
		return
	}
	if accepted == streamType {
		h.serveEvents(w, r, op, errs)
		return
	}
	if errs == nil && op.Operation.Operation == ast.Subscription {
		errs = h.refuse(r.Context(), notTaken("stream_required", "a subscription needs Accept: "+streamType+", or a WebSocket"))
	}
	if errs != nil {
		status := http.StatusOK
		if accepted == responseType {
			status = http.StatusBadRequest
		}
		write(w, status, accepted, encode(&graphql.Response{Errors: errs}, true))
		return
	}
	write(w, http.StatusOK, accepted, encode(h.run(r.Context(), op)(), false))
}

// reject answers what is no request of GraphQL.
func (h *handler) reject(w http.ResponseWriter, r *http.Request, status int, err error) {
	accepted := accepts(r.Header.Values("Accept"))
	if accepted != responseType {
		accepted = jsonType
	}
	write(w, status, accepted, encode(&graphql.Response{Errors: h.refuse(r.Context(), err)}, true))
}

func write(w http.ResponseWriter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who is gone is gone
}

// accepts returns the first media type that the client takes and we have, in
// its order; "" for none. Without a word it is JSON.
func accepts(headers []string) string {
	said := strings.Join(headers, ",")
	if strings.TrimSpace(said) == "" {
		return jsonType
	}
	for part := range strings.SplitSeq(said, ",") {
		mediaType, params, err := mime.ParseMediaType(part)
		if q, bad := strconv.ParseFloat(params["q"], 64); err != nil || bad == nil && q == 0 {
			continue
		}
		switch mediaType {
		case "*/*", "application/*":
			return jsonType
		case jsonType, responseType, streamType:
			return mediaType
		}
	}
	return ""
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) (request, *unread) {
	if r.Method == http.MethodGet {
		return readQuery(r.URL)
	}
	if mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != jsonType {
		return request{}, &unread{http.StatusUnsupportedMediaType, notTaken("content_type_invalid", "a POST has Content-Type: "+jsonType)}
	} else if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return request{}, &unread{http.StatusUnsupportedMediaType, notTaken("content_type_invalid", "a request is in UTF-8")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.limits.MaxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return request{}, &unread{http.StatusRequestEntityTooLarge, notTaken("body_too_large", "a request has at most "+strconv.FormatInt(h.limits.MaxBody, 10)+" bytes")}
	}
	if err != nil {
		return request{}, &unread{http.StatusBadRequest, notTaken("body_unreadable", "the request ended before its time")}
	}
	return readJSON(body)
}

// readJSON reads a request as POST and WebSockets have it.
func readJSON(body []byte) (req request, bad *unread) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("[")) {
		return req, &unread{http.StatusBadRequest, notTaken("batch_unsupported", "one request is one operation; batches are not taken")}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err := d.Decode(&req)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && te.Field != "" {
		return req, &unread{http.StatusBadRequest, notTaken("request_malformed", te.Field+" cannot be a "+te.Value)}
	}
	if err != nil {
		return req, &unread{http.StatusBadRequest, notTaken("request_malformed", "the request is not JSON")}
	}
	return req, needQuery(req)
}

func readQuery(u *url.URL) (req request, bad *unread) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return req, &unread{http.StatusBadRequest, notTaken("request_malformed", "the URL cannot be read")}
	}
	if values.Has("query") {
		text := values.Get("query")
		req.Query = &text
	}
	req.OperationName = values.Get("operationName")
	for name, into := range map[string]*map[string]any{"variables": &req.Variables, "extensions": &req.Extensions} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(into); err != nil || d.More() {
			return req, &unread{http.StatusBadRequest, notTaken("request_malformed", name+" is not an object of JSON")}
		}
	}
	return req, needQuery(req)
}

func needQuery(req request) *unread {
	if req.Query == nil || *req.Query == "" {
		return &unread{http.StatusBadRequest, notTaken("query_missing", "a request has a query")}
	}
	return nil
}
