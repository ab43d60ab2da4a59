package graphql

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/wharf-project/wharf/domain"
)

const subprotocol = "graphql-transport-ws"

// The codes that the protocol closes with.
const (
	closeBadRequest   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeSubprotocol  websocket.StatusCode = 4406
	closeInitTimeout  websocket.StatusCode = 4408
	closeDuplicate    websocket.StatusCode = 4409
	closeTooManyInits websocket.StatusCode = 4429
)

// message is one message of graphql-transport-ws, either way.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket is one WebSocket with the operations that run on it.
type socket struct {
	*engine
	conn     *websocket.Conn
	known    bool        // connection_init came
	greeting *time.Timer // closes the connection unless it comes

	mu     sync.Mutex
	active map[string]*running
	wg     sync.WaitGroup
}

// running is one operation.
type running struct {
	id   string
	stop context.CancelFunc
}

// serveSocket speaks graphql-transport-ws. Only pages of the server's own host,
// and of Origins, may open one: browsers send credentials along.
func (h *handler) serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, OriginPatterns: h.limits.Origins})
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to say
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeSubprotocol, "the subprotocol is "+subprotocol)
		return
	}
	conn.SetReadLimit(h.limits.MaxBody)
	s := &socket{engine: h.engine, conn: conn, active: map[string]*running{}}
	s.greeting = time.AfterFunc(h.limits.greeting, func() { _ = conn.Close(closeInitTimeout, "connection_init did not come") })
	defer s.greeting.Stop()
	ctx, cancel := context.WithCancel(r.Context())
	s.wg.Go(func() { s.attend(ctx) })
	code, reason := s.listen(ctx)
	cancel()
	if code != 0 {
		_ = conn.Close(code, reason)
	}
	_ = conn.CloseNow()
	s.wg.Wait()
}

// attend closes the connection when the server ends or the client is gone.
func (s *socket) attend(ctx context.Context) {
	tick := time.NewTicker(s.limits.beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ping, cancel := context.WithTimeout(ctx, writeLimit)
			err := s.conn.Ping(ping)
			cancel()
			if err != nil {
				_ = s.conn.CloseNow()
				return
			}
		case <-s.limits.Closing:
			_ = s.conn.Close(websocket.StatusGoingAway, "the server ends; come back for the rest")
			return
		case <-ctx.Done():
			return
		}
	}
}

// listen takes messages until the connection ends, and tells how to close it; 0
// when it is closed already.
func (s *socket) listen(ctx context.Context) (websocket.StatusCode, string) {
	for {
		kind, text, err := s.conn.Read(ctx)
		if err != nil {
			return 0, ""
		}
		var m message
		if kind != websocket.MessageText || json.Unmarshal(text, &m) != nil {
			return closeBadRequest, "a message is JSON"
		}
		if code, reason := s.take(ctx, m); code != 0 {
			return code, reason
		}
	}
}

func (s *socket) take(ctx context.Context, m message) (websocket.StatusCode, string) {
	switch m.Type {
	case "connection_init":
		if s.known {
			return closeTooManyInits, "too many initialisation requests"
		}
		s.known = true
		s.greeting.Stop()
		s.send(ctx, message{Type: "connection_ack"})
	case "ping":
		s.send(ctx, message{Type: "pong"})
	case "pong":
	case "complete":
		s.mu.Lock()
		defer s.mu.Unlock()
		if op := s.active[m.ID]; op != nil {
			op.stop()
			delete(s.active, m.ID)
		}
	case "subscribe":
		return s.subscribe(ctx, m)
	default:
		return closeBadRequest, "no such message"
	}
	return 0, ""
}

func (s *socket) subscribe(ctx context.Context, m message) (websocket.StatusCode, string) {
	if !s.known {
		return closeUnauthorized, "unauthorized"
	}
	if m.ID == "" || len(m.ID) > 128 {
		return closeBadRequest, "an operation has an id of 1-128 characters"
	}
	req, bad := readJSON(m.Payload)
	if bad != nil {
		return closeBadRequest, domain.MessageOf(bad.err)
	}
	s.mu.Lock()
	_, twice := s.active[m.ID]
	full := len(s.active) >= s.limits.MaxStreams
	ctx, cancel := context.WithCancel(ctx)
	op := &running{id: m.ID, stop: cancel}
	if !twice && !full {
		s.active[m.ID] = op
	}
	s.mu.Unlock()
	switch {
	case twice:
		cancel()
		return closeDuplicate, "there is a subscriber of that id already"
	case full:
		s.fail(ctx, op, domain.Errorf(domain.CodeRateLimited, "too_many_streams", "", "one connection carries at most %d operations at once", s.limits.MaxStreams))
		cancel()
		return 0, ""
	}
	s.wg.Go(func() {
		defer cancel()
		defer s.over(op)
		s.operate(ctx, op, req)
	})
	return 0, ""
}

// over frees the id of an operation. It comes before the operation's last
// message: the client may use the id again when it has that.
func (s *socket) over(op *running) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[op.id] == op {
		delete(s.active, op.id)
	}
}

// operate runs one operation and sends what it gives.
func (s *socket) operate(ctx context.Context, op *running, req request) {
	prepared, errs := s.prepare(ctx, req)
	if errs != nil {
		s.sendErrors(ctx, op, errs)
		return
	}
	responses, fault := s.stream(ctx, prepared)
	for res := range responses {
		s.send(ctx, message{ID: op.id, Type: "next", Payload: res})
	}
	if err := fault.get(); err != nil {
		s.fail(ctx, op, err)
		return
	}
	s.over(op)
	s.send(ctx, message{ID: op.id, Type: "complete"}) // not to who said so first: ctx is done
}

func (s *socket) fail(ctx context.Context, op *running, err error) {
	s.sendErrors(ctx, op, s.refuse(ctx, err))
}

func (s *socket) sendErrors(ctx context.Context, op *running, errs gqlerror.List) {
	list, err := json.Marshal(errs)
	if err != nil {
		list = []byte(`[]`)
	}
	s.over(op)
	s.send(ctx, message{ID: op.id, Type: "error", Payload: list})
}

// send writes a message. A client that does not take it in time loses the
// connection. Writing is never cut off by the end of one operation: that would
// end the connection with it.
func (s *socket) send(ctx context.Context, m message) {
	text, err := json.Marshal(m)
	if err != nil || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	_ = s.conn.Write(ctx, websocket.MessageText, text)
}
