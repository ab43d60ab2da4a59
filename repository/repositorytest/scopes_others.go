package repositorytest

import (
	"context"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var scopesOfOthers = []sentence{
	{"a registry is seen by the domains and projects that it is for", registriesAreScoped},
	{"an agent is seen by those who may use its scaling group", agentsAreScoped},
	{"an agent that is an actor sees itself and replaces nobody's inventory but its own", agentIsItsOwn},
	{"grants of scaling groups are seen by those they are for", grantsAreScoped},
	{"audit entries are seen by who caused them", auditIsScoped},
}

// page is everything that one page can hold.
var page = domain.Page{Limit: domain.MaxPageSize}

func registriesAreScoped(t *testing.T, st repository.Store) {
	visible := map[string]domain.Registry{
		"open":   AddRegistry(t, st, Registry{Global: true}),
		"shared": AddRegistry(t, st, Registry{Project: "shared", Domains: []string{"other", "default"}, Projects: []string{"ml", "ops"}}),
	}
	hidden := map[string]domain.Registry{
		"of another project": AddRegistry(t, st, Registry{Name: "a.example.org", Projects: []string{"ops"}}),
		"of no project":      AddRegistry(t, st, Registry{Name: "b.example.org"}),
		"of another domain":  AddRegistry(t, st, Registry{Name: "c.example.org", Domains: []string{"other"}, Global: true, Projects: []string{"ml"}}),
		"of no domain":       AddRegistry(t, st, Registry{Name: "d.example.org", Domains: []string{}, Global: true}),
	}
	for _, reach := range narrow {
		view := as(st, reach, alice).Read().Registries
		for which, r := range hidden {
			_, err := view.Get(t.Context(), r.ID)
			wantError(t, reach.String()+", Get of a registry "+which, err, domain.CodeNotFound, "registry_not_found")
			_, err = view.Find(t.Context(), r.Name, "a/b")
			wantError(t, reach.String()+", Find of a registry "+which, err, domain.CodeNotFound, "registry_not_found")
		}
		for which, r := range visible {
			if got, err := view.Get(t.Context(), r.ID); err != nil || got.ID != r.ID {
				t.Errorf("%s, Get of %s: %v", reach, which, err)
			}
		}
		list, _, err := view.List(t.Context(), domain.Filter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		id := func(r domain.Registry) domain.RegistryID { return r.ID }
		wantSame(t, reach.String()+", registries", sorted(list, id), sorted([]domain.Registry{visible["open"], visible["shared"]}, id))
	}
	list, _, err := as(st, domain.ReachAny, alice).Read().Registries.List(t.Context(), domain.Filter{}, page)
	if err != nil || len(list) != len(visible)+len(hidden) {
		t.Errorf("reach any lists %d registries, %v", len(list), err)
	}
}

func agentsAreScoped(t *testing.T, st repository.Store) {
	for id, group := range map[domain.AgentID]string{"a1": "ours", "a2": "project's", "a3": "theirs", "a4": "abroad", "a5": "nobody's"} {
		AddAgent(t, st, domain.Agent{ID: id, ScalingGroup: group})
	}
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "ours", Domain: "default"})
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "project's", Domain: "default", Project: "ml"})
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "theirs", Domain: "default", Project: "ops"})
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "abroad", Domain: "other", Project: "ml"})

	wantSame(t, "reach visible", agentIDs(t, as(st, domain.ReachVisible, alice)), []domain.AgentID{"a1", "a2"})
	wantSame(t, "reach own", agentIDs(t, as(st, domain.ReachOwn, alice)), []domain.AgentID{})
	wantSame(t, "reach any", agentIDs(t, as(st, domain.ReachAny, alice)), []domain.AgentID{"a1", "a2", "a3", "a4", "a5"})
	for _, id := range []domain.AgentID{"a3", "a4", "a5"} {
		_, err := as(st, domain.ReachVisible, alice).Read().Agents.Get(t.Context(), id)
		wantError(t, "Get of "+string(id), err, domain.CodeNotFound, "agent_not_found")
	}
	u := unit(domain.ReachVisible, alice)
	u.Tenancy = embedder{"ours": false, "theirs": true}
	wantSame(t, "with the embedder's tenancy", agentIDs(t, st.Scoped(u)), []domain.AgentID{"a3"})
}

// embedder is a tenancy of its own, which knows one domain.
type embedder map[string]bool

