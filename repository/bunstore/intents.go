package bunstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

type intentRow struct {
	bun.BaseModel `bun:"table:wharf_intents,alias:w"`

	AgentID      string    `bun:"agent_id,pk"`
	Canonical    string    `bun:"canonical,pk"`
	Architecture string    `bun:"architecture,pk"`
	Kind         string    `bun:"kind"`
	Force        bool      `bun:"force"`
	Actor        string    `bun:"actor"`
	ActorJSON    string    `bun:"actor_json"`
	TaskID       string    `bun:"task_id"`
	Tries        int64     `bun:"tries"`
	NotBefore    time.Time `bun:"not_before"`
	ExpiresAt    time.Time `bun:"expires_at"`
	CreatedAt    time.Time `bun:"created_at"`
}

// intentTable lists by agent; within one, the image breaks ties.
var intentTable = &table{
	fields: domain.IntentFields,
	columns: map[string]string{
		"agent": "w.agent_id", "image": "w.canonical", "kind": "w.kind", "actor": "w.actor", "expires_at": "w.expires_at",
	},
	defaultSort: "agent",
	id:          "(w.canonical || ' ' || w.architecture)",
}

func (g *agents) Defer(ctx context.Context, intents []domain.Intent) error {
	s := g.s()
	if err := s.writing("agents.defer"); err != nil {
		return err
	}
	ids := make([]domain.AgentID, len(intents))
	for i, n := range intents {
		ids[i] = n.AgentID
	}
	there, err := g.Many(ctx, ids)
	if err != nil {
		return err
	}
	known := map[domain.AgentID]bool{}
	for _, a := range there {
		known[a.ID] = true
	}
	type key struct{ agent, canonical, architecture string }
	last := map[key]*intentRow{} // what is said twice: the last counts
	for _, n := range intents {
		if known[n.AgentID] {
			row := g.intentRow(n)
			last[key{row.AgentID, row.Canonical, row.Architecture}] = row
		}
	}
	rows := make([]*intentRow, 0, len(last))
	for _, row := range last {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *intentRow) int { // everybody locks in the same order
		return cmp.Or(cmp.Compare(a.AgentID, b.AgentID), cmp.Compare(a.Canonical, b.Canonical), cmp.Compare(a.Architecture, b.Architecture))
	})
	for part := range slices.Chunk(rows, syncBatch) {
		_, err := g.db.NewInsert().Model(&part).On("CONFLICT (agent_id, canonical, architecture) DO UPDATE").
			Set("tries = CASE WHEN w.kind = EXCLUDED.kind THEN w.tries ELSE 0 END").
			Set("not_before = CASE WHEN w.kind = EXCLUDED.kind THEN w.not_before ELSE EXCLUDED.not_before END").
			Set("created_at = CASE WHEN w.kind = EXCLUDED.kind THEN w.created_at ELSE EXCLUDED.created_at END").
			Set("kind = EXCLUDED.kind").Set("force = EXCLUDED.force").Set("actor = EXCLUDED.actor").Set("actor_json = EXCLUDED.actor_json").
			Set("task_id = EXCLUDED.task_id").Set("expires_at = EXCLUDED.expires_at").Returning("NULL").Exec(ctx)
		if err != nil {
			return translate("agents.defer", err)
		}
	}
	return nil
}

func (g *agents) DropIntents(ctx context.Context, id domain.AgentID, images []domain.ImageKey) (int, error) {
	if err := g.s().writing("agents.drop_intents"); err != nil {
		return 0, err
	}
	settled := 0
	for part := range slices.Chunk(images, syncBatch) {
		keys := make(pairs, len(part))
		for i, k := range part {
			keys[i] = [2]any{clean(k.Reference), clean(k.Architecture)}
		}
		res, err := g.db.NewDelete().Model((*intentRow)(nil)).Where("w.agent_id = ?", string(id)).
			Where("(w.canonical, w.architecture) IN (VALUES ?)", keys).Where("w.created_at <= ?", stored(g.unit.Now)).Exec(ctx)
		if err != nil {
			return settled, translate("agents.drop_intents", err)
		}
		n, _ := res.RowsAffected()
		settled += int(n)
	}
	return settled, nil
}

