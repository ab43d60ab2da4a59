package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/repository"
)

// pruneBatch is how many rows one statement of the janitor removes: a table
// that was never pruned is not locked for minutes.
const pruneBatch = 5000

// Prune removes what is old, table by table; see repository.TaskQueue. What
// hangs on a row goes with it.
func (s *Store) Prune(ctx context.Context, p repository.Prune) (int, error) {
	total := 0
	for _, t := range []struct {
		before time.Time
		model  any
		ids    func(before time.Time) *bun.SelectQuery
		key    string
	}{
		{p.Tasks, (*taskRow)(nil), func(at time.Time) *bun.SelectQuery {
			return s.write.NewSelect().Model((*taskRow)(nil)).Column("id").Where("k.state NOT IN (?)", unfinished).Where("k.finished_at < ?", at)
		}, "k.id"},
		{p.Audit, (*auditRow)(nil), func(at time.Time) *bun.SelectQuery {
			return s.write.NewSelect().Model((*auditRow)(nil)).Column("id").Where("e.at < ?", at)
		}, "e.id"},
		{p.IdempotencyKeys, (*idempotencyRow)(nil), func(at time.Time) *bun.SelectQuery {
			return s.write.NewSelect().Model((*idempotencyRow)(nil)).Column("actor", "action", "key").Where("k.claimed_at < ?", at)
		}, "(k.actor, k.action, k.key)"},
		{p.Intents, (*intentRow)(nil), func(at time.Time) *bun.SelectQuery {
			return s.write.NewSelect().Model((*intentRow)(nil)).Column("agent_id", "canonical", "architecture").Where("w.expires_at < ?", at)
		}, "(w.agent_id, w.canonical, w.architecture)"},
	} {
		for more := !t.before.IsZero(); more; {
			res, err := s.write.NewDelete().Model(t.model).Where("? IN (?)", bun.Safe(t.key), t.ids(stored(t.before)).Limit(pruneBatch)).Exec(ctx)
			if err != nil {
				return total, translate("prune", err)
			}
			n, _ := res.RowsAffected()
			total += int(n)
			more = n == pruneBatch
		}
	}
	return total, nil
}
