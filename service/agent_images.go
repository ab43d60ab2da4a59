package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// PurgeImages removes images from nodes. Errors: invalid; everything else is
// the outcome of one (agent, image).
func (s *AgentService) PurgeImages(ctx context.Context, a actions.PurgeImagesAction) (actions.PurgeImagesResult, error) {
	return admin(ctx, s.door, a, s.purgeImages)
}

// UnloadImages makes nodes not hold images. Errors: invalid, not_found for an
// agent or image that nobody knows; everything else is the outcome of one
// (agent, image).
func (s *AgentService) UnloadImages(ctx context.Context, a actions.UnloadImagesAction) (actions.UnloadImagesResult, error) {
	return admin(ctx, s.door, a, s.unloadImages)
}

// GetImageInstalledAgents tells which nodes hold images.
func (s *AgentService) GetImageInstalledAgents(ctx context.Context, a actions.GetImageInstalledAgentsAction) (actions.GetImageInstalledAgentsResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.GetImageInstalledAgentsAction) (res actions.GetImageInstalledAgentsResult, err error) {
		res.Agents, err = db.Read().Images.Holders(ctx, a.ImageIDs)
		return res, err
	})
}

// lane is one agent and its items, which run one after the other.
type lane struct {
	id    domain.AgentID
	row   domain.Agent
	items []item
	err   error // of the whole lane: no such agent
	over  int   // items that were reported as over
}

// key names an item within a task.
func (l *lane) key(i *item) string {
	return string(l.id) + "/" + i.outcome.Image + "/" + i.architecture
}

// step reports the next item as over.
func (l *lane) step(ctx context.Context, m *meter) {
	i := &l.items[l.over]
	state := map[actions.AgentDid]domain.ItemState{actions.DidNothing: domain.ItemUnchanged, actions.DidFail: domain.ItemFailed}[i.outcome.Did]
	m.task.commit(ctx, domain.TaskItem{
		Key: l.key(i), State: cmp.Or(state, domain.ItemDone), Bytes: i.outcome.Bytes, Message: string(i.outcome.Did), Problem: i.outcome.Problem,
	})
	m.step(string(l.id) + ": " + i.outcome.Image)
	l.over++
}

// announce tells how much there is to do, and leaves out what an earlier
// attempt at the task has done.
func announce(m *meter, lanes []*lane) {
	for _, l := range lanes {
		l.items = slices.DeleteFunc(l.items, func(i item) bool { return !m.task.pending(l.key(&i)) })
		m.add(len(l.items))
		m.task.plan(len(l.items))
	}
}

// end gives an error to every item that has no outcome yet, and reports what
// was not reported.
func (l *lane) end(ctx context.Context, m *meter, err error) {
	for i := range l.items {
		if l.items[i].outcome.Did == "" {
			l.items[i].done("", 0, err)
		}
	}
	for l.over < len(l.items) {
		l.step(ctx, m)
	}
}

// item is one image on one agent.
type item struct {
	name         string // as asked
	canonical    string
	architecture string
	image        *domain.Image // of the catalogue; nil: it does not know it
	err          error

	outcome actions.AgentOutcome
}

func (i *item) done(did actions.AgentDid, bytes int64, err error) {
	i.outcome.Did, i.outcome.Bytes = did, bytes
	if err != nil {
		i.outcome.Did, i.outcome.Bytes, i.outcome.Problem = actions.DidFail, 0, domain.ProblemOf(err)
	}
}

func (s *AgentService) purgeImages(ctx context.Context, db repository.Admin, a actions.PurgeImagesAction) (actions.PurgeImagesResult, error) {
	if a.Background {
		a.Background = false
		id, err := s.tasks.background(ctx, db, a)
		return actions.PurgeImagesResult{TaskID: id, PurgedImages: []actions.PurgedImages{}, Errors: []actions.AgentError{}}, err
	}
	lanes, err := s.purgeLanes(ctx, db, a.Keys)
	if err != nil {
		return actions.PurgeImagesResult{}, err
	}
	r := removal{service: s, db: db, force: a.Force, noPrune: a.NoPrune, dry: a.DryRun}
	r.run(ctx, lanes)

	res := actions.PurgeImagesResult{PurgedImages: []actions.PurgedImages{}, Errors: []actions.AgentError{}, DryRun: a.DryRun}
	for _, l := range lanes {
		purged := actions.PurgedImages{AgentID: l.id, PurgedImages: []string{}}
		for _, i := range l.items {
			if p := i.outcome.Problem; p != nil {
				res.Errors = append(res.Errors, actions.AgentError{AgentID: l.id, Image: i.outcome.Image, Problem: *p})
				continue
			}
			purged.PurgedImages = append(purged.PurgedImages, i.outcome.Image)
			purged.FreedBytes += i.outcome.Bytes
		}
		if len(purged.PurgedImages) > 0 {
			res.PurgedImages = append(res.PurgedImages, purged)
			res.FreedBytes += purged.FreedBytes
		}
	}
	return res, nil
}

