package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// Claim takes an idempotency key; see repository.Idempotency.
func (s *Store) Claim(ctx context.Context, c repository.IdempotencyClaim, busy time.Duration) ([]byte, bool, error) {
	if err := domain.RefuseInTx(ctx, "store.claim"); err != nil {
		return nil, false, err
	}
	row := &idempotencyRow{Actor: string(c.Actor), Action: c.Action, Key: c.Key, Hash: c.Hash, ClaimedAt: stored(c.Now)}
	res, err := s.write.NewInsert().Model(row).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
	if err != nil {
		return nil, false, translate("idempotency", err)
	}
	if n, _ := res.RowsAffected(); n == 1 {
		return nil, false, nil
	}
	have := &idempotencyRow{Actor: row.Actor, Action: row.Action, Key: row.Key}
	if err := s.write.NewSelect().Model(have).WherePK().Scan(ctx); err != nil {
		return nil, false, translate("idempotency", err) // given back just now: the caller may try again
	}
	switch {
	case have.Hash != c.Hash:
		return nil, false, domain.Errorf(domain.CodeConflict, "idempotency_mismatch", c.Key, "this idempotency key was used for another request")
	case have.Settled:
		return []byte(have.Result), true, nil
	}
	// The call that took it may be dead.
	res, err = s.write.NewUpdate().Model((*idempotencyRow)(nil)).Set("claimed_at = ?", stored(c.Now)).Apply(keyed(c)).
		Where("NOT k.settled").Where("k.claimed_at <= ?", stored(c.Now.Add(-busy))).Exec(ctx)
	if err != nil {
		return nil, false, translate("idempotency", err)
	}
	if n, _ := res.RowsAffected(); n == 1 {
		return nil, false, nil
	}
	return nil, false, domain.Errorf(domain.CodeConflict, "idempotency_busy", c.Key, "a request with this idempotency key is still under way")
}

// Settle ends a claim; see repository.Idempotency.
func (s *Store) Settle(ctx context.Context, c repository.IdempotencyClaim, result []byte) error {
	if err := domain.RefuseInTx(ctx, "store.settle"); err != nil {
		return err
	}
	if result == nil {
		_, err := s.write.NewDelete().Model((*idempotencyRow)(nil)).Where("actor = ? AND action = ? AND key = ?", string(c.Actor), c.Action, c.Key).
			Where("NOT k.settled").Where("k.claimed_at = ?", stored(c.Now)).Exec(ctx)
		return translate("idempotency", err)
	}
	_, err := s.write.NewUpdate().Model((*idempotencyRow)(nil)).Set("settled = TRUE").Set("result = ?", clean(string(result))).Apply(keyed(c)).
		Where("k.claimed_at = ?", stored(c.Now)).Exec(ctx) // a later claim is not ours to settle
	return translate("idempotency", err)
}

func keyed(c repository.IdempotencyClaim) func(*bun.UpdateQuery) *bun.UpdateQuery {
	return func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Where("k.actor = ? AND k.action = ? AND k.key = ?", string(c.Actor), c.Action, c.Key)
	}
}
