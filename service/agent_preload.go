package service

import (
	"context"

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
	lanes, err := s.targetLanes(ctx, db, a.TargetAgents, a.Images, false)
	if err != nil {
		return actions.PreloadImagesResult{}, err
	}
	p := preload{service: s, db: db, dry: a.DryRun, registries: map[domain.RegistryID]domain.Registry{}}
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

// preload pulls images onto agents: all agents at once, the images of one agent
// one after the other.
type preload struct {
	service    *AgentService
	db         repository.Admin
	dry        bool
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
	key := domain.ImageKey{Reference: it.canonical, Architecture: it.architecture}
	if it.image == nil {
		return domain.NotFound("image", key.String())
	}
	if it.image.Status != domain.ImageAlive {
		return domain.Errorf(domain.CodePrecondition, "image_"+string(it.image.Status), it.canonical, "%s is %s and cannot be loaded", key, it.image.Status)
	}
	return nil
}

func (p *preload) lane(ctx context.Context, l *lane, m *meter) error {
	if len(l.items) == 0 {
		return nil
	}
	agent, held, err := p.service.heldBy(ctx, l.row)
	if err != nil {
		return err
	}
	var pulled []domain.InventoryImage
	defer func() { p.record(ctx, l.id, pulled) }()
	for i := range l.items {
		it := &l.items[i]
		have, there := held[[2]string{it.canonical, it.architecture}]
		switch {
		case it.err != nil:
			it.done("", 0, it.err)
		case there && have.Digest == it.image.ConfigDigest:
			it.done(actions.DidNothing, have.SizeBytes, nil)
			pulled = append(pulled, have)
		case p.dry:
			it.done(actions.WouldDo, it.image.SizeBytes, nil)
		default:
			out, err := p.pull(ctx, agent, *it.image)
			did := actions.DidPull
			if out.Unchanged {
				did = actions.DidNothing
			}
			it.done(did, out.SizeBytes, err)
			if err == nil {
				pulled = append(pulled, domain.InventoryImage{Canonical: it.canonical, Architecture: it.architecture, Digest: out.Digest, SizeBytes: out.SizeBytes})
			} else if domain.ReasonOf(err) == "agent_unavailable" || ctx.Err() != nil {
				return err
			}
		}
		l.step(ctx, m)
	}
	return nil
}

func (p *preload) pull(ctx context.Context, agent port.Agent, img domain.Image) (out domain.PullOutcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.service.fleet.AgentPull)
	defer cancel()
	err = safely(func() (err error) {
		out, err = agent.Pull(ctx, domain.PullRequest{
			Reference: img.Reference(), Architecture: img.Architecture, Manifest: img.ManifestDigest, Registry: p.registries[img.RegistryID],
		}, nil)
		return err
	})
	return out, err
}

// record notes what an agent holds now; see removal.record.
func (p *preload) record(ctx context.Context, id domain.AgentID, pulled []domain.InventoryImage) {
	if p.dry || len(pulled) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	_ = p.db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		return tx.Agents.Hold(ctx, id, pulled)
	})
}