func (g *agents) Intents(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Intent, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "agents.intents"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q, p, err := intentTable.page(g.db.NewSelect().Model((*intentRow)(nil)), g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, intentTable, q, p, func(r intentRow, _ string) (string, string) {
		return r.AgentID, r.Canonical + " " + r.Architecture
	})
	return intentsOf(rows), info, err
}

// due makes the intents of an agent that is back wait no longer.
func (g *agents) due(ctx context.Context, id domain.AgentID) error {
	_, err := g.db.NewUpdate().Model((*intentRow)(nil)).Set("not_before = ?", stored(g.unit.Now)).
		Where("w.agent_id = ?", string(id)).Where("w.not_before > ?", stored(g.unit.Now)).Exec(ctx)
	return translate("agents.due", err)
}

// DueIntents returns what can be served; see repository.TaskQueue.
func (s *Store) DueIntents(ctx context.Context, now time.Time, limit int) ([]domain.Intent, error) {
	var rows []intentRow
	err := s.read.NewSelect().Model(&rows).Join("JOIN wharf_agents AS a ON a.id = w.agent_id").
		Where("a.status = ?", string(domain.AgentOnline)).Where("w.not_before <= ?", stored(now)).Where("w.expires_at > ?", stored(now)).
		OrderExpr("w.agent_id, w.canonical, w.architecture").Limit(int64(limit)).Scan(ctx)
	return intentsOf(rows), translate("intents.due", err)
}

// SpawnTask makes a task of intents; see repository.TaskQueue.
func (s *Store) SpawnTask(ctx context.Context, p repository.Spawn) (task domain.Task, err error) {
	if err := domain.RefuseInTx(ctx, "store.spawn"); err != nil {
		return domain.Task{}, err
	}
	err = s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for _, n := range p.Intents {
			res, err := tx.NewUpdate().Model((*intentRow)(nil)).Set("tries = w.tries + 1").Set("not_before = ?", stored(p.NotBefore)).
				Where("w.agent_id = ? AND w.canonical = ? AND w.architecture = ?", string(n.AgentID), n.Canonical, n.Architecture).
				Where("w.kind = ? AND w.tries = ?", n.Kind, n.Tries).Exec(ctx)
			if err != nil {
				return translate("intents.spawn", err)
			}
			if n, _ := res.RowsAffected(); n == 0 {
				return domain.Errorf(domain.CodeConflict, "intent_changed", p.Task.Kind, "what waits for the agent is another thing by now")
			}
		}
		row := newTaskRow(p.Task, p.Actor, p.Now)
		_, err := tx.NewInsert().Model(row).On("CONFLICT (dedup) DO NOTHING").Returning("NULL").Exec(ctx)
		if err != nil {
			return translate("intents.spawn", err)
		}
		have := new(taskRow)
		err = tx.NewSelect().Model(have).Where("k.dedup = ?", row.Dedup).Scan(ctx)
		task = taskOf(have)
		return translate("intents.spawn", err)
	})
	return task, translate("intents.spawn", err)
}

func intentsOf(rows []intentRow) []domain.Intent {
	list := make([]domain.Intent, len(rows))
	for i, r := range rows {
		list[i] = domain.Intent{
			AgentID: domain.AgentID(r.AgentID), Canonical: r.Canonical, Architecture: r.Architecture, Kind: r.Kind, Force: r.Force,
			TaskID: domain.TaskID(r.TaskID), Tries: int(r.Tries), NotBefore: r.NotBefore.UTC(), ExpiresAt: r.ExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC(),
		}
		fromJSON(r.ActorJSON, &list[i].Actor)
	}
	return list
}

func (g *agents) intentRow(n domain.Intent) *intentRow {
	actor := g.s().actor()
	return &intentRow{
		AgentID: string(n.AgentID), Canonical: clean(n.Canonical), Architecture: clean(n.Architecture), Kind: n.Kind, Force: n.Force,
		Actor: clean(string(actor.ID)), ActorJSON: cleanJSON(actor), TaskID: string(n.TaskID), Tries: int64(n.Tries),
		NotBefore: stored(n.NotBefore), ExpiresAt: stored(n.ExpiresAt), CreatedAt: stored(g.unit.Now),
	}
}
