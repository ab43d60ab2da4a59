package repositorytest

import (
	"context"
	"fmt"
	"sync"
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

func transactionsThatMeet(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	images := AddImages(t, st, reg, domain.Image{Name: "a"}, domain.Image{Name: "b"})
	later := Now.Add(time.Hour)
	var ran [2]atomic.Int64
	arrived := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	var once [2]sync.Once
	var entry [2]domain.AuditEntry
	errs := atOnce(2, func(n int) error {
		u, e := audited(alice)
		entry[n] = e
		return inTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error {
			ran[n].Add(1)
			if err := tx.Images.Used(ctx, images[n].ID, later); err != nil {
				return err
			}
			once[n].Do(func() { close(arrived[n]) })
			select { // each has one row and wants the other's, unless the store has one writer
			case <-arrived[1-n]:
			case <-time.After(300 * time.Millisecond):
			}
			return tx.Images.Used(ctx, images[1-n].ID, later)
		})
	})
	for n, err := range errs {
		if err != nil || ran[n].Load() > 5 {
			t.Errorf("transaction %d ran %d times: %v", n, ran[n].Load(), err)
			continue
		}
		if got := entryNow(t, st, entry[n].ID); got.Count != 1 || len(got.Target) != 2 {
			t.Errorf("transaction %d left %+v", n, got)
		}
	}
	for _, img := range images {
		if got := stored(t, st, img.ID); !got.LastUsedAt.Equal(later) {
			t.Errorf("%s was used at %s", img.Name, got.LastUsedAt)
		}
	}
}
