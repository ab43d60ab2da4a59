package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func rowsAndRevision(t *testing.T, st repository.Store) {
	empty := must(st.PolicyRows(t.Context()))(t)
	if empty.Roles == nil || empty.Bindings == nil || len(empty.Roles)+len(empty.Bindings) > 0 {
		t.Errorf("an empty store has %+v", empty)
	}
	seen := map[int64]bool{must(st.PolicyRevision(t.Context()))(t): true}
	b := addRole(t, st, role("b", rule("image.get", domain.ReachAny, "")))
	for _, change := range []func(){
		func() { addRole(t, st, role("a", rule("image.get", domain.ReachOwn, "d"))) },
		func() { addBinding(t, st, domain.Binding{User: "alice", Role: "b", Domain: "d"}) },
		func() { addBinding(t, st, domain.Binding{User: "alice", Role: "b"}) },
		func() {
			_, _ = bind(t, whole(st), domain.Binding{User: "alice", Role: "b"}, false)
		},
	} {
		seen[must(st.PolicyRevision(t.Context()))(t)] = true
		change()
	}
	seen[must(st.PolicyRevision(t.Context()))(t)] = true
	if len(seen) != 6 {
		t.Errorf("%d revisions of 6 states", len(seen))
	}
	want := domain.PolicyRows{
		Roles:    []domain.PolicyRole{must(whole(st).Read().Access.Role(t.Context(), "a"))(t), b},
		Bindings: []domain.RoleBinding{{Binding: domain.Binding{User: "alice", Role: "b", Domain: "d"}, CreatedBy: admin.ID, CreatedAt: Now}},
	}
	wantSame(t, "all rows", must(st.PolicyRows(t.Context()))(t), want)
	for _, reach := range narrow {
		wantSame(t, "all rows, whatever the scope", must(as(st, reach, alice).Read().Access.Rows(t.Context()))(t), want)
	}
	mustTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
		wantSame(t, "all rows for a change", must(tx.Access.Change(ctx))(t), want)
		if _, err := tx.Access.Bind(ctx, domain.Binding{User: "zoe", Role: "b"}); err != nil {
			return err
		}
		if n := len(must(tx.Access.Rows(ctx))(t).Bindings); n != 2 {
			t.Errorf("%d bindings inside the transaction, want 2", n)
		}
		return nil
	})
}

