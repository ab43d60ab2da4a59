package graphql_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
)

// wire is the client's end of a WebSocket.
type wire struct {
	tb   testing.TB
	ctx  context.Context
	conn *websocket.Conn
}

type wireMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (s *site) dial(url, actor string, header http.Header, protocols ...string) *wire {
	s.tb.Helper()
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Test-Actor", actor)
	if len(protocols) == 0 {
		protocols = []string{"graphql-transport-ws"}
	}
	ctx, cancel := context.WithTimeout(s.tb.Context(), 20*time.Second)
	s.tb.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{Subprotocols: protocols, HTTPHeader: header})
	require.NoError(s.tb, err)
	s.tb.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	return &wire{tb: s.tb, ctx: ctx, conn: conn}
}

func (w *wire) send(text string) {
	w.tb.Helper()
	require.NoError(w.tb, w.conn.Write(w.ctx, websocket.MessageText, []byte(text)))
}

func (w *wire) init() {
	w.tb.Helper()
	w.send(`{"type": "connection_init", "payload": {"token": "not looked at"}}`)
	require.Equal(w.tb, "connection_ack", w.read().Type)
}

func (w *wire) subscribe(id, query string, vars map[string]any) {
	w.tb.Helper()
	text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query, "variables": vars}})
	require.NoError(w.tb, err)
	w.send(string(text))
}

func (w *wire) read() (m wireMessage) {
	w.tb.Helper()
	_, text, err := w.conn.Read(w.ctx)
	require.NoError(w.tb, err)
	require.NoError(w.tb, json.Unmarshal(text, &m))
	return m
}

// closed waits for the end and returns its code.
func (w *wire) closed() int {
	w.tb.Helper()
	for {
		_, _, err := w.conn.Read(w.ctx)
		if ce, ok := errors.AsType[websocket.CloseError](err); ok {
			return int(ce.Code)
		}
		require.NoError(w.tb, err)
	}
}

func (w *wire) seq(id string) int64 {
	w.tb.Helper()
	m := w.read()
	require.Equal(w.tb, "next", m.Type, "%s", m.Payload)
	require.Equal(w.tb, id, m.ID)
	var p struct {
		Data struct {
			Events struct {
				Seq int64 `json:"seq"`
			} `json:"task_events"`
		} `json:"data"`
	}
	require.NoError(w.tb, json.Unmarshal(m.Payload, &p))
	return p.Data.Events.Seq
}

func TestATaskIsFollowedOverAWebSocketAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	st.tell(2)
	w := s.dial(s.url, "root", nil)
	w.init()
	w.send(`{"type": "ping"}`)
	require.Equal(t, "pong", w.read().Type)
	w.send(`{"type": "pong"}`)
	w.subscribe("a", follow, map[string]any{"id": st.task.ID})
	require.Equal(t, int64(1), w.seq("a"))
	require.Equal(t, int64(2), w.seq("a"))
	st.tell(1)
	require.Equal(t, int64(3), w.seq("a"))
	w.send(`{"id": "a", "type": "complete"}`)
	w.subscribe("a", follow, map[string]any{"id": st.task.ID, "after": 2}) // the id is free at once
	require.Equal(t, int64(3), w.seq("a"))
	require.NoError(t, w.conn.CloseNow()) // the connection is lost

	st.tell(1)
	st.done()
	w = s.dial(s.url, "root", nil)
	w.init()
	w.subscribe("b", follow, map[string]any{"id": st.task.ID, "after": 3})
	require.Equal(t, int64(4), w.seq("b"))
	require.Equal(t, int64(5), w.seq("b"))
	m := w.read()
	require.Equal(t, wireMessage{ID: "b", Type: "complete"}, m)

	w.subscribe("b", `{ images { name } }`, nil) // queries too, under an id that is over
	m = w.read()
	require.Equal(t, "next", m.Type)
	require.JSONEq(t, `{"data": {"images": []}}`, string(m.Payload))
	require.Equal(t, "complete", w.read().Type)
	w.subscribe("c", `{ nosuch }`, nil)
	m = w.read()
	require.Equal(t, "error", m.Type)
	require.Contains(t, string(m.Payload), `"reason":"query_invalid"`)
	w.subscribe("c", follow, map[string]any{"id": domain.NewID[domain.TaskID]()})
	m = w.read()
	require.Equal(t, "next", m.Type)
	require.Contains(t, string(m.Payload), `"reason":"task_not_found"`)
	require.Equal(t, "complete", w.read().Type)
}

