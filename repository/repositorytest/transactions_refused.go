package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var refusals = []sentence{
	{"writes outside a transaction are internal errors", writesNeedTransactions},
	{"a transaction inside a transaction is an internal error", transactionsDoNotNest},
	{"reads that go past an open transaction are internal errors", readsPastTransaction},
	{"calls on the store itself inside a transaction are internal errors", storeCallsInTransaction},
}

func writesNeedTransactions(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	before := everythingStored(t, st)
	for name, write := range s.writes() {
		wantError(t, name, write(t.Context(), whole(st).Read()), domain.CodeInternal, "")
		wantError(t, name+" of an admin", write(t.Context(), root(st).Read().View), domain.CodeInternal, "")
	}
	for name, write := range s.adminWrites() {
		wantError(t, name, write(t.Context(), root(st).Read()), domain.CodeInternal, "")
	}
	// Not even one that is open elsewhere makes it one.
	mustTx(t, whole(st), func(ctx context.Context, _ repository.View) error {
		for name, write := range s.writes() {
			wantError(t, name+" inside a transaction", write(ctx, whole(st).Read()), domain.CodeInternal, "")
		}
		return nil
	})
	wantSame(t, "what is stored", everythingStored(t, st), before)
}

// short bounds calls that would wait for the transaction around them.
func short(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 5*time.Second)
}

func transactionsDoNotNest(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	u, _ := audited(alice)
	db := st.Scoped(u)
	mustTx(t, db, func(ctx context.Context, tx repository.View) error {
		ctx, cancel := short(ctx)
		defer cancel()
		ran := false
		wantError(t, "InTx of the same unit", db.InTx(ctx, func(context.Context, repository.View) error { ran = true; return nil }), domain.CodeInternal, "")
		wantError(t, "InTx of another", whole(st).InTx(ctx, func(context.Context, repository.View) error { ran = true; return nil }), domain.CodeInternal, "")
		wantError(t, "InTx of an admin", root(st).InTx(ctx, func(context.Context, repository.AdminView) error { ran = true; return nil }), domain.CodeInternal, "")
		if ran {
			t.Error("the inner fn ran")
		}
		return s.change1(ctx, tx) // the outer one is none the worse
	})
	wantSame(t, "aliases", aliasNames(t, whole(st)), []string{"new", "short"})
}

func readsPastTransaction(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	db := whole(st)
	before := db.Read() // also a view from before
	mustTx(t, db, func(ctx context.Context, tx repository.View) error {
		for name, read := range s.reads() {
			wantError(t, name, read(ctx, db.Read()), domain.CodeInternal, "")
			wantError(t, name+" of an earlier view", read(ctx, before), domain.CodeInternal, "")
			if err := read(ctx, tx); err != nil {
				t.Errorf("%s inside: %v", name, err)
			}
		}
		for name, read := range s.adminReads() {
			wantError(t, name, read(ctx, root(st).Read()), domain.CodeInternal, "")
		}
		return nil
	})
	mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
		for name, read := range s.reads() {
			if err := read(ctx, tx.View); err != nil {
				t.Errorf("%s of an admin inside: %v", name, err)
			}
		}
		for name, read := range s.adminReads() {
			if err := read(ctx, tx); err != nil {
				t.Errorf("%s inside: %v", name, err)
			}
		}
		return nil
	})
}

func storeCallsInTransaction(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	e := newEntry(alice)
	mustTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
		ctx, cancel := short(ctx)
		defer cancel()
		wantError(t, "Record", st.Record(ctx, e), domain.CodeInternal, "")
		_, _, err := st.Claim(ctx, newClaim(), busy)
		wantError(t, "Claim", err, domain.CodeInternal, "")
		wantError(t, "Settle", st.Settle(ctx, newClaim(), []byte("{}")), domain.CodeInternal, "")
		return second(tx.Images.Get(ctx, s.img.ID))
	})
	checkNoEntry(t, st, e.ID)
	wantClaim(t, st, "a claim afterwards", newClaim(), "", "")
}
