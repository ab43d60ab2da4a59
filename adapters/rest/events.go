package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

const (
	eventsPath  = "/events/background-task"
	eventsBatch = domain.MaxPageSize
	// watchTries is how often in a row a task may not be told of before its
	// stream ends: the task outlives a database that is away for a moment.
	watchTries = 5
	watchPause = time.Second
)

var errClosing = errors.New("the server closes")

// events serves what happens to a task as a stream (text/event-stream): from
// the first event, or after the one that the client has seen. What is wrong with
// the request is answered before the stream begins.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	f, err := s.newFollower(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	res, err := f.watch(r.Context(), 0)
	s.tellRates(r.Context(), w.Header(), actions.Read)
	switch {
	case err != nil:
		fail(w, err)
		return
	case res.Done && len(res.Events) == 0:
		w.WriteHeader(http.StatusNoContent) // browsers stop to connect again
		return
	}
	f.begin(w.Header())
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	go func() {
		select {
		case <-s.o.Closing:
			cancel(errClosing)
		case <-ctx.Done():
		}
	}()
	f.follow(ctx, res)
}

// follower tells one client of one task.
type follower struct {
	*stream
	server *server
	last   message // sent, or seen by the client before
	seq    int64
}

// newFollower reads what to follow, and from where. Errors: invalid.
func (s *server) newFollower(w http.ResponseWriter, r *http.Request) (*follower, error) {
	values, err := parseQuery(r.URL.RawQuery, map[string]bool{"taskId": true, "task_id": true, "lastEventId": true})
	if err != nil {
		return nil, err
	}
	ids := append(values["taskId"], values["task_id"]...)
	if len(ids) != 1 || ids[0] == "" {
		return nil, domain.Invalid("field_required", "taskId", "taskId: the id of one task")
	}
	f := &follower{stream: newStream(w, s.o.WriteTimeout), server: s}
	f.last.TaskID = domain.TaskID(strings.ToLower(ids[0]))
	if f.seq, err = lastEvent(r.Header, values); err != nil {
		return nil, err
	}
	return f, nil
}

// lastEvent is the number of the last event that the client has seen, 0 for
// none. Browsers that connect again say it in the header.
func lastEvent(h http.Header, query url.Values) (int64, error) {
	given := h.Get("Last-Event-ID")
	if given == "" {
		given = query.Get("lastEventId")
	}
	if given == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(given, 10, 64)
	if err != nil || n < 0 {
		return 0, domain.Invalid("last_event_invalid", "Last-Event-ID", "the id of an event is a number, not %s", domain.Quote(given))
	}
	return n, nil
}

func (f *follower) watch(ctx context.Context, wait time.Duration) (actions.WatchTaskResult, error) {
	return f.server.svc.WatchTask(ctx, actions.WatchTaskAction{
		TaskID: f.last.TaskID, AfterEvent: f.seq, Limit: eventsBatch, WaitMS: int(wait / time.Millisecond),
	})
}

// follow sends events until the last one, or until nothing can be sent any more.
func (f *follower) follow(ctx context.Context, res actions.WatchTaskResult) {
	err := f.retry()
	for err == nil {
		if err = f.tell(ctx, res); err != nil || res.Done {
			return
		}
		if res, err = f.next(ctx); err != nil {
			f.close(ctx)
			return
		}
		if len(res.Events) == 0 && !res.Done {
			err = f.keepAlive()
		}
	}
}

// next waits for events, over failures that may pass.
func (f *follower) next(ctx context.Context) (actions.WatchTaskResult, error) {
	for try := 1; ; try++ {
		res, err := f.watch(ctx, f.server.o.KeepAlive)
		if err == nil || ctx.Err() != nil || !passes(err) || try == watchTries {
			return res, err
		}
		select {
		case <-time.After(min(max(watchPause, domain.RetryAfterOf(err)), f.server.o.KeepAlive)):
		case <-ctx.Done():
			return res, ctx.Err()
		}
		if err := f.keepAlive(); err != nil {
			return res, err
		}
	}
}

func passes(err error) bool {
	switch domain.CodeOf(err) {
	case domain.CodeUnavailable, domain.CodeTimeout, domain.CodeRateLimited:
		return true
	}
	return false
}

func (f *follower) tell(ctx context.Context, res actions.WatchTaskResult) error {
	for _, e := range res.Events {
		f.seq = e.Seq
		f.last.Current, f.last.Total, f.last.Message = e.Current, e.Total, e.Message
		if e.Type == domain.EventDone && res.State == domain.TaskPartial {
			f.last.Message = f.partial(ctx, e)
		}
		if err := f.event(e.Seq, string(e.Type), f.last); err != nil {
			return err
		}
	}
	return nil
}

// partial is the message of a task that is done in part: done, as its event
// says, and how much of it failed is in the task.
func (f *follower) partial(ctx context.Context, e domain.TaskEvent) string {
	res, err := f.server.svc.GetTask(ctx, actions.GetTaskAction{TaskID: f.last.TaskID, Page: domain.Page{Limit: 1}})
	if err != nil {
		return e.Message
	}
	a := res.Task.Account
	return "partial success: " + strconv.Itoa(a.Failed) + " of " + strconv.Itoa(a.Over()) + " failed"
}

// close ends a stream before its task does, unless it is the client who is gone.
func (f *follower) close(ctx context.Context) {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errClosing) {
		return
	}
	f.last.Message = "the server ends the stream; the task goes on: connect again"
	_ = f.event(0, "server_close", f.last) // there is nobody else to tell
}

// describeEvents tells of the stream.
func describeEvents() *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Operation{
		Method: http.MethodGet, Path: eventsPath, OperationID: "BackgroundTaskEvents", Tags: []string{"task"},
		Summary: "Follow a task as a stream of events",
		Description: "Events are task_updated, then one of task_done (also in part: the message says so), task_failed and task_cancelled, " +
			"after which the stream ends; server_close when the server ends it earlier. Their data is JSON with task_id, " +
			"current_progress, total_progress (0: unknown) and message; their ids are numbers from 1. Needs the permission task.get.",
		Parameters: []*huma.Param{
			{Name: "taskId", In: "query", Required: true, Schema: text, Description: "id of the task; task_id means the same"},
			{Name: "lastEventId", In: "query", Schema: text, Description: "go on after this event"},
			{Name: "Last-Event-ID", In: "header", Schema: text, Description: "go on after this event; before lastEventId"},
		},
		Responses: map[string]*huma.Response{
			"200":     {Description: "the events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: text}}},
			"204":     {Description: "the task is over and the client has seen its last event"},
			"default": {Ref: "#/components/responses/Problem"},
		},
	}
}
