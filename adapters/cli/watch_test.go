package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// story is a task that goes on by one event with each question for events.
type story struct {
	task    domain.Task
	account []domain.TaskAccount // after each event
	failed  []domain.TaskItem
	asked   []actions.WatchTaskAction
	before  func(ctx context.Context, name string) error
}

func (s *story) answer(ctx context.Context, e service.Entry, a actions.Action) (any, error) {
	if s.before != nil {
		if err := s.before(ctx, e.Spec.Name); err != nil {
			return nil, err
		}
	}
	switch a := a.(type) {
	case *actions.GetTaskAction:
		items := s.failed[:min(len(s.failed), a.Limit)]
		if a.Where.IsZero() {
			items = nil
		}
		return actions.GetTaskResult{Task: s.now(len(s.asked)), Items: items}, nil
	case *actions.WatchTaskAction:
		s.asked = append(s.asked, *a)
		n := len(s.asked)
		now := s.now(n)
		last := n == len(s.account)
		event := domain.TaskEvent{Seq: int64(n), At: noon, Type: domain.EventUpdated, Current: now.Current(), Total: now.Total(), Message: "step"}
		if last {
			event.Type, event.Message = domain.EventDone, "finished"
		}
		return actions.WatchTaskResult{Events: []domain.TaskEvent{event}, Done: last}, nil
	}
	return nil, domain.Errorf(domain.CodeInternal, "unexpected", e.Spec.Name, "nobody should call %s", e.Spec.Name)
}

// now is the task after n events.
func (s *story) now(n int) domain.Task {
	t := s.task
	if n > 0 {
		t.Account = s.account[n-1]
	}
	if n < len(s.account) {
		t.State, t.Problem, t.FinishedAt = domain.TaskRunning, nil, time.Time{}
		if n == 0 {
			t.State = domain.TaskQueued
		}
	}
	return t
}

// newStory is a task of three items that ends in a state.
func newStory(end domain.TaskState, account domain.TaskAccount) *story {
	return &story{
		task:    domain.Task{ID: someID, Kind: "agent.preload_images", State: end, Action: json.RawMessage("{}"), Actor: domain.Actor{ID: "ada", Role: "user"}},
		account: []domain.TaskAccount{{Seen: 3}, {Seen: 3, Done: 1}, account},
	}
}

func failedItem(key string) domain.TaskItem {
	return domain.TaskItem{Key: key, State: domain.ItemFailed, Problem: &domain.Problem{Code: domain.CodeUnavailable, Reason: "agent_unavailable", Message: "the node does not answer"}}
}

func TestWatchTellsTheEnd(t *testing.T) {
	for end, c := range map[domain.TaskState]struct {
		account domain.TaskAccount
		code    int
		says    string
	}{
		domain.TaskDone:      {domain.TaskAccount{Seen: 3, Done: 1, Unchanged: 1, Deferred: 1}, 0, "is done: agent.preload_images, 3 items: 1 done, 1 unchanged, 1 deferred\n  what is deferred waits"},
		domain.TaskPartial:   {domain.TaskAccount{Seen: 3, Done: 2, Failed: 1}, 12, "is partial: agent.preload_images, 3 items: 2 done, 1 failed"},
		domain.TaskFailed:    {domain.TaskAccount{Seen: 3, Failed: 3}, 13, "wharf: the task failed"},
		domain.TaskCancelled: {domain.TaskAccount{Seen: 3, Done: 1, Cancelled: 2}, 14, "wharf: the task was cancelled"},
	} {
		t.Run(string(end), func(t *testing.T) {
			s := newStory(end, c.account)
			w := answers(t, s.answer)
			o := w.run("task", "watch", someID).exits(c.code).says(c.says)
			require.Equal(t, c.code != 0, strings.Contains(o.stderr, "wharf task retry "+someID))
			require.Contains(t, o.stderr, "the task is queued; wharf serve works it off")
			for i, a := range s.asked {
				require.EqualValues(t, i, a.AfterEvent, "each event once")
				require.Equal(t, 20_000, a.WaitMS)
			}

			s.asked = nil
			o = w.run("task", "watch", someID, "--json").exits(c.code)
			require.Empty(t, o.stderr, "the last line has it")
			lines := strings.Split(strings.TrimSpace(o.out), "\n")
			require.Len(t, lines, 4)
			var event domain.TaskEvent
			require.NoError(t, json.Unmarshal([]byte(lines[2]), &event))
			require.EqualValues(t, 3, event.Seq)
			var last actions.GetTaskResult
			require.NoError(t, json.Unmarshal([]byte(lines[3]), &last))
			require.Equal(t, end, last.Task.State)
		})
	}
}