func (s *AgentService) unloadImages(ctx context.Context, db repository.Admin, a actions.UnloadImagesAction) (actions.UnloadImagesResult, error) {
	if a.Background {
		a.Background = false
		id, err := s.tasks.background(ctx, db, a)
		return actions.UnloadImagesResult{TaskID: id, Outcomes: []actions.AgentOutcome{}}, err
	}
	lanes, err := s.targetLanes(ctx, db, a.TargetAgents, a.Images, true)
	if err != nil {
		return actions.UnloadImagesResult{}, err
	}
	r := removal{service: s, db: db, force: a.Force, absentIsFine: true, dry: a.DryRun}
	r.run(ctx, lanes)
	outcomes, account := outcomesOf(lanes)
	return actions.UnloadImagesResult{Outcomes: outcomes, Account: account, DryRun: a.DryRun}, nil
}

func outcomesOf(lanes []*lane) ([]actions.AgentOutcome, actions.Account) {
	outcomes, account := []actions.AgentOutcome{}, actions.Account{}
	for _, l := range lanes {
		for _, i := range l.items {
			outcomes = append(outcomes, i.outcome)
			account.Seen++
			switch i.outcome.Did {
			case actions.DidFail:
				account.Failed++
			case actions.DidNothing:
				account.Unchanged++
			default:
				account.Done++
			}
		}
	}
	return outcomes, account
}

// purgeLanes turns keys into lanes, one per agent, in the order of their first
// mention; what is asked twice is done once. An agent or a name that nobody
// knows fails its own items only.
func (s *AgentService) purgeLanes(ctx context.Context, db repository.Admin, keys []actions.PurgeImagesKey) ([]*lane, error) {
	var ids []domain.AgentID
	refs := map[domain.AgentID][]actions.ImageRef{}
	for _, k := range keys {
		if _, ok := refs[k.AgentID]; !ok {
			ids = append(ids, k.AgentID)
		}
		refs[k.AgentID] = append(refs[k.AgentID], k.Images...)
	}
	rows, err := db.Read().Agents.Many(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[domain.AgentID]domain.Agent{}
	for _, r := range rows {
		byID[r.ID] = r
	}
	found := s.newResolver(db, true)
	lanes := make([]*lane, len(ids))
	for i, id := range ids {
		l := &lane{id: id}
		if l.row, l.err = byID[id], nil; l.row.ID == "" {
			l.err = domain.NotFound("agent", string(id))
		}
		if l.items, err = found.items(ctx, l.row, refs[id]); err != nil {
			return nil, err
		}
		lanes[i] = l
	}
	return lanes, nil
}

// targetLanes pairs every image with every agent that the expression names. With
// exact, an id or an alias means its own architecture on all of them.
func (s *AgentService) targetLanes(ctx context.Context, db repository.Admin, expr string, refs []actions.ImageRef, exact bool) ([]*lane, error) {
	agents, err := targetAgents(ctx, db, expr)
	if err != nil {
		return nil, err
	}
	found := s.newResolver(db, exact)
	lanes := make([]*lane, len(agents))
	for i, row := range agents {
		lanes[i] = &lane{id: row.ID, row: row}
		if lanes[i].items, err = found.items(ctx, row, refs); err != nil {
			return nil, err
		}
	}
	return lanes, nil
}

// targetAgents returns the agents that an expression names, by id: * for all,
// or ids separated by commas, each of which must exist.
func targetAgents(ctx context.Context, db repository.Admin, expr string) ([]domain.Agent, error) {
	ids, all, err := domain.ParseTargets(expr)
	if err != nil {
		return nil, err
	}
	var agents []domain.Agent
	if all {
		p := domain.Page{Limit: domain.MaxPageSize}
		for more := true; more; more = p.After != "" {
			list, info, err := db.Read().Agents.List(ctx, domain.Filter{}, p)
			if err != nil {
				return nil, err
			}
			agents, p.After = append(agents, list...), info.Next
		}
	} else if agents, err = db.Read().Agents.Many(ctx, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(agents, func(a domain.Agent) bool { return a.ID == id }) {
			return nil, domain.NotFound("agent", string(id))
		}
	}
	if len(agents) == 0 {
		return nil, domain.Invalid("target_empty", "target_agents", "no agent matches %s", domain.Quote(expr))
	}
	slices.SortFunc(agents, func(a, b domain.Agent) int { return cmp.Compare(a.ID, b.ID) })
	return agents, nil
}
