package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var intents = []sentence{
	{"an intent is due when its agent is online and its wait is over, until it expires", intentsAreDue},
	{"a later wish for the same image replaces an earlier one, and the same wish keeps its wait", intentsReplace},
	{"an intent is spawned once, and waits for its next try", intentsSpawnOnce},
	{"an agent that is back has its intents due at once", intentsOfReturned},
	{"settled intents are gone, and those of removed agents", intentsSettled},
	{"intents are listed page by page", intentsListed},
	{"each table is pruned by its own age, and by none that is zero", prunedByAge},
}

func intent(agent domain.AgentID, canonical string) domain.Intent {
	return domain.Intent{
		AgentID: agent, Canonical: canonical, Architecture: "x86_64", Kind: "agent.preload_images", Actor: admin, TaskID: "t",
		NotBefore: Now, ExpiresAt: Now.Add(time.Hour),
	}
}

func deferAll(t *testing.T, st repository.Store, list ...domain.Intent) {
	t.Helper()
	err := tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
		return agents.Defer(ctx, list)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func due(t *testing.T, st repository.Store, now time.Time) []domain.Intent {
	t.Helper()
	return must(st.DueIntents(t.Context(), now, 100))(t)
}

func setStatus(t *testing.T, st repository.Store, now time.Time, id domain.AgentID, s domain.AgentStatus) {
	t.Helper()
	err := tryAgents(t, st, now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
		return agents.SetStatus(ctx, id, s)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func intentsAreDue(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1"})
	AddAgent(t, st, domain.Agent{ID: "a2", Status: domain.AgentOffline})
	later := intent("a1", "cr.test/later:1")
	later.NotBefore = Now.Add(time.Minute)
	first := intent("a1", "cr.test/it's:1")
	deferAll(t, st, first, later, intent("a2", "cr.test/it's:1"), intent("unknown", "cr.test/it's:1"))

	first.CreatedAt = Now
	wantSame(t, "what is due", due(t, st, Now), []domain.Intent{first})
	if n := len(due(t, st, Now.Add(time.Minute))); n != 2 {
		t.Errorf("%d are due a minute later, want 2", n)
	}
	if n := len(due(t, st, Now.Add(time.Hour))); n != 0 {
		t.Errorf("%d are due when all have expired", n)
	}
	if n := len(must(st.DueIntents(t.Context(), Now.Add(time.Minute), 1))(t)); n != 1 {
		t.Errorf("%d are due, want 1 at most", n)
	}
}

func intentsReplace(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1"})
	first := intent("a1", "cr.test/a:1")
	first.NotBefore, first.Tries = Now.Add(time.Minute), 3
	deferAll(t, st, first)
	again := intent("a1", "cr.test/a:1")
	again.ExpiresAt, again.TaskID = Now.Add(2*time.Hour), "t2"
	deferAll(t, st, again)
	got := due(t, st, Now.Add(time.Minute))[0]
	if !got.NotBefore.Equal(first.NotBefore) || got.Tries != 3 || !got.ExpiresAt.Equal(again.ExpiresAt) || got.TaskID != "t2" {
		t.Errorf("the same wish again: %+v", got)
	}
	other := intent("a1", "cr.test/a:1")
	other.Kind, other.Force = "agent.unload_images", true
	deferAll(t, st, again, other) // said twice: the last counts
	got = due(t, st, Now)[0]
	if got.Kind != other.Kind || !got.Force || got.Tries != 0 || got.Actor.ID != admin.ID {
		t.Errorf("another wish: %+v", got)
	}
}

func spawn(t *testing.T, st repository.Store, list []domain.Intent, words string) (domain.Task, error) {
	t.Helper()
	return st.SpawnTask(t.Context(), repository.Spawn{Task: newTask(words), Actor: taskOwner, Intents: list, NotBefore: Now.Add(time.Minute), Now: Now})
}

func intentsSpawnOnce(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1"})
	deferAll(t, st, intent("a1", "cr.test/a:1"), intent("a1", "cr.test/b:1"))
	list := due(t, st, Now)
	tasks := make([]domain.Task, 6)
	won := 0
	for i, err := range atOnce(len(tasks), func(i int) (err error) { tasks[i], err = spawn(t, st, list, string(rune('a'+i))); return err }) {
		if err != nil {
			wantError(t, "SpawnTask", err, domain.CodeConflict, "intent_changed")
			continue
		}
		won++
		got := must(as(st, domain.ReachOwn, taskOwner).Read().Tasks.Get(t.Context(), tasks[i].ID))(t)
		wantSame(t, "the task", got, tasks[i])
	}
	all, _, err := whole(st).Read().Tasks.List(t.Context(), domain.Filter{}, domain.Page{})
	if won != 1 || len(all) != 1 || err != nil {
		t.Errorf("%d spawned, %d tasks, %v; want one", won, len(all), err)
	}
	if n := len(due(t, st, Now)); n != 0 {
		t.Errorf("%d are due again at once", n)
	}
	again := due(t, st, Now.Add(time.Minute))
	if len(again) != 2 || again[0].Tries != 1 {
		t.Errorf("a minute later: %+v", again)
	}
	deferAll(t, st, intent("a1", "cr.test/a:1")) // the spawned task found the agent away
	if n := len(due(t, st, Now)); n != 0 {
		t.Errorf("%d that were deferred again are due at once", n)
	}
}

func intentsOfReturned(t *testing.T, st repository.Store) {
	for i, back := range []func(id domain.AgentID){
		func(id domain.AgentID) { setStatus(t, st, Now, id, domain.AgentOnline) },
		func(id domain.AgentID) { replaceAt(t, st, Now, id, domain.Inventory{Revision: "r2"}) },
		func(id domain.AgentID) {
			a := must(root(st).Read().Agents.Get(t.Context(), id))(t)
			a.Status = domain.AgentOnline
			must(saveAgent(t, st, Now, a))(t)
		},
	} {
		a := AddAgent(t, st, domain.Agent{ID: domain.AgentID("a" + domain.NewID[string]()), Status: domain.AgentOnline})
		waits := intent(a.ID, "cr.test/a:1")
		waits.NotBefore = Now.Add(time.Minute)
		deferAll(t, st, waits)
		setStatus(t, st, Now, a.ID, domain.AgentOnline) // it was all the time
		if n := len(due(t, st, Now)); n != 0 {
			t.Errorf("%d are due of an agent that was never away", n)
		}
		setStatus(t, st, Now, a.ID, domain.AgentOffline)
		back(a.ID)
		if now := must(root(st).Read().Agents.Get(t.Context(), a.ID))(t); now.Status != domain.AgentOnline || i == 1 && now.InventoryRevision != "r2" {
			t.Errorf("the agent that is back: %+v", now)
		}
		if n := len(due(t, st, Now)); n != 1 {
			t.Errorf("%d are due of an agent that is back, want 1", n)
		}
		if err := tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
			return agents.Delete(ctx, a.ID)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func intentsSettled(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1"})
	AddAgent(t, st, domain.Agent{ID: "a2"})
	deferAll(t, st, intent("a1", "cr.test/a:1"), intent("a1", "cr.test/b:1"), intent("a2", "cr.test/a:1"))
	settle := func(keys ...domain.ImageKey) (n int) {
		t.Helper()
		err := tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) (err error) {
			n, err = agents.DropIntents(ctx, "a1", keys)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return n
	}
	if n := settle(domain.ImageKey{Reference: "cr.test/a:1", Architecture: "aarch64"}, domain.ImageKey{Reference: "cr.test/c:1"}); n != 0 {
		t.Errorf("settled %d that nobody named", n)
	}
	if n := settle(domain.ImageKey{Reference: "cr.test/a:1", Architecture: "x86_64"}); n != 1 {
		t.Errorf("settled %d, want 1", n)
	}
	err := tryAgents(t, st, Now.Add(-time.Minute), func(ctx context.Context, agents repository.AdminAgentRepository) error {
		n, err := agents.DropIntents(ctx, "a1", []domain.ImageKey{{Reference: "cr.test/b:1", Architecture: "x86_64"}})
		if n != 0 {
			t.Errorf("a call that began before the wish settled it")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if n := settle(); n != 0 {
		t.Errorf("settled %d of none", n)
	}
	err = tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
		return agents.Delete(ctx, "a2")
	})
	if left := due(t, st, Now); err != nil || len(left) != 1 || left[0].Canonical != "cr.test/b:1" {
		t.Errorf("left: %+v, %v", left, err)
	}
}

func intentsListed(t *testing.T, st repository.Store) {
	for _, id := range []domain.AgentID{"a1", "a2"} {
		AddAgent(t, st, domain.Agent{ID: id, Status: domain.AgentOffline})
		deferAll(t, st, intent(id, "cr.test/a:1"), intent(id, "cr.test/b:1"), intent(id, "cr.test/c:1"))
	}
	var seen []string
	for p := (domain.Page{Limit: 2}); ; {
		list, info, err := root(st).Read().Agents.Intents(t.Context(), domain.Where("image", domain.In, "cr.test/a:1", "cr.test/c:1"), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list {
			seen = append(seen, string(i.AgentID)+" "+i.Canonical)
		}
		if p.After = info.Next; p.After == "" {
			break
		}
	}
	wantSame(t, "what is listed", seen, []string{"a1 cr.test/a:1", "a1 cr.test/c:1", "a2 cr.test/a:1", "a2 cr.test/c:1"})
}

func prunedByAge(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1", Status: domain.AgentOffline})
	deferAll(t, st, intent("a1", "cr.test/a:1"))
	wantClaim(t, st, "a key", newClaim(), "", "")
	if n := must(st.Prune(t.Context(), repository.Prune{}))(t); n != 0 {
		t.Errorf("pruned %d of no age", n)
	}
	late := Now.Add(24 * time.Hour)
	for what, p := range map[string]repository.Prune{
		"the intent": {Intents: late}, "the key": {IdempotencyKeys: late},
	} {
		if n := must(st.Prune(t.Context(), p))(t); n != 1 {
			t.Errorf("pruned %d, want %s", n, what)
		}
	}
	if n := must(st.Prune(t.Context(), repository.Prune{Audit: Now.Add(-time.Hour)}))(t); n != 0 {
		t.Errorf("pruned %d entries of later", n)
	}
	if err := st.Record(t.Context(), domain.AuditEntry{ID: domain.NewID[domain.AuditID](), At: Now, Actor: "alice", Action: "image.forget", Status: domain.AuditOK, Target: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	entries, _, err := whole(st).Read().Audit.List(t.Context(), domain.Filter{}, domain.Page{})
	if n := must(st.Prune(t.Context(), repository.Prune{Audit: late}))(t); n != len(entries) || n == 0 || err != nil {
		t.Errorf("pruned %d of %d entries, %v", n, len(entries), err)
	}
}