func TestWatchNamesWhatFailed(t *testing.T) {
	s := newStory(domain.TaskPartial, domain.TaskAccount{Seen: 25, Done: 2, Failed: 23})
	for i := range 23 {
		s.failed = append(s.failed, failedItem(fmt.Sprintf("node-%02d/cr.test/x:1/x86_64\x1b[31m", i)))
	}
	w := answers(t, s.answer)
	o := w.run("task", "watch", someID, "--quiet").exits(12).golden("tables/task_watch")
	require.Equal(t, 20, strings.Count(o.out, "the node does not answer"))
	require.Equal(t, "wharf: 23 of 25 failed\n", o.stderr)
}

func TestWatchShowsWhatEndedTheTask(t *testing.T) {
	s := newStory(domain.TaskFailed, domain.TaskAccount{})
	s.task.Problem = &domain.Problem{Code: domain.CodeForbidden, Message: "no longer allowed"}
	answers(t, s.answer).run("task", "watch", someID).exits(13).says("forbidden: no longer allowed").says("wharf task retry")
}

func TestWatchReportsToScripts(t *testing.T) {
	s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
	w := answers(t, s.answer)
	s.before = func(context.Context, string) error { w.now = w.now.Add(time.Second); return nil }
	s.task.Cancel = true
	o := w.run("task", "watch", someID).ok()
	require.Contains(t, o.stderr, "0/3 0 done; it is to stop\n1/3 1 done; it is to stop\n")
	require.NotContains(t, o.out, "1/3")
	s.asked = nil
	require.Empty(t, w.run("task", "watch", someID, "--quiet").ok().stderr)
	s.asked = nil
	o = w.run("task", "watch", someID, "--quiet", "--json").ok()
	require.Equal(t, 1, strings.Count(o.out, "\n"), "the end only")
}

// waiting is a terminal that somebody reads until a text is there.
type waiting struct {
	safeBuffer
	text  string
	shown chan struct{}
	once  atomic.Bool
}

func (w *waiting) Write(p []byte) (int, error) {
	n, err := w.safeBuffer.Write(p)
	if strings.Contains(w.String(), w.text) && w.once.CompareAndSwap(false, true) {
		close(w.shown)
	}
	return n, err
}

func TestWatchHasABarWithTheAccount(t *testing.T) {
	s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
	s.account[1] = domain.TaskAccount{Seen: 3, Done: 1, Failed: 1}
	screen := &waiting{text: "1 done, 1 failed", shown: make(chan struct{})}
	s.before = func(ctx context.Context, name string) error {
		if name == "task.watch" && len(s.asked) == 2 { // the account after two events is to be seen
			select {
			case <-screen.shown:
			case <-ctx.Done():
			}
		}
		return nil
	}
	w := answers(t, s.answer)
	var out safeBuffer
	code := cli.Run(t.Context(), cli.Config{Open: w.open, Stdout: &out, Stderr: screen, Terminal: cli.Terminal{Err: true}}, []string{"task", "watch", someID, "--timeout", "30s"})
	require.Equal(t, 0, code, screen.String())
	require.Contains(t, screen.String(), "2/3")
	require.NotContains(t, out.String(), "2/3", "never on standard output")
}

func TestWatchHasABarForEachItemUnderWay(t *testing.T) {
	s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
	s.task.Running = []domain.TaskStep{{Key: "n1/app:1\x1b[31m/x86_64", Current: 3 << 20, Total: 10 << 20, Message: "layer 2"}, {Key: "n2/app:1/x86_64"}}
	screen := &waiting{text: "n2/app:1/x86_64", shown: make(chan struct{})}
	s.before = func(ctx context.Context, name string) error {
		if name != "task.watch" || len(s.asked) != 1 {
			return nil
		}
		select { // both are to be seen
		case <-screen.shown:
		case <-ctx.Done():
		}
		s.task.Running = s.task.Running[1:]
		return nil
	}
	w := answers(t, s.answer)
	var out safeBuffer
	code := cli.Run(t.Context(), cli.Config{Open: w.open, Stdout: &out, Stderr: screen, Terminal: cli.Terminal{Err: true}}, []string{"task", "watch", someID, "--timeout", "30s"})
	require.Equal(t, 0, code, screen.String())
	require.Contains(t, screen.String(), `n1/app:1\x1b[31m/x86_64 3 MiB/10 MiB layer 2`)
	require.NotContains(t, out.String(), "layer 2", "never on standard output")
}

