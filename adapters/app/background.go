package app

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Run does the background work until ctx is done: tasks, what waits for nodes,
// nodes that dial in, pruning. It returns nil when ctx ended it.
func (a *App) Run(ctx context.Context) error {
	b, err := a.line.open(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx) // one that fails ends the others; one that is done does not
	run := func(do func(context.Context) error) {
		g.Go(func() error {
			if err := do(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		})
	}
	run(service.NewRunner(a.ImageService).Run)
	run(func(ctx context.Context) error {
		return fleet.Listen(ctx, b.Conn(), fleet.ListenOptions{Lost: a.silence, Logger: a.log}, a.heard)
	})
	run(a.unheard)
	return g.Wait()
}

// URL is where nodes dial in to, "" while this process is not connected.
func (a *App) URL() string {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	if a.line.broker == nil {
		return ""
	}
	return a.line.broker.URL()
}

// heard tells the catalogue what a node's heartbeats say, in the node's name.
func (a *App) heard(ctx context.Context, b fleet.Beat) error {
	if b.Online && b.Revision == "" {
		return nil // it is still looking at what it holds
	}
	err := a.report(ctx, b.AgentID, actions.ReportInventoryAction{AgentID: b.AgentID, Revision: b.Revision, Offline: !b.Online})
	if domain.CodeOf(err) == domain.CodeNotFound {
		a.log.WarnContext(ctx, "a node that is not registered dials in", "agent", b.AgentID)
		return nil
	}
	return err
}

func (a *App) report(ctx context.Context, id domain.AgentID, action actions.ReportInventoryAction) error {
	ctx = domain.WithActor(ctx, domain.Actor{ID: domain.UserID("agent:" + string(id)), Role: "agent"})
	_, err := a.ReportInventory(ctx, action)
	return err
}

// unheard asks, once, the nodes that were online when this process began: those
// that went away while nobody listened send no goodbye.
func (a *App) unheard(ctx context.Context) error {
	select {
	case <-time.After(a.silence):
	case <-ctx.Done():
		return nil
	}
	rows, err := a.fleetRows(ctx)
	if err != nil {
		a.log.WarnContext(ctx, "nodes cannot be listed", "err", err)
		return nil
	}
	for _, row := range rows {
		if row.Status != domain.AgentOnline || ctx.Err() != nil {
			continue
		}
		err := a.report(ctx, row.ID, actions.ReportInventoryAction{AgentID: row.ID})
		if domain.ReasonOf(err) == "agent_unavailable" {
			err = a.report(ctx, row.ID, actions.ReportInventoryAction{AgentID: row.ID, Offline: true})
		}
		if err != nil {
			a.log.WarnContext(ctx, "a node's state cannot be told", "agent", row.ID, "err", err)
		}
	}
	return nil
}

// system is who asks for what nobody asked for.
func system(ctx context.Context) context.Context {
	return domain.WithActor(ctx, domain.Actor{ID: "system", Role: "system"})
}

// fleetRows are the nodes that dial in.
func (a *App) fleetRows(ctx context.Context) ([]domain.Agent, error) {
	var rows []domain.Agent
	for p := (domain.Page{Limit: domain.MaxPageSize}); ; {
		res, err := a.ListAgents(system(ctx), actions.ListAgentsAction{Where: domain.Where("kind", domain.Eq, string(domain.AgentFleet)), Page: p})
		if err != nil {
			return nil, err
		}
		rows = append(rows, res.Agents...)
		if p.After = res.Next; p.After == "" {
			return rows, nil
		}
	}
}

// nodeOf tells whose key it is that somebody dials in with.
func (a *App) nodeOf(ctx context.Context, publicKey string) (domain.AgentID, bool, error) {
	select {
	case <-a.built:
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
	id, err := a.keys.of(ctx, publicKey, a.fleetRows)
	return id, id != "", err
}
