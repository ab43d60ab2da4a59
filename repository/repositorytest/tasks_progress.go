package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func itemsOnce(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	odd := domain.TaskItem{
		Key: "node/\x00\xff", State: domain.ItemFailed, Bytes: 7, Message: "m\x00",
		Problem: &domain.Problem{Code: domain.CodeNotFound, Message: "no\x00"}, Detail: []byte(`{"a": "\u0000"}`),
	}
	p := repository.TaskProgress{ID: id, Attempt: 1, Planned: 3, Items: []domain.TaskItem{item("a", domain.ItemDone), odd}}
	flush(t, st, p)
	p.Items = append(p.Items, item("c", domain.ItemUnchanged), item("a", domain.ItemFailed))
	task := flush(t, st, p)
	wantSame(t, "the account", task.Account, domain.TaskAccount{Seen: 3, Done: 1, Unchanged: 1, Failed: 1})
	list, _, err := whole(st).Read().Tasks.Items(t.Context(), id, domain.Filter{}, domain.Page{})
	if err != nil || len(list) != 3 || list[0].Key != "a" || list[0].State != domain.ItemDone {
		t.Errorf("Items = %+v, %v", list, err)
	}
	failed, _, err := whole(st).Read().Tasks.Items(t.Context(), id, domain.Where("state", domain.Eq, "failed"), domain.Page{})
	if err != nil || len(failed) != 1 || failed[0].Bytes != 7 || failed[0].Problem == nil || failed[0].Problem.Code != domain.CodeNotFound {
		t.Errorf("failed items = %+v, %v", failed, err)
	}
}

func progressHolds(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	last := domain.Task{}
	for i, p := range []repository.TaskProgress{
		{Planned: 10}, {Items: []domain.TaskItem{item("1", domain.ItemDone), item("2", domain.ItemSkipped)}}, {Planned: 1},
		{Items: []domain.TaskItem{item("3", domain.ItemDeferred)}, Planned: 2}, {Planned: 12, Message: "on"},
	} {
		p.ID, p.Attempt = id, 1
		task := flush(t, st, p)
		if task.Current() < last.Current() || task.Total() < last.Total() || task.Current() > task.Total() {
			t.Errorf("step %d: %d of %d after %d of %d", i, task.Current(), task.Total(), last.Current(), last.Total())
		}
		last = task
	}
}

func finishedAddsUp(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, Planned: 9, Items: []domain.TaskItem{item("a", domain.ItemDone)}})
	problem := &domain.Problem{Code: domain.CodeUnavailable, Message: "gone"}
	task := flush(t, st, repository.TaskProgress{
		ID: id, Attempt: 1, Items: []domain.TaskItem{item("b", domain.ItemCancelled)}, End: domain.TaskCancelled, Problem: problem, Message: "stopped",
	})
	wantSame(t, "the account", task.Account, domain.TaskAccount{Seen: 2, Done: 1, Cancelled: 1})
	got := must(whole(st).Read().Tasks.Get(t.Context(), id))(t)
	wantSame(t, "the stored task", got, task)
	wantSame(t, "the problem", got.Problem, problem)
	_, err := st.FlushTask(t.Context(), repository.TaskProgress{ID: id, Attempt: 1, Items: []domain.TaskItem{item("c", domain.ItemDone)}, Now: Now})
	wantError(t, "a write after the end", err, domain.CodeConflict, "task_lost")
}

func eventsWithoutGap(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	read := whole(st).Read().Tasks
	none := must(read.Events(t.Context(), id, 0, 100))(t)
	if none.Events == nil || len(none.Events) != 0 || none.State != domain.TaskQueued || none.Last != 0 {
		t.Errorf("before the first event: %+v", none)
	}
	take(t, st, id)
	for i := range 5 {
		flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, Planned: 5, Items: []domain.TaskItem{item(fmt.Sprint(i), domain.ItemDone)}, Message: fmt.Sprint("step ", i)})
		flush(t, st, repository.TaskProgress{ID: id, Attempt: 1}) // a sign of life is no event
	}
	task := flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, End: domain.TaskDone})
	all := must(read.Events(t.Context(), id, 0, 100))(t)
	events := all.Events
	for i, e := range events {
		if e.Seq != int64(i+1) {
			t.Errorf("event %d has number %d", i, e.Seq)
		}
	}
	if all.State != domain.TaskDone || all.Last != 6 {
		t.Errorf("state %s, last %d", all.State, all.Last)
	}
	if len(events) != 6 || task.LastEvent != 6 || events[5].Type != domain.EventDone || events[0].Type != domain.EventUpdated || events[2].Current != 3 || events[2].Message != "step 2" {
		t.Errorf("events = %+v, last %d", events, task.LastEvent)
	}
	if rest := must(read.Events(t.Context(), id, 4, 1))(t); len(rest.Events) != 1 || rest.Events[0].Seq != 5 || rest.Last != 6 {
		t.Errorf("after 4, one = %+v", rest)
	}
	if rest := must(read.Events(t.Context(), id, 6, 1))(t); rest.Events == nil || len(rest.Events) != 0 || rest.State != domain.TaskDone {
		t.Errorf("after the last = %+v", rest)
	}
}

