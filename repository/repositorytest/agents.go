package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var agents = []sentence{
	{"every field of an agent comes back as it was saved", agentRoundTrip},
	{"an agent's id is given once", agentTaken},
	{"a change raises the revision, and one of an older revision is refused", agentOfOldRevision},
	{"deleting an agent removes what it held", agentDeleted},
	{"agents that are not there are not found", agentUnknown},
	{"many agents come in the order of their ids, without those that are not there", manyAgents},
}

// tryAgents is one call on agents in a transaction of its own.
func tryAgents(t *testing.T, st repository.Store, now time.Time, fn func(ctx context.Context, agents repository.AdminAgentRepository) error) error {
	t.Helper()
	return inTx(t, rootAt(st, now), func(ctx context.Context, tx repository.AdminView) error { return fn(ctx, tx.Agents) })
}

func saveAgent(t *testing.T, st repository.Store, now time.Time, a domain.Agent) (saved domain.Agent, err error) {
	t.Helper()
	err = tryAgents(t, st, now, func(ctx context.Context, agents repository.AdminAgentRepository) (err error) {
		saved, err = agents.Save(ctx, a)
		return err
	})
	return saved, err
}

func agentNow(t *testing.T, st repository.Store, id domain.AgentID) domain.Agent {
	t.Helper()
	return must(root(st).Read().Agents.Get(t.Context(), id))(t)
}

func agentRoundTrip(t *testing.T, st repository.Store) {
	a := AddAgent(t, st, domain.Agent{ID: "A.1_x-y", Kind: "docker", Address: "unix:///run/it's.sock?a=1&b=%20", ScalingGroup: "gpu", Architecture: "arm/v7", Status: domain.AgentOffline, Labels: map[string]string{"a": ""}})
	want := domain.Agent{
		ID: "A.1_x-y", Kind: "docker", Address: "unix:///run/it's.sock?a=1&b=%20", ScalingGroup: "gpu", Architecture: "arm/v7", Status: domain.AgentOffline,
		Labels: map[string]string{"a": ""}, CreatedAt: Now, UpdatedAt: Now, Revision: a.Revision,
	}
	wantSame(t, "the created agent", a, want)
	later := Now.Add(time.Hour + time.Microsecond)
	want.Kind, want.Address, want.ScalingGroup, want.Architecture, want.Status = domain.AgentOCILayout, "/x", "cpu", "aarch64", domain.AgentOnline
	want.Labels = map[string]string{"site/rack": "it's 1"}
	saved := must(saveAgent(t, st, later, want))(t)
	want.UpdatedAt = later
	wantSame(t, "the saved agent", saved, want, cmpopts.IgnoreFields(domain.Agent{}, "Revision"))
	read := agentNow(t, st, a.ID)
	wantSame(t, "the stored agent", read, saved)
	if read.CreatedAt.Location() != time.UTC || read.UpdatedAt.Location() != time.UTC {
		t.Errorf("times are in %s and %s", read.CreatedAt.Location(), read.UpdatedAt.Location())
	}
}

func agentTaken(t *testing.T, st repository.Store) {
	want := AddAgent(t, st, domain.Agent{})
	err := tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error {
		return agents.Create(ctx, newAgent(domain.Agent{Address: "/other"}))
	})
	wantError(t, "Create", err, domain.CodeConflict, "agent_exists")
	wantSame(t, "the agent", agentNow(t, st, "a1"), want)
	AddAgent(t, st, domain.Agent{ID: "A1"}) // another one
}

func agentOfOldRevision(t *testing.T, st repository.Store) {
	a := AddAgent(t, st, domain.Agent{})
	first := must(saveAgent(t, st, Now, a))(t)
	if first.Revision <= a.Revision {
		t.Errorf("revision %d after %d", first.Revision, a.Revision)
	}
	old := a
	old.Address = "/other"
	_, err := saveAgent(t, st, Now, old)
	wantError(t, "Save of the older revision", err, domain.CodeConflict, "revision_changed")
	wantSame(t, "the agent", agentNow(t, st, a.ID), first)
}

