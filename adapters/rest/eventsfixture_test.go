package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long something may take that has to happen.
const patience = 20 * time.Second

// event is one block of an event stream; of a comment, only that.
type event struct {
	ID, Name, Comment, Retry string
	Data                     map[string]any
}

// follower is a client of an event stream.
type follower struct {
	t *testing.T
	*http.Response
	lines *bufio.Reader
}

// listen serves a world on a port of its own.
func (w *world) listen() *httptest.Server {
	w.t.Helper()
	s := httptest.NewServer(w)
	w.t.Cleanup(s.Close)
	return s
}

// follow opens a stream; headers are "Name: value".
func follow(ctx context.Context, t *testing.T, base, query string, headers ...string) *follower {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/events/background-task?"+query, nil)
	require.NoError(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	return &follower{t: t, Response: res, lines: bufio.NewReader(res.Body)}
}

// next reads one block, false at the end of the stream.
func (f *follower) next() (event, bool) {
	f.t.Helper()
	var e event
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			require.ErrorIs(f.t, err, io.EOF)
			require.Empty(f.t, line, "it ends between blocks")
			return e, false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "":
			if line == "\n" {
				return e, true
			}
			e.Comment = value
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "retry":
			e.Retry = value
		case "data":
			require.NoError(f.t, json.Unmarshal([]byte(value), &e.Data))
		default:
			require.Fail(f.t, "no field of an event stream", "%s", line)
		}
	}
}

// rest reads to the end and returns the events, without comments.
func (f *follower) rest() []event {
	f.t.Helper()
	var list []event
	for {
		e, ok := f.next()
		if !ok {
			return list
		}
		if e.Name != "" {
			list = append(list, e)
		}
	}
}

// until reads up to the first event that ok likes.
func (f *follower) until(ok func(event) bool) event {
	f.t.Helper()
	for {
		e, more := f.next()
		require.True(f.t, more, "the stream ended before")
		if ok(e) {
			return e
		}
	}
}

func ids(list []event) []string {
	var s []string
	for _, e := range list {
		s = append(s, e.ID)
	}
	return s
}

// pipes is a listener whose connections hold nothing back: what is written
// waits until it is read.
type pipes struct{ accept chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.accept
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { close(p.accept); return nil }

func (pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.accept <- far
	return near
}

// within waits for a channel to be closed.
func within(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		require.Fail(t, what)
	}
}
