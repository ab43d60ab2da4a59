package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// handler is the server's whole: health without a question, everything else for
// who is known.
func (s *Server) handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.ready(c.Ready))
	known := http.NewServeMux()
	known.Handle("/", c.Handler)
	if c.Metrics != nil {
		known.Handle("GET /metrics", c.Metrics)
	}
	mux.Handle("/", s.bounded(c, s.authenticated(c, known)))
	var h http.Handler = mux
	if c.Observe != nil {
		h = c.Observe(h)
	}
	return s.identified(s.recovered(h))
}

type requestIDKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// identified gives every request an id, its client's own if it makes sense.
func (s *Server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !visible(id) || len(id) > 128 {
			id = domain.NewID[string]()
		}
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store") // unless a transport knows better
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// recovered keeps a panic of a transport from ending anything but its request.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value
				panic(p) //nolint:forbidigo // net/http's own way to break a connection off
			}
			s.log.ErrorContext(ctx, "panic", "path", r.URL.Path, "request_id", requestID(ctx), "panic", p)
			refuse(w, r, domain.Errorf(domain.CodeInternal, "panic", "", "internal error"))
		}()
		next.ServeHTTP(w, r)
	})
}

// bounded limits bodies, and how many requests are worked on at once. Streams
// have a limit of their own: they last.
func (s *Server) bounded(c Config, next http.Handler) http.Handler {
	slots, streams := make(chan struct{}, c.Limits.Concurrent), make(chan struct{}, c.Limits.Streams)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > c.Limits.Body {
			refuse(w, r, domain.Invalid("body_too_large", "body", "the body has %d bytes, at most %d are taken", r.ContentLength, c.Limits.Body))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, c.Limits.Body)
		slot := slots
		if isStream(r) {
			slot = streams
		}
		select {
		case slot <- struct{}{}:
			defer func() { <-slot }()
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, r, domain.Errorf(domain.CodeUnavailable, "server_busy", "", "the server has all that it can do; try again"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isStream(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream") || r.Header.Get("Upgrade") != "" || strings.HasPrefix(r.URL.Path, "/events/")
}

// authenticated finds out who calls. Nobody is nobody.
func (s *Server) authenticated(c Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := c.Authenticate(r.Context(), r)
		if err == nil && actor.ID == "" {
			err = domain.Errorf(domain.CodeUnauthenticated, "credentials_missing", "", "authentication is required")
		}
		if err != nil {
			if domain.CodeOf(err) == domain.CodeUnauthenticated {
				w.Header().Set("WWW-Authenticate", `Bearer realm="wharf"`)
			}
			s.log.InfoContext(r.Context(), "a request is refused", "path", r.URL.Path, "from", r.RemoteAddr, "request_id", requestID(r.Context()), "err", err)
			refuse(w, r, err)
			return
		}
		envelope := domain.Envelope{Actor: actor, RequestID: requestID(r.Context())}
		if key := r.Header.Get("Idempotency-Key"); visible(key) && len(key) <= 255 {
			envelope.IdempotencyKey = key // a transport may say what is wrong with another one
		}
		ctx := domain.WithEnvelope(r.Context(), envelope)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// ready answers whether requests should come here.
func (s *Server) ready(check func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.closing:
			answer(w, http.StatusServiceUnavailable, map[string]string{"status": "closing"})
			return
		default:
		}
		if check != nil {
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			if err := check(ctx); err != nil {
				s.log.WarnContext(ctx, "not ready", "err", err)
				answer(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "reason": domain.ReasonOf(err)})
				return
			}
		}
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers with a problem (RFC 9457), for what never reaches a transport.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := map[domain.Code]int{
		domain.CodeInvalid: http.StatusBadRequest, domain.CodeUnauthenticated: http.StatusUnauthorized, domain.CodeForbidden: http.StatusForbidden,
		domain.CodeRateLimited: http.StatusTooManyRequests, domain.CodeUnavailable: http.StatusServiceUnavailable, domain.CodeTimeout: http.StatusGatewayTimeout,
	}[domain.CodeOf(err)]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if domain.ReasonOf(err) == "body_too_large" {
		status = http.StatusRequestEntityTooLarge
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "urn:wharf:" + domain.ReasonOf(err), "title": http.StatusText(status), "status": status, "detail": domain.MessageOf(err),
		"code": domain.CodeOf(err), "reason": domain.ReasonOf(err), "request_id": requestID(r.Context()),
	})
}