func runningTold(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	steps := []domain.TaskStep{{Key: "n1/app:1", Current: 3, Total: 10, Message: "layer 1 \" of 4"}, {Key: "n2/app:1"}}
	for _, running := range [][]domain.TaskStep{steps, steps[1:], nil} {
		flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, Running: running})
		got := must(whole(st).Read().Tasks.Get(t.Context(), id))(t)
		if !slices.Equal(got.Running, running) || got.LastEvent != 0 {
			t.Errorf("running = %+v after %d events, want %+v after none", got.Running, got.LastEvent, running)
		}
	}
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, Running: steps})
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, End: domain.TaskDone})
	if got := must(whole(st).Read().Tasks.Get(t.Context(), id))(t); len(got.Running) != 0 {
		t.Errorf("after the end %+v run", got.Running)
	}
}

func cancel(tb testing.TB, st repository.Store, id domain.TaskID) domain.Task {
	tb.Helper()
	var task domain.Task
	mustTx(tb, as(st, domain.ReachOwn, taskOwner), func(ctx context.Context, tx repository.View) (err error) {
		task, err = tx.Tasks.Cancel(ctx, id)
		return err
	})
	return task
}

func cancelQueuedAndRunning(t *testing.T, st repository.Store) {
	queued := submit(t, st, taskOwner, newTask("a")).ID
	if got := cancel(t, st, queued); got.State != domain.TaskCancelled || got.FinishedAt.IsZero() {
		t.Errorf("a queued task is %s after Cancel", got.State)
	}
	running := submit(t, st, taskOwner, newTask("b")).ID
	take(t, st, running)
	if got := cancel(t, st, running); got.State != domain.TaskRunning || !got.Cancel {
		t.Errorf("a running task is %s, cancel %t after Cancel", got.State, got.Cancel)
	}
	if got := flush(t, st, repository.TaskProgress{ID: running, Attempt: 1}); !got.Cancel {
		t.Error("the worker does not learn of it")
	}
	if got := take(t, st, running); !got.Cancel {
		t.Error("the next worker does not learn of it")
	}
}

func finishedIsFinished(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, End: domain.TaskDone})
	if got := cancel(t, st, id); got.State != domain.TaskDone || got.Cancel {
		t.Errorf("a finished task is %s, cancel %t after Cancel", got.State, got.Cancel)
	}
	_, err := st.TakeTask(t.Context(), id, 1, Now)
	wantError(t, "TakeTask", err, domain.CodePrecondition, "task_finished")
	_, err = st.TakeTask(t.Context(), domain.NewID[domain.TaskID](), 0, Now)
	wantError(t, "TakeTask of none", err, domain.CodePrecondition, "task_finished")
}

func unfinishedAreListed(t *testing.T, st repository.Store) {
	bulk := submit(t, st, taskOwner, newTask("a")).ID
	quick := newTask("b")
	quick.Class = domain.TaskInteractive
	urgent := submit(t, st, taskOwner, quick).ID
	done := submit(t, st, taskOwner, newTask("c")).ID
	take(t, st, done)
	flush(t, st, repository.TaskProgress{ID: done, Attempt: 1, End: domain.TaskDone})
	list := must(st.UnfinishedTasks(t.Context()))(t)
	if len(list) != 2 || list[0].ID != urgent || list[1].ID != bulk {
		t.Fatalf("unfinished = %+v; want %s, %s", list, urgent, bulk)
	}
	take(t, st, bulk)
	before := must(st.UnfinishedTasks(t.Context()))(t)[1]
	flush(t, st, repository.TaskProgress{ID: bulk, Attempt: 1})
	after := must(st.UnfinishedTasks(t.Context()))(t)[1]
	if before.State != domain.TaskRunning || after.Beat <= before.Beat {
		t.Errorf("beat %d then %d of %s", before.Beat, after.Beat, before.State)
	}
}

func lastEvents(t *testing.T, st repository.Store) {
	queued := submit(t, st, taskOwner, newTask("a")).ID
	done := submit(t, st, taskOwner, newTask("b")).ID
	take(t, st, done)
	flush(t, st, repository.TaskProgress{ID: done, Attempt: 1, Items: []domain.TaskItem{item("a", domain.ItemDone)}})
	flush(t, st, repository.TaskProgress{ID: done, Attempt: 1, End: domain.TaskDone})
	got := must(st.LastEvents(t.Context(), []domain.TaskID{queued, done, domain.NewID[domain.TaskID]()}))(t)
	want := map[domain.TaskID]int64{}
	for _, id := range []domain.TaskID{queued, done} {
		want[id] = must(whole(st).Read().Tasks.Get(t.Context(), id))(t).LastEvent
	}
	if !maps.Equal(got, want) || want[done] <= want[queued] {
		t.Errorf("last events = %v, the tasks say %v", got, want)
	}
	if got := must(st.LastEvents(t.Context(), nil))(t); len(got) != 0 {
		t.Errorf("last events of no tasks = %v", got)
	}
}

