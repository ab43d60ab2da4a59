package graphql

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/wharf-project/wharf/domain"
)

// writeLimit is how long a client may take for what it is sent.
const writeLimit = 30 * time.Second

// serveEvents answers with server-sent events, as GraphQL over SSE says: a next
// event for each response, then complete.
func (h *handler) serveEvents(w http.ResponseWriter, r *http.Request, op *graphql.OperationContext, errs gqlerror.List) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the stream lasts longer than a request
	w.Header().Set("Content-Type", streamType+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	send := func(text string) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(writeLimit))
		_, err := w.Write([]byte(text))
		return err == nil && rc.Flush() == nil
	}
	if !send(":\n\n") {
		return
	}
	next := func(body []byte) bool { return send("event: next\ndata: " + string(body) + "\n\n") }
	if errs != nil {
		if next(encode(&graphql.Response{Errors: errs}, true)) {
			send("event: complete\ndata:\n\n")
		}
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	responses, fault := h.stream(ctx, op)
	tick := time.NewTicker(h.limits.beat)
	defer tick.Stop()
	for {
		select {
		case res, ok := <-responses:
			if !ok {
				if err := fault.get(); err != nil && !next(encode(&graphql.Response{Errors: h.refuse(ctx, err)}, true)) {
					return
				}
				send("event: complete\ndata:\n\n")
				return
			}
			if !next(res) {
				return
			}
		case <-tick.C:
			if !send(":\n\n") {
				return
			}
		case <-h.limits.Closing:
			next(encode(&graphql.Response{Errors: h.refuse(ctx, closing())}, true))
			return // without complete: the client comes back
		case <-ctx.Done():
			return
		}
	}
}

func closing() error {
	return domain.Errorf(domain.CodeUnavailable, "server_closing", "", "the server ends; come back for the rest")
}

// stream runs an operation; the channel has its responses, as they are sent,
// and is closed after the last one, or when ctx is done. The fault is why it
// ended early, to be read after that.
func (e *engine) stream(ctx context.Context, op *graphql.OperationContext) (<-chan []byte, *fault) {
	ctx, f := withFault(ctx)
	responses := make(chan []byte)
	go func() {
		defer close(responses)
		next := e.run(ctx, op)
		for {
			res := next()
			if res == nil {
				return
			}
			select {
			case responses <- encode(res, false): // a copy: the next response is made in the same place
			case <-ctx.Done():
				return
			}
		}
	}()
	return responses, f
}