func (e embedder) ScalingGroups(_ context.Context, domainName, project string) ([]string, error) {
	var groups []string
	for g, ok := range e {
		if ok && domainName == "default" && project == "ml" {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

func agentIDs(t *testing.T, db repository.Scoped) []domain.AgentID {
	t.Helper()
	list, _, err := db.Read().Agents.List(t.Context(), domain.Filter{}, page)
	if err != nil {
		t.Fatal(err)
	}
	return sorted(list, func(a domain.Agent) domain.AgentID { return a.ID })
}

func agentIsItsOwn(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1"})
	AddAgent(t, st, domain.Agent{ID: "a2"})
	db := as(st, domain.ReachOwn, domain.Actor{ID: "agent:a1", Domain: "default"})
	replace := func(db repository.Scoped, id domain.AgentID) error {
		return inTx(t, db, func(ctx context.Context, tx repository.View) error {
			_, err := tx.Agents.Replace(ctx, id, domain.Inventory{Images: []domain.InventoryImage{{Canonical: "x/y:1", Architecture: "x86_64"}}})
			return err
		})
	}
	wantSame(t, "what a1 sees", agentIDs(t, db), []domain.AgentID{"a1"})
	if err := replace(db, "a1"); err != nil {
		t.Errorf("Replace of its own inventory: %v", err)
	}
	wantError(t, "Replace of another's inventory", replace(db, "a2"), domain.CodeNotFound, "agent_not_found")
	wantError(t, "Replace of an unknown agent's inventory", replace(db, "a3"), domain.CodeNotFound, "agent_not_found")
	for _, id := range []domain.UserID{"a1", "user:a1", "agent:", "agent:A1", "agent:a1 ", "xagent:a1"} {
		err := replace(as(st, domain.ReachOwn, domain.Actor{ID: id, Domain: "default"}), "a1")
		wantError(t, "Replace by "+string(id), err, domain.CodeNotFound, "agent_not_found")
	}
	if held := must(root(st).Read().Agents.Installed(t.Context(), "a2"))(t); len(held) != 0 {
		t.Errorf("a2 holds %v", held)
	}
}

func grantsAreScoped(t *testing.T, st repository.Store) {
	visible := []domain.ScalingGroupGrant{
		{ScalingGroup: "g1", Domain: "default"}, {ScalingGroup: "g1", Domain: "default", Project: "ml"}, {ScalingGroup: "g2", Domain: "default", Project: "web"},
	}
	hidden := []domain.ScalingGroupGrant{
		{ScalingGroup: "g3", Domain: "default", Project: "ops"}, {ScalingGroup: "g4", Domain: "other"}, {ScalingGroup: "g4", Domain: "other", Project: "ml"},
	}
	for _, g := range append(visible, hidden...) {
		AddGrant(t, st, g)
	}
	for _, reach := range narrow {
		list, _, err := as(st, reach, alice).Read().Tenancy.List(t.Context(), domain.Filter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, reach.String()+", grants", sorted(list, grantKey), sorted(visible, grantKey))
	}
	list, _, err := as(st, domain.ReachAny, alice).Read().Tenancy.List(t.Context(), domain.Filter{}, page)
	if err != nil || len(list) != len(visible)+len(hidden) {
		t.Errorf("reach any lists %d grants, %v", len(list), err)
	}
}

func grantKey(g domain.ScalingGroupGrant) string {
	return g.ScalingGroup + " " + g.Domain + " " + g.Project
}

func auditIsScoped(t *testing.T, st repository.Store) {
	mine, his := newEntry(alice), newEntry(bob)
	for _, e := range []domain.AuditEntry{mine, his} {
		if err := st.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, reach := range narrow {
		wantSame(t, reach.String()+", entries", sorted(entries(t, as(st, reach, alice)), entryID), []domain.AuditID{mine.ID})
	}
	wantSame(t, "reach any, entries", sorted(entries(t, as(st, domain.ReachAny, alice)), entryID),
		sorted([]domain.AuditEntry{mine, his}, entryID))
}

func entryID(e domain.AuditEntry) domain.AuditID { return e.ID }

func entries(t *testing.T, db repository.Scoped) []domain.AuditEntry {
	t.Helper()
	list, _, err := db.Read().Audit.List(t.Context(), domain.Filter{}, page)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func newEntry(actor domain.Actor) domain.AuditEntry {
	return domain.AuditEntry{
		ID: domain.NewID[domain.AuditID](), At: Now, Actor: actor.ID, Role: actor.Role, Domain: actor.Domain,
		Action: "image.forget", Status: domain.AuditOK, Count: 1,
	}
}
