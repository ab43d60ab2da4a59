package service

import (
	"context"
	"sync/atomic"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// PreloadImages makes nodes hold images. Errors: invalid, not_found for an
// agent that nobody knows; everything else is the outcome of one (agent, image).
func (s *AgentService) PreloadImages(ctx context.Context, a actions.PreloadImagesAction) (actions.PreloadImagesResult, error) {
	return admin(ctx, s.door, a, s.preloadImages)
}

func (s *AgentService) preloadImages(ctx context.Context, db repository.Admin, a actions.PreloadImagesAction) (actions.PreloadImagesResult, error) {
	if a.Background {
		a.Background = false
		id, err := s.tasks.background(ctx, db, a)
		return actions.PreloadImagesResult{TaskID: id, Outcomes: []actions.AgentOutcome{}}, err
	}
	lanes, err := s.targetLanes(ctx, db, a.TargetAgents, a.AllowEmpty, a.Images, false)
	if err != nil {
		return actions.PreloadImagesResult{}, err
	}
	p := preload{
		service: s, db: db, dry: a.DryRun, registries: map[domain.RegistryID]domain.Registry{},
		away: s.deferral(ctx, db, a.Spec().Name, a.Deferral, false, a.DryRun),
	}
	if err := p.plan(ctx, lanes); err != nil {
		return actions.PreloadImagesResult{}, err
	}
	m := newMeter(ctx)
	announce(m, lanes)
	for i, err := range fan(s.fleet.Agents, len(lanes), func(i int) error { return p.lane(ctx, lanes[i], m) }) {
		lanes[i].end(ctx, m, err)
	}
	outcomes, account := outcomesOf(lanes)
	return actions.PreloadImagesResult{Outcomes: outcomes, Account: account, DryRun: a.DryRun}, nil
}

// preload pulls images onto agents: all agents at once, and of each as many
// images as it may pull at a time.
type preload struct {
	service    *AgentService
	db         repository.Admin
	dry        bool
	away       *away
	registries map[domain.RegistryID]domain.Registry // unsealed; read-only once planned
}

// plan refuses what cannot be pulled and reads the registries that are needed.
func (p *preload) plan(ctx context.Context, lanes []*lane) error {
	for _, l := range lanes {
		for i := range l.items {
			it := &l.items[i]
			if it.err != nil {
				continue
			}
			if it.err = pullable(it); it.err != nil {
				continue
			}
			id := it.image.RegistryID
			if _, ok := p.registries[id]; ok {
				continue
			}
			row, err := p.db.Read().Registries.Get(ctx, id)
			if err != nil {
				return err
			}
			if row, it.err = p.service.clients.unsealed(row); it.err == nil {
				p.registries[id] = row
			}
		}
	}
	return nil
}

func pullable(it *item) error {
	if it.image == nil {
		return domain.NotFound("image", it.imageKey().String())
	}
	if it.image.Status != domain.ImageAlive {
		return domain.Errorf(domain.CodePrecondition, "image_"+string(it.image.Status), it.canonical, "%s is %s and cannot be loaded", it.imageKey(), it.image.Status)
	}
	return nil
}

// lane works on one agent. An error is that of all items that have no outcome.
func (p *preload) lane(ctx context.Context, l *lane, m *meter) error {
	if len(l.items) == 0 {
		return nil
	}
	agent, held, err := p.service.heldBy(ctx, l.row)
	if err != nil {
		p.away.end(ctx, l, m, err)
		return nil
	}
	var gone atomic.Bool // it stopped answering: what is left is not tried
	pulled := make([]domain.InventoryImage, len(l.items))
	errs := fan(p.service.fleet.AgentPulls, len(l.items), func(i int) error {
		if gone.Load() {
			return nil
		}
		it := &l.items[i]
		err := p.item(ctx, agent, l, it, held[[2]string{it.canonical, it.architecture}], &pulled[i], m)
		if err != nil && isAway(err) {
			gone.Store(true)
		}
		return err
	})
	for i, e := range errs {
		switch {
		case e == nil:
		case isAway(e), ctx.Err() != nil:
			err = e
		case !l.items[i].over: // a panic
			l.step(ctx, m, &l.items[i], "", 0, e)
		}
	}
	p.record(ctx, l, pulled)
	if err != nil {
		p.away.end(ctx, l, m, err)
	}
	return nil
}

// item gives one image its outcome. An error means that it has none: the agent
// is away, or the work ends.
func (p *preload) item(ctx context.Context, agent port.Agent, l *lane, it *item, have domain.InventoryImage, pulled *domain.InventoryImage, m *meter) error {
	switch {
	case it.err != nil:
		l.step(ctx, m, it, "", 0, it.err)
		return nil //nolint:nilerr // it is the item's outcome
	case have.Canonical != "" && have.Digest == it.image.ConfigDigest:
		*pulled = have
		l.step(ctx, m, it, actions.DidNothing, have.SizeBytes, nil, have)
		return nil
	case p.dry:
		l.step(ctx, m, it, actions.WouldDo, it.image.SizeBytes, nil)
		return nil
	}
	out, err := p.pull(ctx, agent, l, it, m)
	did := actions.DidPull
	switch {
	case err != nil && (isAway(err) || ctx.Err() != nil):
		return err
	case err != nil:
		l.step(ctx, m, it, "", 0, err)
		return nil
	case out.Unchanged:
		did = actions.DidNothing
	}
	*pulled = domain.InventoryImage{Canonical: it.canonical, Architecture: it.architecture, Digest: out.Digest, SizeBytes: out.SizeBytes}
	l.step(ctx, m, it, did, out.SizeBytes, nil, *pulled)
	return nil
}

// pull pulls one image, again after errors that pass. It waits for a slot of
// the agent and one of the registry, then the clock runs.
func (p *preload) pull(ctx context.Context, agent port.Agent, l *lane, it *item, m *meter) (out domain.PullOutcome, err error) {
	fleet, img := p.service.fleet, it.image
	for _, slot := range []struct {
		of    string
		limit int
	}{{"agent/" + string(l.id), fleet.AgentPulls}, {"registry/" + string(img.RegistryID), fleet.RegistryPulls}} {
		release, err := p.service.slots.take(ctx, slot.of, slot.limit)
		if err != nil {
			return out, err
		}
		defer release()
	}
	ctx, cancel := context.WithTimeout(ctx, fleet.AgentPull)
	defer cancel()
	shown, over := m.task.begin(l.key(it))
	defer over()
	request := domain.PullRequest{
		Reference: img.Reference(), Architecture: img.Architecture, Manifest: img.ManifestDigest, Registry: p.registries[img.RegistryID],
	}
	err = retried(ctx, fleet.PullAttempts, fleet.PullBackoff, func() error {
		return watched(ctx, fleet.PullStall, shown, func(ctx context.Context, moved domain.Progress) error {
			return safely(func() (err error) {
				out, err = agent.Pull(ctx, request, moved)
				return err
			})
		})
	})
	if err == nil && out.Digest != img.ConfigDigest && img.ConfigDigest != "" {
		return out, domain.Errorf(domain.CodePrecondition, "digest_mismatch", img.Canonical(), "the agent %s holds another image than the catalogue names: %s, not %s", l.id, out.Digest, img.ConfigDigest)
	}
	return out, err
}

// record notes what an agent holds now; see removal.record.
func (p *preload) record(ctx context.Context, l *lane, pulled []domain.InventoryImage) {
	if p.dry {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	var held []domain.InventoryImage
	for _, i := range pulled {
		if i.Canonical != "" {
			held = append(held, i)
		}
	}
	_ = p.db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		if _, err := tx.Agents.DropIntents(ctx, l.id, l.settled()); err != nil {
			return err
		}
		return tx.Agents.Hold(ctx, l.id, held)
	})
}