func agentDeleted(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	img := AddImage(t, st, reg, domain.Image{})
	for _, id := range []domain.AgentID{"a1", "a2"} {
		AddAgent(t, st, domain.Agent{ID: id})
		Install(t, st, id, img)
	}
	remove := func(id domain.AgentID) error {
		return tryAgents(t, st, Now, func(ctx context.Context, agents repository.AdminAgentRepository) error { return agents.Delete(ctx, id) })
	}
	if err := remove("a1"); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Delete again", remove("a1"), domain.CodeNotFound, "agent_not_found")
	wantSame(t, "agents", agentIDs(t, whole(st)), []domain.AgentID{"a2"})
	checkHolders(t, st, img, "a2")
	AddAgent(t, st, domain.Agent{ID: "a1"}) // of the same name, with nothing
	checkHolders(t, st, img, "a2")
}

// checkHolders compares every way to ask who holds an image.
func checkHolders(t *testing.T, st repository.Store, img domain.Image, want ...domain.AgentID) {
	t.Helper()
	view := whole(st).Read().Images
	held := must(view.Holders(t.Context(), []domain.ImageID{img.ID}))(t)
	if len(want) == 0 {
		want = []domain.AgentID{}
		if _, there := held[img.ID]; there {
			t.Errorf("Holders has an image that nobody holds")
		}
	}
	got := []domain.AgentID{}
	for _, h := range held[img.ID] {
		got = append(got, h.AgentID)
	}
	wantSame(t, "Holders", got, want)
	got = []domain.AgentID{}
	for _, a := range must(view.HoldingAgents(t.Context(), img.ID))(t) {
		wantSame(t, "a holding agent", a, agentNow(t, st, a.ID))
		got = append(got, a.ID)
	}
	wantSame(t, "HoldingAgents", got, want)
	detail := must(view.Detail(t.Context(), img))(t)
	if detail.InstalledCount != len(want) {
		t.Errorf("Detail counts %d agents, want %d", detail.InstalledCount, len(want))
	}
}

func agentUnknown(t *testing.T, st repository.Store) {
	calls := map[string]func(ctx context.Context, agents repository.AdminAgentRepository) error{
		"Get": func(ctx context.Context, agents repository.AdminAgentRepository) error {
			_, err := agents.Get(ctx, "a1")
			return err
		},
		"Save": func(ctx context.Context, agents repository.AdminAgentRepository) error {
			_, err := agents.Save(ctx, newAgent(domain.Agent{}))
			return err
		},
		"Replace": func(ctx context.Context, agents repository.AdminAgentRepository) error {
			_, err := agents.Replace(ctx, "a1", domain.Inventory{})
			return err
		},
		"Hold": func(ctx context.Context, agents repository.AdminAgentRepository) error {
			return agents.Hold(ctx, "a1", inventory(domain.Image{Registry: "x", Name: "y", Tag: "1"}).Images)
		},
	}
	for name, call := range calls {
		wantError(t, name, tryAgents(t, st, Now, call), domain.CodeNotFound, "agent_not_found")
	}
}

func manyAgents(t *testing.T, st repository.Store) {
	for _, id := range []domain.AgentID{"a1", "a2", "a3"} {
		AddAgent(t, st, domain.Agent{ID: id})
	}
	var got []domain.AgentID
	for _, a := range must(root(st).Read().Agents.Many(t.Context(), []domain.AgentID{"a3", "unknown", "a1", ""}))(t) {
		got = append(got, a.ID)
	}
	wantSame(t, "Many", got, []domain.AgentID{"a3", "a1"})
	if none := must(root(st).Read().Agents.Many(t.Context(), nil))(t); len(none) != 0 {
		t.Errorf("Many of nothing = %v", none)
	}
}
