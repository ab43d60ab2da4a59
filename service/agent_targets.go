package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// targetLanes pairs every image with every agent that the expression names. With
// exact, an id or an alias means its own architecture on all of them.
func (s *AgentService) targetLanes(ctx context.Context, db repository.Admin, expr string, allowEmpty bool, refs []actions.ImageRef, exact bool) ([]*lane, error) {
	agents, err := targetAgents(ctx, db, expr, allowEmpty)
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

// targetAgents returns the agents that an expression names, by id. Those that it
// names by their id must exist.
func targetAgents(ctx context.Context, db repository.Admin, expr string, allowEmpty bool) ([]domain.Agent, error) {
	targets, err := domain.ParseTargets(expr)
	if err != nil {
		return nil, err
	}
	ids := targets.IDs()
	agents, err := db.Read().Agents.Many(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(agents, func(a domain.Agent) bool { return a.ID == id }) {
			return nil, domain.NotFound("agent", string(id))
		}
	}
	if !targets.OnlyIDs() {
		agents = nil
		for p := (domain.Page{Limit: domain.MaxPageSize}); ; {
			list, info, err := db.Read().Agents.List(ctx, domain.Filter{}, p)
			if err != nil {
				return nil, err
			}
			agents = append(agents, list...)
			if p.After = info.Next; p.After == "" {
				break
			}
		}
	}
	agents = slices.DeleteFunc(agents, func(a domain.Agent) bool { return !targets.Match(a) })
	if len(agents) == 0 && !allowEmpty {
		return nil, domain.Invalid("target_empty", "target_agents", "no agent matches %s", domain.Quote(expr))
	}
	slices.SortFunc(agents, func(a, b domain.Agent) int { return cmp.Compare(a.ID, b.ID) })
	return agents, nil
}
