package rest

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Options of the transport. The zero value has the defaults in brackets.
type Options struct {
	// MaxBody is the longest body that is read, in bytes (1 MiB).
	MaxBody int64
	// KeepAlive is how long an event stream is silent before it gets a comment
	// that keeps proxies from closing it (15 s; 25 s at most).
	KeepAlive time.Duration
	// WriteTimeout is how long the reader of an event stream may not take what
	// is sent; then the stream is dropped (10 s).
	WriteTimeout time.Duration
	// Closing ends event streams when it is closed, each with a server_close:
	// close it before the server waits for its connections. nil: never.
	Closing <-chan struct{}
	// Rates tells what is left of the caller's rate limit for an effect, for the
	// X-RateLimit headers; false: there is no limit. nil: no headers.
	Rates func(ctx context.Context, e actions.Effect) (limit, remaining int, reset time.Duration, ok bool)
}

// server is the transport: the operations by path, and what they share.
type server struct {
	svc     *service.ImageService
	o       Options
	api     huma.API
	mux     *http.ServeMux
	methods map[string][]string // what each path takes
}

// New returns the handler of every path: /v1/<noun>/<verb> for the actions,
// /images for built images as clients of ebonite know them,
// /events/background-task, /openapi.json, /openapi.yaml and /docs. Callers are
// authenticated before it: it reads the actor from the request's context, where
// domain.WithEnvelope put it, and repeats the X-Request-Id of the response in
// problems. Errors: invalid for a nil service, internal for actions that cannot
// be described. It is safe for concurrent use and starts no goroutine beyond
// those of requests.
func New(svc *service.ImageService, o Options) (http.Handler, error) {
	if svc == nil {
		return nil, domain.Invalid("config_invalid", "svc", "the REST transport needs a service")
	}
	o.MaxBody = cmp.Or(o.MaxBody, 1<<20)
	o.KeepAlive = min(cmp.Or(o.KeepAlive, 15*time.Second), 25*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)

	s := &server{svc: svc, o: o, mux: http.NewServeMux(), methods: map[string][]string{}}
	s.api = humago.New(s.mux, newDocument())
	schemas := newSchemas(s.api.OpenAPI().Components.Schemas)
	memo := shapes{}
	for _, e := range service.Catalogue() {
		op := newOperation(e, memo)
		s.add(op.describePost(schemas), s.post(op))
		if e.Spec.Effect == actions.Read {
			s.add(op.describeGet(schemas), s.get(op))
		}
	}
	s.add(describeEvents(), s.events)
	for _, op := range s.describeImages() { // ServeHTTP knows the way
		s.api.OpenAPI().AddOperation(op)
	}
	schemas.finish()
	if err := s.addPages(); err != nil {
		return nil, err
	}
	return s, nil
}

// add makes an operation known to the document and serves it.
func (s *server) add(op *huma.Operation, h http.HandlerFunc) {
	s.api.OpenAPI().AddOperation(op)
	s.handle(op, h)
}

// handle serves an operation that the document does not tell of.
func (s *server) handle(op *huma.Operation, h http.HandlerFunc) {
	s.api.Adapter().Handle(op, func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		h(w, r)
	})
	s.methods[op.Path] = append(s.methods[op.Path], op.Method)
	if op.Method == http.MethodGet { // the mux serves it along
		s.methods[op.Path] = append(s.methods[op.Path], http.MethodHead)
	}
}

// ServeHTTP answers what no operation serves itself: the mux would send plain
// text and redirects.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if path == imagesPath || strings.HasPrefix(path, imagesPath+"/") {
		s.images(w, r)
		return
	}
	allowed, known := s.methods[path]
	switch {
	case !known:
		fail(w, domain.Errorf(domain.CodeNotFound, "path_not_found", shown(path), "no such path: %s; see /docs", domain.Quote(path)))
	case !slices.Contains(allowed, r.Method):
		allow := strings.Join(slices.Sorted(slices.Values(allowed)), ", ")
		w.Header().Set("Allow", allow)
		fail(w, domain.Invalid("method_not_allowed", shown(r.Method), "%s takes %s, not %s", path, allow, domain.Quote(r.Method)))
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// pathOf is where an action is served: image.forget_by_id is
// /v1/image/forget-by-id.
func pathOf(action string) string {
	return "/v1/" + strings.ReplaceAll(strings.ReplaceAll(action, ".", "/"), "_", "-")
}