func TestManyOperationsShareAWebSocketUpToABound(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{MaxStreams: 3})
	s.stock()
	st := s.story()
	w := s.dial(s.url, "root", nil)
	w.init()
	for i := range 3 {
		w.subscribe(fmt.Sprint(i), follow, map[string]any{"id": st.task.ID})
	}
	w.subscribe("3", follow, map[string]any{"id": st.task.ID})
	m := w.read()
	require.Equal(t, "3", m.ID)
	require.Equal(t, "error", m.Type)
	require.Contains(t, string(m.Payload), `"reason":"too_many_streams"`)
	st.tell(1)
	seen := map[string]bool{}
	for range 3 {
		seen[w.read().ID] = true
	}
	require.Len(t, seen, 3)
	w.send(`{"id": "1", "type": "complete"}`)
	w.subscribe("4", follow, map[string]any{"id": st.task.ID})
	require.Equal(t, int64(1), w.seq("4"))
}

func TestAWebSocketThatBreaksTheProtocolIsClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{MaxBody: 4096})
	s.stock()
	st := s.story()
	subscribe := `{"id": "1", "type": "subscribe", "payload": {"query": "subscription { task_events(task_id: \"` + string(st.task.ID) + `\") { seq } }"}}`
	for name, c := range map[string]struct {
		messages []string
		code     int
	}{
		"no JSON":                    {[]string{"hello"}, 4400},
		"no type":                    {[]string{`{}`}, 4400},
		"an older protocol":          {[]string{`{"type": "connection_init"}`, `{"type": "start", "id": "1"}`}, 4400},
		"subscribed before init":     {[]string{subscribe}, 4401},
		"init twice":                 {[]string{`{"type": "connection_init"}`, `{"type": "connection_init"}`}, 4429},
		"one id twice":               {[]string{`{"type": "connection_init"}`, subscribe, subscribe}, 4409},
		"no id":                      {[]string{`{"type": "connection_init"}`, `{"type": "subscribe", "payload": {"query": "{ __typename }"}}`}, 4400},
		"no payload":                 {[]string{`{"type": "connection_init"}`, `{"type": "subscribe", "id": "1"}`}, 4400},
		"null for a payload":         {[]string{`{"type": "connection_init"}`, `{"type": "subscribe", "id": "1", "payload": null}`}, 4400},
		"no query":                   {[]string{`{"type": "connection_init"}`, `{"type": "subscribe", "id": "1", "payload": {"query": 1}}`}, 4400},
		"a message that is too long": {[]string{`{"type": "ping", "payload": "` + strings.Repeat("x", 5000) + `"}`}, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.dial(s.url, "root", nil)
			for _, m := range c.messages {
				w.send(m)
			}
			require.Equal(t, c.code, w.closed())
		})
	}
	require.Equal(t, 4406, s.dial(s.url, "root", nil, "graphql-ws").closed())
	w := s.dial(s.url, "root", nil)
	require.NoError(t, w.conn.Write(w.ctx, websocket.MessageBinary, []byte(`{"type": "connection_init"}`)))
	require.Equal(t, 4400, w.closed())
}

// Browsers send cookies and certificates along with a WebSocket whatever page
// opens it.
func TestOnlyPagesOfTheServerOpenAWebSocket(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{Origins: []string{"*.friend.example.org"}})
	for origin, allowed := range map[string]bool{"": true, s.url: true, "https://evil.example.org": false, "https://ui.friend.example.org": true, "null": false} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		conn, res, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1), &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
		if allowed {
			require.NoError(t, err, origin)
			_ = conn.CloseNow()
			continue
		}
		require.Error(t, err, origin)
		require.Equal(t, http.StatusForbidden, res.StatusCode, origin)
	}
}