func pruned(t *testing.T, st repository.Store) {
	old := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, old)
	flush(t, st, repository.TaskProgress{ID: old, Attempt: 1, Items: []domain.TaskItem{item("a", domain.ItemDone)}, End: domain.TaskDone})
	open := submit(t, st, taskOwner, newTask("b")).ID
	if n := must(st.Prune(t.Context(), repository.Prune{Tasks: Now}))(t); n != 0 {
		t.Errorf("pruned %d that finished later", n)
	}
	if n := must(st.Prune(t.Context(), repository.Prune{Tasks: Now.Add(time.Hour)}))(t); n != 1 {
		t.Errorf("pruned %d, want 1", n)
	}
	_, err := whole(st).Read().Tasks.Get(t.Context(), old)
	wantError(t, "Get", err, domain.CodeNotFound, "")
	if _, err := whole(st).Read().Tasks.Get(t.Context(), open); err != nil {
		t.Errorf("an unfinished task is gone: %v", err)
	}
}

func submissionRolledBack(t *testing.T, st repository.Store) {
	no := errors.New("no")
	err := inTx(t, as(st, domain.ReachOwn, taskOwner), func(ctx context.Context, tx repository.View) error {
		if _, _, err := tx.Tasks.Submit(ctx, newTask("a")); err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Errorf("InTx = %v", err)
	}
	if list := must(st.UnfinishedTasks(t.Context()))(t); len(list) != 0 {
		t.Errorf("unfinished = %+v", list)
	}
}

func givenBack(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	got := flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, Items: []domain.TaskItem{item("a", domain.ItemDone)}, Release: true})
	if got.State != domain.TaskQueued || got.Account.Done != 1 {
		t.Errorf("given back: %s, %+v", got.State, got.Account)
	}
	beat := must(st.UnfinishedTasks(t.Context()))(t)[0]
	if beat.State != domain.TaskQueued || beat.Attempt != 1 {
		t.Errorf("it is %s after attempt %d; want queued after 1", beat.State, beat.Attempt)
	}
	if next := take(t, st, id); next.Attempt != 2 || next.StartedAt.IsZero() {
		t.Errorf("taken again: %+v", next)
	}
	_, err := st.FlushTask(t.Context(), repository.TaskProgress{ID: id, Attempt: 1, Release: true, Now: Now})
	wantError(t, "giving back what is lost", err, domain.CodeConflict, "task_lost")
}

func heldWithItems(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1"})
	id := submit(t, st, taskOwner, newTask("a")).ID
	take(t, st, id)
	held := func(agent domain.AgentID, name string) repository.HeldImage {
		return repository.HeldImage{AgentID: agent, Image: domain.InventoryImage{Canonical: "cr.test/" + name + ":1", Architecture: "x86_64", SizeBytes: 7}}
	}
	flush(t, st, repository.TaskProgress{
		ID: id, Attempt: 1, Items: []domain.TaskItem{item("a", domain.ItemDone)},
		Held: []repository.HeldImage{held("a1", "a"), held("gone", "a"), held("a1", "b")},
	})
	if got := installed(t, st, "a1"); len(got) != 2 || got[0].Canonical != "cr.test/a:1" || got[0].SizeBytes != 7 {
		t.Errorf("a1 holds %+v, want both", got)
	}
	take(t, st, id)
	_, err := st.FlushTask(t.Context(), repository.TaskProgress{ID: id, Attempt: 1, Held: []repository.HeldImage{held("a1", "c")}, Now: Now})
	wantError(t, "a write of the older attempt", err, domain.CodeConflict, "task_lost")
	if got := installed(t, st, "a1"); len(got) != 2 {
		t.Errorf("who lost the task wrote what a1 holds: %+v", got)
	}
}

func vainAttempts(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	for want := 1; want <= 3; want++ {
		if got := take(t, st, id); got.Vain != want {
			t.Errorf("attempt %d: %d in vain", got.Attempt, got.Vain)
		}
	}
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 3, Planned: 9})
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 3, Items: []domain.TaskItem{item("a", domain.ItemFailed)}})
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 3, Items: []domain.TaskItem{item("a", domain.ItemFailed)}})
	if got := take(t, st, id); got.Vain != 1 || got.Attempt != 4 {
		t.Errorf("after an item ended: attempt %d, %d in vain", got.Attempt, got.Vain)
	}
}
