package graphql

import (
	"net/http"
	"strings"

	"github.com/wharf-project/wharf/service"
)

// handler picks the transport of a request.
type handler struct{ *engine }

// New returns the handler, to be mounted where clients look for it. Requests
// come with an actor in their context (domain.WithActor); what asks the service
// without one is refused as unauthenticated. It starts no goroutine of its own
// but for the streams that it serves.
//
// POST takes JSON, GET takes queries only; both answer as GraphQL over HTTP
// says. With Accept: text/event-stream the answers are server-sent events, and a
// WebSocket speaks graphql-transport-ws. Files, batches and stored queries are
// not taken.
func New(svc *service.ImageService, o Options) http.Handler {
	return &handler{newEngine(svc, o.withDefaults())}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		h.serveSocket(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		h.reject(w, r, http.StatusMethodNotAllowed, notTaken("method_invalid", "a request is a GET or a POST"))
	default:
		h.serve(w, r)
	}
}
