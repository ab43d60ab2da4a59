package service

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// ListIntents returns a page of what waits for nodes that are away.
func (s *AgentService) ListIntents(ctx context.Context, a actions.ListIntentsAction) (actions.ListIntentsResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.ListIntentsAction) (res actions.ListIntentsResult, err error) {
		res.Intents, res.PageInfo, err = db.Read().Agents.Intents(ctx, a.Where, a.Page)
		return res, err
	})
}

// DropIntents gives up what waits for a node. Errors: not_found.
func (s *AgentService) DropIntents(ctx context.Context, a actions.DropIntentsAction) (actions.DropIntentsResult, error) {
	return admin(ctx, s.door, a, s.dropIntents)
}

func (s *AgentService) dropIntents(ctx context.Context, db repository.Admin, a actions.DropIntentsAction) (actions.DropIntentsResult, error) {
	res := actions.DropIntentsResult{Intents: []domain.Intent{}, DryRun: a.DryRun}
	if _, err := db.Read().Agents.Get(ctx, a.AgentID); err != nil {
		return res, err
	}
	of := domain.Where("agent", domain.Eq, string(a.AgentID))
	var keys []domain.ImageKey
	for p := (domain.Page{Limit: domain.MaxPageSize}); ; {
		list, info, err := db.Read().Agents.Intents(ctx, of, p)
		if err != nil {
			return res, err
		}
		for _, i := range list {
			keys = append(keys, domain.ImageKey{Reference: i.Canonical, Architecture: i.Architecture})
		}
		res.Intents = append(res.Intents, list...)
		if p.After = info.Next; p.After == "" {
			break
		}
	}
	if a.DryRun {
		return res, nil
	}
	return res, db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		_, err := tx.Agents.DropIntents(ctx, a.AgentID, keys)
		return err
	})
}

// away puts off what an agent that is away was to do. Nil: nothing is put off.
type away struct {
	db    repository.Admin
	kind  string
	force bool
	dry   bool
	task  domain.TaskID
	wait  time.Time // before the next try, unless the agent is back earlier
	until time.Time
}

func (s *AgentService) deferral(ctx context.Context, db repository.Admin, kind string, d actions.Deferral, force, dry bool) *away {
	now := s.tasks.now()
	a := &away{db: db, kind: kind, force: force, dry: dry, wait: now.Add(s.tasks.work.Return), until: d.DeferUntil}
	if a.until.IsZero() {
		a.until = now.Add(s.fleet.Defer)
	}
	if d.NoDefer || !a.until.After(now) {
		return nil
	}
	if t := attemptFrom(ctx); t != nil {
		a.task = t.id
	}
	return a
}

// isAway reports whether an error means that the agent cannot be reached at all.
func isAway(err error) bool {
	reason := domain.ReasonOf(err)
	return reason == "agent_offline" || reason == "agent_unavailable"
}

// end puts off the open items of a lane whose agent is away; other errors are
// the items'. What cannot be put off fails.
func (a *away) end(ctx context.Context, l *lane, m *meter, err error) {
	if a == nil || !isAway(err) || ctx.Err() != nil {
		l.end(ctx, m, err)
		return
	}
	var list []domain.Intent
	var items []*item
	for _, i := range l.open() {
		if i.err != nil {
			continue
		}
		items = append(items, i)
		list = append(list, domain.Intent{
			AgentID: l.id, Canonical: i.canonical, Architecture: i.architecture, Kind: a.kind, Force: a.force,
			TaskID: a.task, NotBefore: a.wait, ExpiresAt: a.until,
		})
	}
	if !a.dry && len(list) > 0 {
		failed := a.db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error { return tx.Agents.Defer(ctx, list) })
		if failed != nil {
			l.end(ctx, m, failed)
			return
		}
	}
	for _, i := range items {
		l.step(ctx, m, i, actions.DidDefer, 0, nil)
	}
	l.end(ctx, m, err)
}
