package graphql_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

const follow = `subscription($id: ID!, $after: BigInt) { task_events(task_id: $id, after: $after) { seq type current_progress total_progress message at } }`

// story is a task whose events a test writes.
type story struct {
	s    *site
	task domain.Task
	step int
}

func (s *site) story() *story {
	s.tb.Helper()
	res, err := s.RescanImages(s.root, actions.RescanImagesAction{Background: true})
	require.NoError(s.tb, err)
	task, err := s.store.TakeTask(s.tb.Context(), res.TaskID, 0, time.Now())
	require.NoError(s.tb, err)
	return &story{s: s, task: task}
}

// tell writes n events; the last one of all is done's.
func (s *story) tell(n int) {
	s.s.tb.Helper()
	for range n {
		s.step++
		_, err := s.s.store.FlushTask(s.s.tb.Context(), repository.TaskProgress{
			ID: s.task.ID, Attempt: s.task.Attempt, Planned: s.step, Now: time.Now(), Message: fmt.Sprint("step ", s.step),
			Items: []domain.TaskItem{{Key: fmt.Sprint(s.step), State: domain.ItemDone}},
		})
		require.NoError(s.s.tb, err)
	}
}

func (s *story) done() {
	s.s.tb.Helper()
	_, err := s.s.store.FlushTask(s.s.tb.Context(), repository.TaskProgress{ID: s.task.ID, Attempt: s.task.Attempt, End: domain.TaskDone, Now: time.Now()})
	require.NoError(s.s.tb, err)
}

// events is an open stream of server-sent events.
type events struct {
	tb     testing.TB
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (s *site) listen(url, actor, query string, vars map[string]any) *events {
	s.tb.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	require.NoError(s.tb, err)
	ctx, cancel := context.WithCancel(s.tb.Context())
	s.tb.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
	require.NoError(s.tb, err)
	r.Header.Set("Content-Type", plainJSON)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("X-Test-Actor", actor)
	res, err := http.DefaultClient.Do(r)
	require.NoError(s.tb, err)
	s.tb.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return &events{tb: s.tb, res: res, lines: lines, cancel: cancel}
}

// next returns the next event and its data, "" and nothing at the end.
func (e *events) next() (name string, a answer) {
	e.tb.Helper()
	for e.lines.Scan() {
		line := e.lines.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			name = strings.TrimPrefix(line, "event: ")
		case strings.HasPrefix(line, "data: "):
			require.NoError(e.tb, json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &a))
			a.raw = line
		case line == "" && name != "":
			return name, a
		}
	}
	return "", a
}

// seq returns the number and the type of the next event, which has to be one.
func (e *events) seq() (int64, string) {
	e.tb.Helper()
	name, a := e.next()
	require.Equal(e.tb, "next", name)
	require.Empty(e.tb, a.Errors)
	ev := a.Data["task_events"].(map[string]any)
	return int64(ev["seq"].(float64)), ev["type"].(string)
}

func TestATaskIsFollowedOverServerSentEventsAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	st.tell(3)
	e := s.listen(s.url, "root", follow, map[string]any{"id": st.task.ID})
	require.Equal(t, "text/event-stream; charset=utf-8", e.res.Header.Get("Content-Type"))
	for want := int64(1); want <= 3; want++ {
		seq, typ := e.seq()
		require.Equal(t, want, seq)
		require.Equal(t, "task_updated", typ)
	}
	st.tell(1) // while the stream waits
	seq, _ := e.seq()
	require.Equal(t, int64(4), seq)
	e.cancel() // the connection is lost

	st.tell(2)
	st.done()
	e = s.listen(s.url, "root", follow, map[string]any{"id": st.task.ID, "after": seq})
	for want := seq + 1; ; want++ {
		got, typ := e.seq()
		require.Equal(t, want, got, "no gap and no repetition")
		if typ == "task_done" {
			break
		}
	}
	name, _ := e.next()
	require.Equal(t, "complete", name)
	name, _ = e.next()
	require.Empty(t, name, "the stream ends")
}

func TestWhatCannotBeFollowedSaysWhyAndEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	for name, c := range map[string]struct {
		actor, query string
		vars         map[string]any
		reason       string
	}{
		"nobody's task":     {"root", follow, map[string]any{"id": domain.NewID[domain.TaskID]()}, "task_not_found"},
		"another's task":    {"alice", follow, map[string]any{"id": st.task.ID}, "task_not_found"},
		"no id":             {"root", follow, map[string]any{"id": "x"}, "id_invalid"},
		"nobody who asks":   {"", follow, map[string]any{"id": st.task.ID}, "no_actor"},
		"before the first":  {"root", follow, map[string]any{"id": st.task.ID, "after": -1}, "watch_invalid"},
		"no number":         {"root", follow, map[string]any{"id": st.task.ID, "after": "x"}, "input_invalid"},
		"a broken query":    {"root", "{", nil, "query_malformed"},
		"to a name":         {"root", `subscription { __typename }`, nil, "query_invalid"},
		"to nothing":        {"root", `subscription { task_events(task_id: "x") @skip(if: true) { seq } }`, nil, "query_invalid"},
		"two subscriptions": {"root", `subscription { a: task_events(task_id: "x") { seq } b: task_events(task_id: "y") { seq } }`, nil, "query_invalid"},
	} {
		e := s.listen(s.url, c.actor, c.query, c.vars)
		event, a := e.next()
		require.Equal(t, "next", event, name)
		require.Equal(t, []any{c.reason}, a.reasons(), name)
		event, _ = e.next()
		require.Equal(t, "complete", event, name)
	}
	e := s.listen(s.url, "alice", `{ images { name } }`, nil)
	event, a := e.next()
	require.Equal(t, "next", event)
	require.Equal(t, map[string]any{"images": []any{}}, a.Data, "queries are answered too")
	event, _ = e.next()
	require.Equal(t, "complete", event)
}

