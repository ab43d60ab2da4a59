package repositorytest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var tasks = []sentence{
	{"a task is seen by who submitted it and by reach any, and does not exist for others", tasksAreTheirOwners},
	{"the same work is one task while it is unfinished", sameWorkIsOneTask},
	{"the same work of an actor that may not know of it is refused", sameWorkOfAnother},
	{"a task that is taken again is lost for who had it", takenAgainIsLost},
	{"of many that take a task with one ticket, exactly one gets it", takersRace},
	{"items that ended are counted once, whatever is flushed again", itemsOnce},
	{"progress never goes down and never passes the total", progressHolds},
	{"a finished account adds up, and nothing changes it", finishedAddsUp},
	{"events are numbered from 1 without a gap", eventsWithoutGap},
	{"what a worker is at is told with every write, and is nothing at the end", runningTold},
	{"what agents hold is written with the items, and never of agents that are no more", heldWithItems},
	{"attempts that end no item are counted, and one that does starts the count anew", vainAttempts},
	{"a task that is given back is queued, and is taken with its next attempt", givenBack},
	{"a queued task is cancelled at once, a running one learns of it", cancelQueuedAndRunning},
	{"a finished task cannot be cancelled or taken", finishedIsFinished},
	{"what is unfinished is listed, interactive first, with a beat that moves", unfinishedAreListed},
	{"where tasks are is told by their last events, also after the end", lastEvents},
	{"finished tasks are pruned with their items and events, others stay", pruned},
	{"a submission that is rolled back leaves nothing", submissionRolledBack},
}

func submit(tb testing.TB, st repository.Store, actor domain.Actor, n repository.NewTask) domain.Task {
	tb.Helper()
	var task domain.Task
	mustTx(tb, as(st, domain.ReachOwn, actor), func(ctx context.Context, tx repository.View) (err error) {
		task, _, err = tx.Tasks.Submit(ctx, n)
		return err
	})
	return task
}

func newTask(words string) repository.NewTask {
	return repository.NewTask{Kind: "registry.rescan", Action: fmt.Appendf(nil, `{"registry": %q}`, words), Class: domain.TaskBulk}
}

func take(tb testing.TB, st repository.Store, id domain.TaskID) domain.Task {
	tb.Helper()
	task := must(whole(st).Read().Tasks.Get(tb.Context(), id))(tb)
	return must(st.TakeTask(tb.Context(), id, task.Attempt, Now))(tb)
}

func flush(tb testing.TB, st repository.Store, p repository.TaskProgress) domain.Task {
	tb.Helper()
	p.Now = Now.Add(time.Second)
	return must(st.FlushTask(tb.Context(), p))(tb)
}

func item(key string, s domain.ItemState) domain.TaskItem { return domain.TaskItem{Key: key, State: s} }

var taskOwner, taskStranger = domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"p"}}, domain.Actor{ID: "mallory"}

func tasksAreTheirOwners(t *testing.T, st repository.Store) {
	task := submit(t, st, taskOwner, newTask("a"))
	for _, db := range []repository.Scoped{as(st, domain.ReachOwn, taskOwner), whole(st)} {
		got := must(db.Read().Tasks.Get(t.Context(), task.ID))(t)
		wantSame(t, "the task", got, task)
		wantSame(t, "its actor", got.Actor, taskOwner)
		list, _, err := db.Read().Tasks.List(t.Context(), domain.Filter{}, domain.Page{})
		if err != nil || len(list) != 1 {
			t.Errorf("List = %d tasks, %v; want 1", len(list), err)
		}
	}
	for _, a := range []domain.Actor{taskStranger, {}} {
		read := as(st, domain.ReachVisible, a).Read().Tasks
		_, err := read.Get(t.Context(), task.ID)
		wantError(t, "Get", err, domain.CodeNotFound, "")
		_, _, err = read.Items(t.Context(), task.ID, domain.Filter{}, domain.Page{})
		wantError(t, "Items", err, domain.CodeNotFound, "")
		_, err = read.Events(t.Context(), task.ID, 0, 10)
		wantError(t, "Events", err, domain.CodeNotFound, "")
		if list, _, err := read.List(t.Context(), domain.Filter{}, domain.Page{}); err != nil || len(list) != 0 {
			t.Errorf("List of %q = %d tasks, %v; want none", a.ID, len(list), err)
		}
		err = inTx(t, as(st, domain.ReachVisible, a), func(ctx context.Context, tx repository.View) error {
			_, err := tx.Tasks.Cancel(ctx, task.ID)
			return err
		})
		wantError(t, "Cancel", err, domain.CodeNotFound, "")
	}
}

func sameWorkIsOneTask(t *testing.T, st repository.Store) {
	first := submit(t, st, taskOwner, newTask("a"))
	if again := submit(t, st, taskOwner, newTask("a")); again.ID != first.ID {
		t.Errorf("the same work made a second task")
	}
	if other := submit(t, st, taskOwner, newTask("b")); other.ID == first.ID {
		t.Errorf("other work joined the first task")
	}
	task := take(t, st, first.ID)
	flush(t, st, repository.TaskProgress{ID: task.ID, Attempt: task.Attempt, End: domain.TaskDone})
	if again := submit(t, st, taskOwner, newTask("a")); again.ID == first.ID || again.State != domain.TaskQueued {
		t.Errorf("the same work after the end: %s, %s; want a new task", again.ID, again.State)
	}
}

func sameWorkOfAnother(t *testing.T, st repository.Store) {
	submit(t, st, taskOwner, newTask("a"))
	err := inTx(t, as(st, domain.ReachOwn, taskStranger), func(ctx context.Context, tx repository.View) error {
		_, _, err := tx.Tasks.Submit(ctx, newTask("a"))
		return err
	})
	wantError(t, "Submit", err, domain.CodeConflict, "task_running")
}

func takenAgainIsLost(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	first := take(t, st, id)
	if first.Attempt != 1 || first.State != domain.TaskRunning || !first.StartedAt.Equal(Now) {
		t.Errorf("taken: attempt %d, %s, started %s", first.Attempt, first.State, first.StartedAt)
	}
	flush(t, st, repository.TaskProgress{ID: id, Attempt: 1, Items: []domain.TaskItem{item("a", domain.ItemDone)}})
	second := take(t, st, id)
	_, err := st.FlushTask(t.Context(), repository.TaskProgress{ID: id, Attempt: 1, Items: []domain.TaskItem{item("b", domain.ItemDone)}, Now: Now})
	wantError(t, "a write of the older attempt", err, domain.CodeConflict, "task_lost")
	ended, _, err := st.CommittedItems(t.Context(), id)
	wantSame(t, "what has ended", ended, map[string]domain.ItemState{"a": domain.ItemDone})
	if err != nil || second.Attempt != 2 {
		t.Errorf("second attempt is %d, %v", second.Attempt, err)
	}
}

func takersRace(t *testing.T, st repository.Store) {
	id := submit(t, st, taskOwner, newTask("a")).ID
	const rivals = 8
	errs := make([]error, rivals)
	var wg sync.WaitGroup
	for i := range rivals {
		wg.Go(func() {
			_, errs[i] = st.TakeTask(t.Context(), id, 0, Now)
		})
	}
	wg.Wait()
	took := 0
	for _, err := range errs {
		if err == nil {
			took++
			continue
		}
		wantError(t, "TakeTask", err, domain.CodeConflict, "task_taken")
	}
	if took != 1 {
		t.Errorf("%d of %d took the task", took, rivals)
	}
}
