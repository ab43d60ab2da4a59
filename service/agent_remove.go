package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// removal removes images from agents: all agents at once, the images of one
// agent one after the other.
type removal struct {
	service        *AgentService
	db             repository.Admin
	force, noPrune bool
	absentIsFine   bool // unloading: not there is what was wanted
	dry            bool
	away           *away // nil: who is away fails
}

func (r *removal) run(ctx context.Context, lanes []*lane) {
	m := newMeter(ctx)
	announce(m, lanes)
	errs := fan(r.service.fleet.Agents, len(lanes), func(i int) error {
		return r.lane(ctx, lanes[i], m)
	})
	for i, err := range errs {
		lanes[i].end(ctx, m, err)
	}
}

// lane works on one agent. An error is that of all items that have no outcome:
// the agent is not there, or stopped answering.
func (r *removal) lane(ctx context.Context, l *lane, m *meter) error {
	if l.err != nil || len(l.items) == 0 {
		return l.err
	}
	agent, held, err := r.service.heldBy(ctx, l.row)
	if err != nil {
		r.away.end(ctx, l, m, err)
		return nil
	}
	var removed []domain.InventoryImage
	defer func() { r.record(ctx, l, removed) }()
	for i := range l.items {
		it := &l.items[i]
		img, there := held[[2]string{it.canonical, it.architecture}]
		switch {
		case it.err != nil:
			l.step(ctx, m, it, "", 0, it.err)
		case !there && r.absentIsFine:
			removed = append(removed, domain.InventoryImage{Canonical: it.canonical, Architecture: it.architecture})
			l.step(ctx, m, it, actions.DidNothing, 0, nil)
		case !there:
			l.step(ctx, m, it, "", 0, domain.NotFound("image", it.imageKey().String()))
		case r.dry:
			l.step(ctx, m, it, actions.WouldDo, img.SizeBytes, r.protected(img))
		default:
			out, err := r.remove(ctx, agent, img)
			if unanswered(err) {
				r.away.end(ctx, l, m, err)
				return nil
			}
			if err == nil {
				removed = append(removed, img)
			}
			l.step(ctx, m, it, actions.DidRemove, out.FreedBytes, err)
		}
	}
	return nil
}

func (r *removal) remove(ctx context.Context, agent port.Agent, img domain.InventoryImage) (out domain.RemoveOutcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.service.fleet.AgentCall)
	defer cancel()
	err = safely(func() (err error) {
		out, err = agent.Remove(ctx, domain.RemoveRequest{Canonical: img.Canonical, Architecture: img.Architecture, Force: r.force, NoPrune: r.noPrune})
		return err
	})
	return out, err
}

// protected says what would keep an image from being removed.
func (r *removal) protected(img domain.InventoryImage) error {
	if len(img.Containers) == 0 || r.force {
		return nil
	}
	return domain.Errorf(domain.CodeConflict, "image_in_use", img.Canonical, "%d containers use %s; use force to remove it all the same", len(img.Containers), img.Canonical)
}

// record notes what an agent no longer holds. A failure costs nothing but
// freshness: the next inventory says the same.
func (r *removal) record(ctx context.Context, l *lane, removed []domain.InventoryImage) {
	if r.dry {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	_ = r.db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		if _, err := tx.Agents.DropIntents(ctx, l.id, l.settled()); err != nil {
			return err
		}
		return tx.Agents.Drop(ctx, l.id, removed)
	})
}

// heldBy opens an agent and asks what it holds, by canonical and architecture.
func (s *AgentService) heldBy(ctx context.Context, row domain.Agent) (port.Agent, map[[2]string]domain.InventoryImage, error) {
	if row.Status == domain.AgentOffline {
		return nil, nil, domain.Errorf(domain.CodeUnavailable, "agent_offline", string(row.ID), "the agent %s is offline", row.ID)
	}
	agent, err := s.clients.agent(ctx, row)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.fleet.AgentCall)
	defer cancel()
	inv, err := agent.Inventory(ctx)
	if err != nil {
		return nil, nil, err
	}
	held := make(map[[2]string]domain.InventoryImage, len(inv.Images))
	for _, img := range inv.Images {
		arch, err := domain.NormalizeArchitecture(img.Architecture)
		if err != nil {
			continue // named by nobody
		}
		img.Architecture = arch
		held[[2]string{img.Canonical, arch}] = img
	}
	return agent, held, nil
}

// unanswered reports whether an agent stopped answering, so that asking it for
// more would only wait again.
func unanswered(err error) bool {
	switch domain.CodeOf(err) {
	case domain.CodeUnavailable, domain.CodeTimeout, domain.CodeCanceled:
		return true
	}
	return false
}