// A watcher does not outlive its permission: every look passes the door.
func TestAStreamEndsWhenItsCallerMayNoLongerLook(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	st.tell(1)
	var revoked atomic.Bool
	gate := func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			if revoked.Load() {
				return domain.Errorf(domain.CodeForbidden, "revoked", "task.get", "this is over")
			}
			return next(ctx, c)
		}
	}
	access, err := rbac.Default(service.Permissions())
	require.NoError(t, err)
	s.ImageService, err = service.New(service.Config{Store: s.store, Authorizer: access, Middleware: []service.Middleware{gate}})
	require.NoError(t, err)
	url := s.serve(graphql.Options{})
	e := s.listen(url, "root", follow, map[string]any{"id": st.task.ID})
	seq, _ := e.seq()
	require.Equal(t, int64(1), seq)
	w := s.dial(url, "root", nil)
	w.init()
	w.subscribe("1", follow, map[string]any{"id": st.task.ID})
	require.Equal(t, "next", w.read().Type)

	revoked.Store(true)
	st.tell(1) // ends the look that is under way
	for {
		name, a := e.next()
		require.Equal(t, "next", name)
		if len(a.Errors) > 0 {
			require.Equal(t, []any{"revoked"}, a.reasons())
			break
		}
	}
	name, _ := e.next()
	require.Equal(t, "complete", name)
	for {
		m := w.read()
		if m.Type == "error" {
			require.Contains(t, string(m.Payload), `"reason":"revoked"`)
			return
		}
		require.Equal(t, "next", m.Type)
	}
}

func TestAWatcherThatAsksTooMuchWaitsAndGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	st.tell(1)
	var looks atomic.Int64
	gate := func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			if looks.Add(1) == 2 {
				return domain.Errorf(domain.CodeRateLimited, "rate_limited", "", "slower")
			}
			return next(ctx, c)
		}
	}
	var err error
	s.ImageService, err = service.New(service.Config{Store: s.store, Authorizer: porttest.AllowAll{}, Middleware: []service.Middleware{gate}})
	require.NoError(t, err)
	e := s.listen(s.serve(graphql.Options{}), "root", follow, map[string]any{"id": st.task.ID})
	e.seq()
	st.done()
	seq, typ := e.seq()
	require.Equal(t, int64(2), seq)
	require.Equal(t, "task_done", typ)
	require.GreaterOrEqual(t, looks.Load(), int64(3))
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	st.tell(1)
	closing := make(chan struct{})
	url := s.serve(graphql.Options{Closing: closing})
	e := s.listen(url, "root", follow, map[string]any{"id": st.task.ID})
	e.seq()
	w := s.dial(url, "root", nil)
	w.init()
	w.subscribe("1", follow, map[string]any{"id": st.task.ID})
	require.Equal(t, "next", w.read().Type)
	close(closing)
	name, a := e.next()
	require.Equal(t, "next", name)
	require.Equal(t, []any{"server_closing"}, a.reasons())
	name, _ = e.next()
	require.Empty(t, name, "not complete: there is more to come")
	require.Equal(t, 1001, w.closed())
}

// What waits for a client that is gone is work for nobody.
func TestNobodyIsWatchedForWhoIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	st.tell(1)
	var looking atomic.Int64
	count := func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			looking.Add(1)
			defer looking.Add(-1)
			return next(ctx, c)
		}
	}
	var err error
	s.ImageService, err = service.New(service.Config{Store: s.store, Authorizer: porttest.AllowAll{}, Middleware: []service.Middleware{count}})
	require.NoError(t, err)
	url := s.serve(graphql.Options{})
	e := s.listen(url, "root", follow, map[string]any{"id": st.task.ID})
	e.seq()
	w, gone := s.dial(url, "root", nil), s.dial(url, "root", nil)
	for _, w := range []*wire{w, gone} {
		w.init()
		w.subscribe("1", follow, map[string]any{"id": st.task.ID})
		require.Equal(t, int64(1), w.seq("1"))
	}
	require.Eventually(t, func() bool { return looking.Load() == 3 }, 5*time.Second, time.Millisecond)
	e.cancel()
	require.Eventually(t, func() bool { return looking.Load() == 2 }, 5*time.Second, time.Millisecond, "server-sent events")
	w.send(`{"id": "1", "type": "complete"}`)
	require.Eventually(t, func() bool { return looking.Load() == 1 }, 5*time.Second, time.Millisecond, "one operation of a WebSocket")
	require.NoError(t, gone.conn.CloseNow())
	require.Eventually(t, func() bool { return looking.Load() == 0 }, 5*time.Second, time.Millisecond, "a WebSocket")
}

func TestSilentStreamsSayThatTheyAreThere(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock()
	st := s.story()
	url := s.serve(graphql.Hasty(graphql.Options{}, 20*time.Millisecond))
	e := s.listen(url, "root", follow, map[string]any{"id": st.task.ID, "after": 1000})
	for range 3 {
		require.True(t, e.lines.Scan())
		require.Equal(t, ":", e.lines.Text())
		require.True(t, e.lines.Scan())
		require.Empty(t, e.lines.Text())
	}
	require.Equal(t, 4408, s.dial(url, "root", nil).closed(), "who never says hello")
	w := s.dial(url, "root", nil)
	w.init()
	w.subscribe("1", `{ __typename }`, nil)
	require.Equal(t, "next", w.read().Type, "who did is not hurried")
}