// policyChangesFollow: what a transaction was told by Change holds until it
// ends. Everybody adds a role that is named after how many there are.
func policyChangesFollow(t *testing.T, st repository.Store) {
	const many = 12
	var wg sync.WaitGroup
	errs := make([]error, many)
	for i := range many {
		wg.Go(func() {
			errs[i] = inTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
				rows, err := tx.Access.Change(ctx)
				if err != nil {
					return err
				}
				return second(tx.Access.CreateRole(ctx, role(domain.Role(fmt.Sprintf("r%02d", len(rows.Roles))), rule("*", domain.ReachOwn, ""))))
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := len(must(st.PolicyRows(t.Context()))(t).Roles); n != many {
		t.Errorf("%d roles, want %d", n, many)
	}
}

func policyRollsBack(t *testing.T, st repository.Store) {
	addRole(t, st, role("a", rule("*", domain.ReachOwn, "")))
	before, revision := must(st.PolicyRows(t.Context()))(t), must(st.PolicyRevision(t.Context()))(t)
	broke := errors.New("broke")
	err := tryAccess(t, whole(st), func(ctx context.Context, a repository.AccessRepository) error {
		return errors.Join(a.DeleteRole(ctx, "a"), second(a.Bind(ctx, domain.Binding{User: "u", Role: "b"})), broke)
	})
	if !errors.Is(err, broke) {
		t.Fatal(err)
	}
	wantSame(t, "the rows", must(st.PolicyRows(t.Context()))(t), before)
	wantSame(t, "their revision", must(st.PolicyRevision(t.Context()))(t), revision)
}

func accessListed(t *testing.T, st repository.Store) {
	var names []domain.Role
	for i := range 5 {
		r := role(domain.Role(fmt.Sprintf("r%d", i)), rule("*", domain.ReachOwn, []string{"d", "e"}[i%2]))
		addRole(t, st, r)
		names = append(names, r.Name)
		addBinding(t, st, domain.Binding{User: "alice", Role: r.Name})
		addBinding(t, st, domain.Binding{User: "bob", Role: "r0", Domain: fmt.Sprint("d", i)})
	}
	for _, sort := range []string{"name", "created_at"} {
		var got []domain.Role
		for p := (domain.Page{Limit: 2, Sort: sort}); ; {
			list, info, err := whole(st).Read().Access.Roles(t.Context(), domain.Filter{}, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				got = append(got, r.Name)
			}
			if p.After = info.Next; p.After == "" {
				break
			}
		}
		wantSame(t, "roles by "+sort, got, names)
	}
	inD, _, err := whole(st).Read().Access.Roles(t.Context(), domain.Where("domain", domain.Eq, "d"), page)
	if err != nil || len(inD) != 3 {
		t.Errorf("%d roles of the domain d, %v", len(inD), err)
	}
	var got []string
	for p := (domain.Page{Limit: 3}); ; {
		list, info, err := whole(st).Read().Access.Bindings(t.Context(), domain.Filter{}, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			got = append(got, string(b.User)+" "+string(b.Role)+" "+b.Domain)
		}
		if p.After = info.Next; p.After == "" {
			break
		}
	}
	wantSame(t, "bindings", got, []string{
		"alice r0 ", "alice r1 ", "alice r2 ", "alice r3 ", "alice r4 ", "bob r0 d0", "bob r0 d1", "bob r0 d2", "bob r0 d3", "bob r0 d4",
	})
	one, _, err := whole(st).Read().Access.Bindings(t.Context(), domain.AllOf(domain.Where("user", domain.Eq, "bob"), domain.Where("domain", domain.Prefix, "d3")), page)
	if err != nil || len(one) != 1 {
		t.Errorf("%+v, %v", one, err)
	}
}

func accessInTransactions(t *testing.T, st repository.Store) {
	outside := whole(st).Read()
	k := apiKey("alice")
	for name, write := range map[string]func(ctx context.Context, v repository.View) error{
		"Change": func(ctx context.Context, v repository.View) error { return second(v.Access.Change(ctx)) },
		"CreateRole": func(ctx context.Context, v repository.View) error {
			return second(v.Access.CreateRole(ctx, role("r", rule("*", 1, ""))))
		},
		"SaveRole":   func(ctx context.Context, v repository.View) error { return second(v.Access.SaveRole(ctx, role("r"))) },
		"DeleteRole": func(ctx context.Context, v repository.View) error { return v.Access.DeleteRole(ctx, "r") },
		"Bind": func(ctx context.Context, v repository.View) error {
			return second(v.Access.Bind(ctx, domain.Binding{User: "u", Role: "r"}))
		},
		"Unbind": func(ctx context.Context, v repository.View) error {
			return second(v.Access.Unbind(ctx, domain.Binding{User: "u", Role: "r"}))
		},
		"Create": func(ctx context.Context, v repository.View) error { return second(v.Keys.Create(ctx, k, "h")) },
		"Revoke": func(ctx context.Context, v repository.View) error { return third(v.Keys.Revoke(ctx, k.ID)) },
	} {
		wantError(t, name+" outside a transaction", write(t.Context(), outside), domain.CodeInternal, "outside_transaction")
	}
	mustTx(t, whole(st), func(ctx context.Context, _ repository.View) error {
		for name, err := range map[string]error{
			"Rows":           second(outside.Access.Rows(ctx)),
			"Role":           second(outside.Access.Role(ctx, "r")),
			"Roles":          third(outside.Access.Roles(ctx, domain.Filter{}, page)),
			"Bindings":       third(outside.Access.Bindings(ctx, domain.Filter{}, page)),
			"List":           third(outside.Keys.List(ctx, domain.Filter{}, page)),
			"PolicyRevision": second(st.PolicyRevision(ctx)),
			"PolicyRows":     second(st.PolicyRows(ctx)),
			"FindKey":        third(st.FindKey(ctx, k.ID)),
			"KeyUsed":        st.KeyUsed(ctx, k.ID, Now),
		} {
			wantError(t, name+" past a transaction", err, domain.CodeInternal, "inside_transaction")
		}
		return nil
	})
}
