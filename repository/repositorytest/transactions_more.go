package repositorytest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func oneTime(t *testing.T, st repository.Store) {
	at := Now.Add(42*time.Minute + 7*time.Microsecond)
	// The clock of the caller counts: not its zone, and no finer than a microsecond.
	db := rootAt(st, at.In(time.FixedZone("", -5*60*60)).Add(321*time.Nanosecond))
	reg, agent := newRegistry(Registry{}), newAgent(domain.Agent{})
	reg.CreatedAt, reg.UpdatedAt, agent.CreatedAt, agent.UpdatedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	var img domain.Image
	mustTx(t, db, func(ctx context.Context, tx repository.AdminView) error {
		if err := tx.Registries.Create(ctx, reg); err != nil {
			return err
		}
		out, err := tx.Images.Sync(ctx, []domain.Image{seen(reg, domain.Image{})})
		if err != nil {
			return err
		}
		img = out[0].Image
		if _, err := tx.Aliases.Create(ctx, "short", img.ID); err != nil {
			return err
		}
		if err := tx.Agents.Create(ctx, agent); err != nil {
			return err
		}
		return second(tx.Agents.Replace(ctx, agent.ID, inventory(img)))
	})
	got, r, a := stored(t, st, img.ID), registryNow(t, st, reg.ID), agentNow(t, st, agent.ID)
	times := map[string]time.Time{
		"image created": got.CreatedAt, "image updated": got.UpdatedAt, "registry created": r.CreatedAt, "registry updated": r.UpdatedAt,
		"agent created": a.CreatedAt, "agent updated": a.UpdatedAt, "inventory": a.InventoryAt, "observed": installed(t, st, agent.ID)[0].ObservedAt,
		"alias created": must(whole(st).Read().Aliases.Get(t.Context(), "short"))(t).CreatedAt,
	}
	for what, got := range times {
		if !got.Equal(at) || got.Location() != time.UTC {
			t.Errorf("%s at %s, want %s", what, got, at)
		}
	}
	wantSame(t, "the answer of Sync", img, got)
}

func manyTransactions(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	u, entry := audited(alice)
	shared := st.Scoped(u)
	var reads atomic.Int64
	errs := atOnce(16, func(n int) error {
		if n%4 == 3 { // and readers beside them
			reads.Add(1)
			return second(whole(st).Read().Images.Find(t.Context(), domain.Lookup{Alias: s.alias}))
		}
		db := shared
		if n%2 == 0 {
			own, _ := audited(bob)
			db = st.Scoped(own)
		}
		return inTx(t, db, func(ctx context.Context, tx repository.View) error {
			return second(tx.Aliases.Create(ctx, fmt.Sprintf("alias%d", n), s.img.ID))
		})
	})
	for n, err := range errs {
		if err != nil {
			t.Errorf("transaction %d: %v", n, err)
		}
	}
	if n := len(aliasNames(t, whole(st))); n != 13 {
		t.Errorf("%d aliases, want 13", n)
	}
	wantSame(t, "targets", entryNow(t, st, entry.ID).Target, []string{string(s.img.ID)})
}

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
