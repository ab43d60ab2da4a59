package service

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// lane is one agent and its items.
type lane struct {
	id    domain.AgentID
	row   domain.Agent
	items []item
	err   error // of the whole lane: no such agent

	mu sync.Mutex // of the items' ends
}

// item is one image on one agent.
type item struct {
	name         string // as asked
	canonical    string
	architecture string
	image        *domain.Image // of the catalogue; nil: it does not know it
	err          error

	outcome actions.AgentOutcome
	over    bool // reported
}

func (i *item) imageKey() domain.ImageKey {
	return domain.ImageKey{Reference: i.canonical, Architecture: i.architecture}
}

func (i *item) done(did actions.AgentDid, bytes int64, err error) {
	i.outcome.Did, i.outcome.Bytes = did, bytes
	if err != nil {
		i.outcome.Did, i.outcome.Bytes, i.outcome.Problem = actions.DidFail, 0, domain.ProblemOf(err)
	}
}

// key names an item within a task.
func (l *lane) key(i *item) string {
	return string(l.id) + "/" + i.outcome.Image + "/" + i.architecture
}

// step gives an item its outcome and reports it as over.
func (l *lane) step(ctx context.Context, m *meter, i *item, did actions.AgentDid, bytes int64, err error, held ...domain.InventoryImage) {
	l.mu.Lock()
	i.done(did, bytes, err)
	i.over = true
	l.mu.Unlock()
	state := map[actions.AgentDid]domain.ItemState{
		actions.DidNothing: domain.ItemUnchanged, actions.DidFail: domain.ItemFailed, actions.DidDefer: domain.ItemDeferred,
	}[i.outcome.Did]
	holds := make([]repository.HeldImage, 0, len(held))
	for _, h := range held {
		holds = append(holds, repository.HeldImage{AgentID: l.id, Image: h})
	}
	m.task.commit(ctx, domain.TaskItem{
		Key: l.key(i), State: cmp.Or(state, domain.ItemDone), Bytes: i.outcome.Bytes, Message: string(i.outcome.Did), Problem: i.outcome.Problem,
	}, holds...)
	m.step(string(l.id) + ": " + i.outcome.Image)
}

// end gives an error to every item that has no outcome yet.
func (l *lane) end(ctx context.Context, m *meter, err error) {
	for _, i := range l.open() {
		l.step(ctx, m, i, "", 0, cmp.Or(i.err, err))
	}
}

// open are the items without an outcome.
func (l *lane) open() []*item {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*item
	for i := range l.items {
		if !l.items[i].over {
			list = append(list, &l.items[i])
		}
	}
	return list
}

// settled are the items that came to an end, so that nothing of them waits for
// the agent any more.
func (l *lane) settled() []domain.ImageKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []domain.ImageKey
	for i := range l.items {
		if it := &l.items[i]; it.over && it.outcome.Did != actions.DidDefer && it.canonical != "" {
			keys = append(keys, it.imageKey())
		}
	}
	return keys
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
			case actions.DidDefer:
				account.Deferred++
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
