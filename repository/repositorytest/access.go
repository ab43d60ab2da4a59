package repositorytest

import (
	"context"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var accesses = []sentence{
	{"roles come back as they were stored, with revision and times", rolesComeBack},
	{"a role is saved at its revision and by one of many", rolesAtTheirRevision},
	{"a role that somebody is bound to stays", rolesInUse},
	{"binding and unbinding say whether they changed anything", bindingsSayWhetherTheyChanged},
	{"an actor sees the roles and bindings of its domain, and changes no others", accessOfOtherDomains},
	{"all rows are of one moment, and every change gives them a new revision", rowsAndRevision},
	{"changes of the policy follow one another", policyChangesFollow},
	{"a change that is rolled back leaves rows and revision as they were", policyRollsBack},
	{"roles and bindings are listed page by page", accessListed},
	{"roles and keys are not read past a transaction nor written outside one", accessInTransactions},
}

func role(name domain.Role, rules ...domain.RoleRule) domain.PolicyRole {
	return domain.PolicyRole{Name: name, Rules: rules, Inherits: []domain.Role{}}
}

func rule(permission string, reach domain.Reach, home string) domain.RoleRule {
	return domain.RoleRule{Permission: permission, Reach: reach, Domain: home}
}

// tryAccess changes roles and bindings as a scope may.
func tryAccess(t *testing.T, db repository.Scoped, fn func(ctx context.Context, a repository.AccessRepository) error) error {
	t.Helper()
	return inTx(t, db, func(ctx context.Context, tx repository.View) error {
		if _, err := tx.Access.Change(ctx); err != nil {
			return err
		}
		return fn(ctx, tx.Access)
	})
}

func addRole(t *testing.T, st repository.Store, r domain.PolicyRole) (stored domain.PolicyRole) {
	t.Helper()
	err := tryAccess(t, whole(st), func(ctx context.Context, a repository.AccessRepository) (err error) {
		stored, err = a.CreateRole(ctx, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func bind(t *testing.T, db repository.Scoped, b domain.Binding, on bool) (changed bool, err error) {
	t.Helper()
	err = tryAccess(t, db, func(ctx context.Context, a repository.AccessRepository) (err error) {
		if on {
			changed, err = a.Bind(ctx, b)
		} else {
			changed, err = a.Unbind(ctx, b)
		}
		return err
	})
	return changed, err
}

func addBinding(t *testing.T, st repository.Store, b domain.Binding) {
	t.Helper()
	if changed, err := bind(t, whole(st), b, true); err != nil || !changed {
		t.Fatalf("bind %+v: %t, %v", b, changed, err)
	}
}

func rolesComeBack(t *testing.T, st repository.Store) {
	r := role("ops", rule("image.*", domain.ReachVisible, "d"), rule("agent.list", domain.ReachAny, ""), rule("*", domain.ReachOwn, `d"é'`))
	r.Inherits = []domain.Role{"user", "reader"}
	got := addRole(t, st, r)
	r.Revision, r.CreatedAt, r.UpdatedAt = 1, Now, Now
	wantSame(t, "what Create returns", got, r)
	wantSame(t, "what is stored", must(whole(st).Read().Access.Role(t.Context(), "ops"))(t), r)
	err := tryAccess(t, whole(st), func(ctx context.Context, a repository.AccessRepository) error {
		return second(a.CreateRole(ctx, role("ops", rule("*", domain.ReachAny, ""))))
	})
	wantError(t, "a taken name", err, domain.CodeConflict, "role_exists")
	wantSame(t, "after it", must(whole(st).Read().Access.Role(t.Context(), "ops"))(t), r)
	addRole(t, st, role("OPS", rule("*", domain.ReachAny, "")))
	_, err = whole(st).Read().Access.Role(t.Context(), "Ops")
	wantError(t, "an unknown role", err, domain.CodeNotFound, "role_not_found")

	bare := addRole(t, st, domain.PolicyRole{Name: "bare"})
	if bare.Rules == nil || bare.Inherits == nil {
		t.Errorf("lists are nil: %+v", bare)
	}
}

func rolesAtTheirRevision(t *testing.T, st repository.Store) {
	first := addRole(t, st, role("ops", rule("image.get", domain.ReachOwn, "")))
	later := first
	later.Rules = []domain.RoleRule{rule("image.list", domain.ReachOwn, "d")}
	save := func(r domain.PolicyRole) error {
		return tryAccess(t, whole(st), func(ctx context.Context, a repository.AccessRepository) error { return second(a.SaveRole(ctx, r)) })
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = save(later) })
	}
	wg.Wait()
	saved := 0
	for _, err := range errs {
		if err == nil {
			saved++
			continue
		}
		wantError(t, "saved by another", err, domain.CodeConflict, "revision_changed")
	}
	if saved != 1 {
		t.Errorf("%d of %d saved the same revision", saved, len(errs))
	}
	later.Revision = 2
	wantSame(t, "what is stored", must(whole(st).Read().Access.Role(t.Context(), "ops"))(t), later)
	later.Name = "unknown"
	wantError(t, "an unknown role", save(later), domain.CodeNotFound, "role_not_found")
}

func rolesInUse(t *testing.T, st repository.Store) {
	addRole(t, st, role("ops", rule("image.get", domain.ReachOwn, "")))
	addBinding(t, st, domain.Binding{User: "alice", Role: "ops", Domain: "d"})
	remove := func(name domain.Role) error {
		return tryAccess(t, whole(st), func(ctx context.Context, a repository.AccessRepository) error { return a.DeleteRole(ctx, name) })
	}
	wantError(t, "a role in use", remove("ops"), domain.CodePrecondition, "role_in_use")
	if _, err := bind(t, whole(st), domain.Binding{User: "alice", Role: "ops", Domain: "d"}, false); err != nil {
		t.Fatal(err)
	}
	if err := remove("ops"); err != nil {
		t.Error(err)
	}
	wantError(t, "removed twice", remove("ops"), domain.CodeNotFound, "role_not_found")
}

func bindingsSayWhetherTheyChanged(t *testing.T, st repository.Store) {
	b := domain.Binding{User: "alice", Role: "ops", Domain: "d"}
	near := []domain.Binding{{User: "alice", Role: "ops"}, {User: "Alice", Role: "ops", Domain: "d"}, {User: "ops", Role: "alice", Domain: "d"}, {User: "alice", Role: "d", Domain: "ops"}}
	for _, other := range near {
		addBinding(t, st, other)
	}
	for i, step := range []struct{ on, want bool }{{false, false}, {true, true}, {true, false}, {false, true}, {false, false}} {
		if did, err := bind(t, whole(st), b, step.on); err != nil || did != step.want {
			t.Errorf("step %d says %t, %v; want %t", i+1, did, err, step.want)
		}
	}
	addBinding(t, st, b)
	rows := must(st.PolicyRows(t.Context()))(t)
	if len(rows.Bindings) != len(near)+1 {
		t.Errorf("%d bindings, want %d", len(rows.Bindings), len(near)+1)
	}
	for _, have := range rows.Bindings {
		if have.CreatedBy != admin.ID || !have.CreatedAt.Equal(Now) {
			t.Errorf("made by %s at %s", have.CreatedBy, have.CreatedAt)
		}
	}
}

func accessOfOtherDomains(t *testing.T, st repository.Store) {
	addRole(t, st, role("ours", rule("image.get", domain.ReachOwn, "default"), rule("image.list", domain.ReachOwn, "default")))
	for _, r := range []domain.PolicyRole{
		role("everybodys", rule("image.get", domain.ReachOwn, "")), role("theirs", rule("image.get", domain.ReachOwn, "other")),
		role("mixed", rule("image.get", domain.ReachOwn, "default"), rule("image.get", domain.ReachOwn, "other")), {Name: "heir", Inherits: []domain.Role{"ours"}},
	} {
		addRole(t, st, r)
	}
	for _, b := range []domain.Binding{{User: "bob", Role: "ours", Domain: "default"}, {User: "bob", Role: "ours"}, {User: "bob", Role: "ours", Domain: "other"}, {User: "alice", Role: "theirs", Domain: "Default"}} {
		addBinding(t, st, b)
	}
	homeless := alice
	homeless.Domain = ""
	for _, reach := range narrow {
		mine := as(st, reach, alice)
		roles, info, err := mine.Read().Access.Roles(t.Context(), domain.Filter{}, domain.Page{Count: true})
		if err != nil || *info.Total != 1 {
			t.Fatalf("%v, %+v", err, info)
		}
		wantSame(t, "roles of the domain", sorted(roles, func(r domain.PolicyRole) domain.Role { return r.Name }), []domain.Role{"ours"})
		bindings, _, err := mine.Read().Access.Bindings(t.Context(), domain.Filter{}, page)
		if err != nil || len(bindings) != 1 || bindings[0].Domain != "default" {
			t.Errorf("bindings of the domain: %+v, %v", bindings, err)
		}
		for _, name := range []domain.Role{"everybodys", "theirs", "mixed", "heir"} {
			_, err := mine.Read().Access.Role(t.Context(), name)
			wantError(t, "the role "+string(name), err, domain.CodeNotFound, "role_not_found")
			wantError(t, "saving it", tryAccess(t, mine, func(ctx context.Context, a repository.AccessRepository) error {
				return second(a.SaveRole(ctx, domain.PolicyRole{Name: name, Rules: []domain.RoleRule{rule("*", domain.ReachAny, "default")}, Revision: 1}))
			}), domain.CodeNotFound, "role_not_found")
			wantError(t, "removing it", tryAccess(t, mine, func(ctx context.Context, a repository.AccessRepository) error { return a.DeleteRole(ctx, name) }), domain.CodeNotFound, "role_not_found")
		}
		ours := must(mine.Read().Access.Role(t.Context(), "ours"))(t)
		ours.Rules = []domain.RoleRule{rule("image.get", domain.ReachOwn, "")}
		wantError(t, "moving a role out of the domain", tryAccess(t, mine, func(ctx context.Context, a repository.AccessRepository) error { return second(a.SaveRole(ctx, ours)) }), domain.CodeForbidden, "domain_out_of_reach")
		for name, who := range map[string]domain.Actor{"of the domain": alice, "of none": homeless} {
			db := as(st, reach, who)
			for _, home := range []string{"", "other", "Default"} {
				wantError(t, name+": a role of "+home, tryAccess(t, db, func(ctx context.Context, a repository.AccessRepository) error {
					return second(a.CreateRole(ctx, role("new", rule("image.get", domain.ReachOwn, home))))
				}), domain.CodeForbidden, "domain_out_of_reach")
				for _, on := range []bool{true, false} {
					_, err := bind(t, db, domain.Binding{User: "bob", Role: "ours", Domain: home}, on)
					wantError(t, name+": a binding in "+home, err, domain.CodeForbidden, "domain_out_of_reach")
				}
			}
		}
		none, _, err := as(st, reach, homeless).Read().Access.Roles(t.Context(), domain.Filter{}, page)
		if err != nil || len(none) > 0 {
			t.Errorf("who is of no domain sees %+v, %v", none, err)
		}
		if changed, err := bind(t, mine, domain.Binding{User: domain.UserID(reach.String()), Role: "ours", Domain: "default"}, true); err != nil || !changed {
			t.Errorf("a binding in the domain: %t, %v", changed, err)
		}
		if _, err := bind(t, mine, domain.Binding{User: domain.UserID(reach.String()), Role: "ours", Domain: "default"}, false); err != nil {
			t.Error(err)
		}
	}
}
