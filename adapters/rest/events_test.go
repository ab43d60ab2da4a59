package rest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
)

func TestAStreamTellsATaskFromItsFirstEventToItsLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	task := w.task()
	base := w.listen().URL
	f := follow(t.Context(), t, base, "taskId="+string(task.ID))
	require.Equal(t, http.StatusOK, f.StatusCode)
	require.Equal(t, "text/event-stream", f.Header.Get("Content-Type"))
	require.Equal(t, "no-store", f.Header.Get("Cache-Control"))
	require.Equal(t, "no", f.Header.Get("X-Accel-Buffering"))
	first, _ := f.next()
	require.Equal(t, "3000", first.Retry)

	w.progress(task, repository.TaskProgress{Planned: 3, Message: "listing\nrepositories"})
	told := f.until(func(e event) bool { return e.Data["message"] == "listing\nrepositories" })
	require.Equal(t, "task_updated", told.Name)
	require.Equal(t, map[string]any{"task_id": string(task.ID), "current_progress": 0.0, "total_progress": 3.0, "message": "listing\nrepositories"}, told.Data)

	w.progress(task, repository.TaskProgress{Items: []domain.TaskItem{{Key: "a", State: domain.ItemDone}}, End: domain.TaskDone, Message: "finished"})
	last := f.rest()
	require.Len(t, last, 1)
	require.Equal(t, "task_done", last[0].Name)
	require.Equal(t, "finished", last[0].Data["message"])

	again := follow(t.Context(), t, base, "task_id="+string(task.ID)).rest()
	for i, e := range again {
		require.Equal(t, fmt.Sprint(i+1), e.ID, "numbers from 1 without a gap")
	}
	require.Equal(t, last[0], again[len(again)-1], "a task that is over tells the same")
}

func TestTheLastEventSaysHowATaskEnded(t *testing.T) {
	t.Parallel()
	done, failed := domain.TaskItem{Key: "a", State: domain.ItemDone}, domain.TaskItem{Key: "b", State: domain.ItemFailed}
	for state, c := range map[domain.TaskState]struct {
		items         []domain.TaskItem
		name, message string
	}{
		domain.TaskDone:      {[]domain.TaskItem{done}, "task_done", "finished"},
		domain.TaskPartial:   {[]domain.TaskItem{done, failed}, "task_done", "partial success: 1 of 2 failed"},
		domain.TaskFailed:    {[]domain.TaskItem{failed}, "task_failed", "finished"},
		domain.TaskCancelled: {[]domain.TaskItem{done}, "task_cancelled", "finished"},
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, at{})
			task := w.task()
			w.progress(task, repository.TaskProgress{Items: c.items, End: state, Message: "finished"})
			list := follow(t.Context(), t, w.listen().URL, "taskId="+string(task.ID)).rest()
			last := list[len(list)-1]
			require.Equal(t, c.name, last.Name)
			require.Equal(t, c.message, last.Data["message"])
		})
	}
}

func TestAStreamGoesOnAfterTheEventThatTheClientHasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	task := w.task()
	for i := range 5 {
		w.progress(task, repository.TaskProgress{Planned: 5, Message: fmt.Sprint(i)})
	}
	w.progress(task, repository.TaskProgress{End: domain.TaskDone})
	base, query := w.listen().URL, "taskId="+string(task.ID)
	all := ids(follow(t.Context(), t, base, query).rest())
	require.GreaterOrEqual(t, len(all), 6)
	require.Equal(t, all[2:], ids(follow(t.Context(), t, base, query, "Last-Event-ID: 2").rest()))
	require.Equal(t, all[3:], ids(follow(t.Context(), t, base, query+"&lastEventId=3").rest()))
	require.Equal(t, all[4:], ids(follow(t.Context(), t, base, query+"&lastEventId=3", "Last-Event-ID: 4").rest()), "the header is newer than the address")

	over := follow(t.Context(), t, base, query, "Last-Event-ID: "+all[len(all)-1])
	require.Equal(t, http.StatusNoContent, over.StatusCode, "browsers connect again until they get this")
	for _, bad := range []string{"x", "-1", "1.5", "99999999999999999999"} {
		w.do("GET", "/events/background-task?"+query, "", "Last-Event-ID: "+bad).problem(400, "last_event_invalid", "Last-Event-ID")
	}
}

func TestWhatIsWrongIsToldBeforeAStreamBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	id := string(w.task().ID)
	get := func(query string, headers ...string) *answer {
		return w.do("GET", "/events/background-task"+query, "", headers...)
	}
	unknown := string(domain.NewID[domain.TaskID]())
	strange := get("?taskId="+unknown).problem(404, "task_not_found", unknown)
	foreign := get("?taskId="+id, "X-Test-User: eve").problem(404, "task_not_found", id)
	require.Equal(t, strange["title"], foreign["title"])
	get("?taskId="+id, "X-Test-User: -").problem(401, "no_actor", "")
	get("").problem(400, "field_required", "taskId")
	get("?taskId=").problem(400, "field_required", "taskId")
	get("?taskId="+id+"&task_id="+id).problem(400, "field_required", "taskId")
	get("?taskId=x").problem(400, "id_invalid", "task_id")
	get("?task="+id).problem(400, "parameter_unknown", "task")
	head := w.do("HEAD", "/events/background-task?taskId="+id, "")
	require.Equal(t, "text/event-stream", head.Header.Get("Content-Type"))
	require.Empty(t, head.body)
}

func TestASilentStreamIsKeptAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{rest: rest.Options{KeepAlive: 20 * time.Millisecond}})
	task := w.task()
	f := follow(t.Context(), t, w.listen().URL, "taskId="+string(task.ID))
	for range 3 {
		f.until(func(e event) bool { return e.Comment == "keep-alive" })
	}
	w.progress(task, repository.TaskProgress{End: domain.TaskDone})
	require.NotEmpty(t, f.rest())
}

func TestAServerThatClosesSaysSoAndIsNotHeldUp(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	w := newWorld(t, at{rest: rest.Options{Closing: closing}})
	task := w.task()
	s := w.listen()
	var list []*follower
	for range 5 {
		f := follow(t.Context(), t, s.URL, "taskId="+string(task.ID))
		f.until(func(e event) bool { return e.Retry != "" })
		list = append(list, f)
	}
	close(closing)
	for _, f := range list {
		all := f.rest()
		last := all[len(all)-1]
		require.Equal(t, "server_close", last.Name)
		require.Empty(t, last.ID, "what the client has seen stays as it is")
		require.Equal(t, string(task.ID), last.Data["task_id"])
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, s.Config.Shutdown(ctx))
}

// ending reports when requests are over.
func (w *world) ending() <-chan struct{} {
	done, next := make(chan struct{}), w.Handler
	w.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer close(done)
		next.ServeHTTP(rw, r)
	})
	return done
}

func TestAClientThatDoesNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{rest: rest.Options{WriteTimeout: 50 * time.Millisecond}})
	task := w.task()
	ended := w.ending()
	p := pipes{make(chan net.Conn)}
	s := &http.Server{Handler: w, ReadHeaderTimeout: patience}
	go func() { _ = s.Serve(p) }()
	t.Cleanup(func() { _ = s.Close() })
	conn := p.dial()
	defer conn.Close()
	_, err := io.WriteString(conn, "GET /events/background-task?taskId="+string(task.ID)+" HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	within(t, ended, "the stream waits for a client that reads nothing")
}

func TestAStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	task := w.task()
	ended := w.ending()
	ctx, cancel := context.WithCancel(t.Context())
	f := follow(ctx, t, w.listen().URL, "taskId="+string(task.ID))
	f.until(func(e event) bool { return e.Retry != "" })
	cancel()
	within(t, ended, "the stream goes on without its client")
}

// moody fails some calls of one action, counted from 1.
func moody(action string, err error, fails func(call int64) bool) service.Middleware {
	var calls atomic.Int64
	return func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			if c.Spec.Name == action && fails(calls.Add(1)) {
				return err
			}
			return next(ctx, c)
		}
	}
}

func TestAStreamOutlivesFailuresThatPass(t *testing.T) {
	t.Parallel()
	for _, code := range []domain.Code{domain.CodeUnavailable, domain.CodeTimeout, domain.CodeRateLimited} {
		away := moody("task.watch", domain.Errorf(code, "", "", "away"), func(call int64) bool { return call >= 2 && call <= 4 })
		w := newWorld(t, at{door: away, rest: rest.Options{KeepAlive: 10 * time.Millisecond}})
		task := w.task()
		f := follow(t.Context(), t, w.listen().URL, "taskId="+string(task.ID))
		for range 3 {
			f.until(func(e event) bool { return e.Comment == "keep-alive" })
		}
		w.progress(task, repository.TaskProgress{End: domain.TaskDone})
		all := f.rest()
		require.Equal(t, "task_done", all[len(all)-1].Name, code)
	}
}

func TestAStreamEndsWhenTheTaskCannotBeToldOfAnyMore(t *testing.T) {
	t.Parallel()
	for _, code := range []domain.Code{domain.CodeUnavailable, domain.CodeForbidden, domain.CodeNotFound, domain.CodeInternal} {
		gone := moody("task.watch", domain.Errorf(code, "", "", "gone"), func(call int64) bool { return call >= 2 })
		w := newWorld(t, at{door: gone, rest: rest.Options{KeepAlive: 10 * time.Millisecond}})
		task := w.task()
		all := follow(t.Context(), t, w.listen().URL, "taskId="+string(task.ID)).rest()
		require.Equal(t, "server_close", all[len(all)-1].Name, code)
	}
}

func TestEveryClientOfATaskIsToldEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	task := w.task()
	base := w.listen().URL
	got := make([][]string, 20)
	var ready, over sync.WaitGroup
	for i := range got {
		ready.Add(1)
		f := follow(t.Context(), t, base, "taskId="+string(task.ID))
		over.Go(func() {
			f.until(func(e event) bool { return e.Retry != "" })
			ready.Done()
			got[i] = ids(f.rest())
		})
	}
	ready.Wait()
	for i := range 10 {
		w.progress(task, repository.TaskProgress{Planned: 10, Message: fmt.Sprint(i)})
	}
	w.progress(task, repository.TaskProgress{End: domain.TaskDone})
	over.Wait()
	require.GreaterOrEqual(t, len(got[0]), 11)
	for _, list := range got {
		require.Equal(t, got[0], list)
	}
}