func TestWhoStopsWatchingStopsNothingElse(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
	s.before = func(ctx context.Context, name string) error {
		if name == "task.watch" {
			cancel()
			<-ctx.Done()
			return domain.Errorf(domain.CodeCanceled, "", "", "canceled")
		}
		return nil
	}
	w := answers(t, s.answer)
	o := w.runContext(ctx, "task", "watch", someID).exits(10)
	require.Contains(t, o.stderr, "stopped watching, which does not stop the task; wharf task cancel "+someID+" does")
	require.Empty(t, s.asked)

	s.before = func(ctx context.Context, name string) error { <-ctx.Done(); return ctx.Err() }
	code, reason := w.run("task", "watch", someID, "--timeout", "10ms", "--json").exits(11).problem()
	require.Equal(t, []string{"timeout", "watch_stopped"}, []string{code, reason})
}

// A database that is away for a moment ends no watch; one that stays away does.
func TestWatchOutlivesAShortOutage(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		fails  int // calls in a row
		code   int
		calls  int // in all
		longer time.Duration
	}{
		"a moment":         {domain.ErrUnavailable, 3, 0, 10, 3500 * time.Millisecond},
		"for good":         {domain.ErrUnavailable, 1000, 9, 6, 15500 * time.Millisecond},
		"slow answers":     {domain.ErrTimeout, 1, 0, 8, time.Second / 2},
		"asked to wait":    {&domain.Error{Code: domain.CodeRateLimited, RetryAfter: 5 * time.Second}, 1, 0, 8, 5 * time.Second},
		"asked for years":  {&domain.Error{Code: domain.CodeRateLimited, RetryAfter: 1e6 * time.Hour}, 1, 0, 8, 20 * time.Second},
		"it does not pass": {domain.ErrNotFound, 1, 5, 1, 0},
	} {
		w := answers(t, nil)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
				calls, fails := 0, c.fails
				s.before = func(context.Context, string) error {
					if calls++; fails > 0 {
						fails--
						return c.err
					}
					return nil
				}
				w.t = t
				w.open = func(context.Context, cli.Settings) (cli.Service, error) { return fake(s.answer), nil }
				start := time.Now()
				o := w.run("task", "watch", someID).exits(c.code)
				require.Equal(t, c.longer, time.Since(start))
				if c.code == 0 {
					require.Len(t, s.asked, 3, o.stderr)
				}
				require.Equal(t, c.calls, calls)
			})
		})
	}
}

// A service that does not wait for events is not asked all the time.
func TestWatchDoesNotFlood(t *testing.T) {
	w := answers(t, nil)
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		w.t = t
		w.open = func(context.Context, cli.Settings) (cli.Service, error) {
			return fake(func(context.Context, service.Entry, actions.Action) (any, error) {
				calls++
				return actions.WatchTaskResult{}, nil
			}), nil
		}
		w.run("task", "watch", someID, "--json", "--timeout", "10s").exits(11)
		require.LessOrEqual(t, calls, 21)
	})
}

// With flags for programs, the answer is one batch.
func TestWatchOnceForPrograms(t *testing.T) {
	for _, args := range [][]string{{"--after-event", "1"}, {"--limit", "7"}, {"--wait-ms", "100"}} {
		s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
		s.asked = make([]actions.WatchTaskAction, 1)
		w := answers(t, s.answer)
		o := w.run(append([]string{"task", "watch", someID}, args...)...).ok()
		require.Len(t, s.asked, 2)
		require.Empty(t, o.stderr)
		var r actions.WatchTaskResult
		w.run(append([]string{"task", "watch", someID, "--json"}, args...)...).ok().json(&r)
		require.True(t, r.Done)
		require.Len(t, r.Events, 1)
	}
	s := newStory(domain.TaskDone, domain.TaskAccount{Seen: 3, Done: 3})
	answers(t, s.answer).run("task", "watch", "--action-json", file(t, "a.json", `{"task_id":"`+someID+`"}`)).ok().golden("tables/task_events")
	w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return actions.WatchTaskResult{}, nil
	})
	w.run("task", "watch", someID, "--limit", "1").ok().says("nothing happened so far")
	w.run("task", "watch").exits(2).says("TASK is missing")
}
