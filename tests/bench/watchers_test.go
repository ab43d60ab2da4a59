package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
)

// watching is so many clients that follow so many tasks to their end.
type watching struct {
	watchers, tasks, events int           // events of each task, the last one included
	every                   time.Duration // between two events of a task
}

// liveTasks stores tasks and takes them, so that nobody else works on them.
func liveTasks(tb testing.TB, a *app.App, n int) []domain.Task {
	tb.Helper()
	root := domain.WithActor(tb.Context(), apiRoot)
	list := make([]domain.Task, n)
	for i := range list {
		name := fmt.Sprintf("cr-%03d.example.org", i)
		_, err := a.CreateRegistry(root, actions.CreateRegistryAction{Name: name})
		require.NoError(tb, err)
		res, err := a.RescanImages(root, actions.RescanImagesAction{Registry: name, Background: true})
		require.NoError(tb, err)
		list[i], err = a.Store.TakeTask(tb.Context(), res.TaskID, 0, time.Now())
		require.NoError(tb, err)
	}
	return list
}

// tell writes the events of the tasks, one of each at a time.
func (w watching) tell(ctx context.Context, a *app.App, tasks []domain.Task) error {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for n := 1; n <= w.events; n++ {
		for _, task := range tasks {
			p := repository.TaskProgress{
				ID: task.ID, Attempt: task.Attempt, Planned: w.events - 1, Now: time.Now(), Message: "step",
				Items: []domain.TaskItem{{Key: strconv.Itoa(n), State: domain.ItemDone}},
			}
			if n == w.events {
				p.Items, p.Message, p.End = nil, "", domain.TaskDone
			}
			if _, err := a.Store.FlushTask(ctx, p); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// follow reads a task's events to the end of the stream and checks that all are
// there, in order. It calls begun once the server follows the task.
func (w watching) follow(ctx context.Context, client *http.Client, url, key string, id domain.TaskID, begun func()) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events/background-task?taskId="+string(id), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", res.Status)
	}
	begun()
	var seen int
	var last string
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			if seen++; value != strconv.Itoa(seen) {
				return fmt.Errorf("task %s: event %s is where number %d should be", id, value, seen)
			}
		case "event":
			last = value
		case "data":
			if !strings.Contains(value, string(id)) {
				return fmt.Errorf("task %s: the event of another: %s", id, value)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if seen != w.events || last != string(domain.EventDone) {
		return fmt.Errorf("task %s: the stream ends with event %d of %d, %q", id, seen, w.events, last)
	}
	return nil
}

// run has the clients follow the tasks of a server, and returns its memory at
// the end of it, and at most.
func (w watching) run(tb testing.TB) (now, peak int64) {
	tb.Helper()
	dir := tb.TempDir()
	a, err := app.Open(tb.Context(), app.Config{Dir: dir, Service: service.Config{Limiter: service.NewLimiter(nil, nil)}})
	require.NoError(tb, err)
	defer a.Close()
	key, tasks := rootKey(tb, a), liveTasks(tb, a, w.tasks)
	server := startOwnServer(tb, dir)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	g, ctx := errgroup.WithContext(tb.Context())
	var begun sync.WaitGroup
	begun.Add(w.watchers)
	for i := range w.watchers {
		once := sync.OnceFunc(begun.Done)
		g.Go(func() error {
			defer once() // nobody waits for one that failed
			return w.follow(ctx, client, server.url, key, tasks[i%len(tasks)].ID, once)
		})
	}
	begun.Wait()
	idle, _ := server.memory(tb)
	g.Go(func() error { return w.tell(ctx, a, tasks) })
	require.NoError(tb, g.Wait())
	now, peak = server.memory(tb)
	tb.Logf("%d watchers of %d tasks got %d events: %d MiB resident when all watch, %d at the end, %d at most",
		w.watchers, w.tasks, w.watchers*w.events, idle>>20, now>>20, peak>>20)
	return now, peak
}

func TestEveryWatcherOverHTTPGetsAllEventsInOrder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("memory is read from /proc")
	}
	watching{watchers: 50, tasks: 5, events: 8, every: 50 * time.Millisecond}.run(t)
}

// BenchmarkWatchers has 1,000 clients follow 100 live tasks of a server that is
// a process of its own: how much memory that process needs at most.
func BenchmarkWatchers(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("memory is read from /proc")
	}
	w := watching{watchers: 1000, tasks: 100, events: 16, every: time.Second}
	for b.Loop() {
		_, peak := w.run(b)
		b.ReportMetric(float64(peak)/(1<<20), "MiB-resident")
		b.ReportMetric(float64(w.watchers*w.events), "events")
	}
}
