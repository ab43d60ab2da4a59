package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// PurgeImageByID removes an image from the catalogue for good. Errors:
// not_found, forbidden, and on request those of untagging and of the agents;
// then the row is still there.
func (s *CatalogService) PurgeImageByID(ctx context.Context, a actions.PurgeImageByIDAction) (actions.PurgeImageByIDResult, error) {
	return scoped(ctx, s.door, a, s.purgeImage)
}

// PurgeImagesByID is PurgeImageByID for many ids, one after the other; one that
// fails stops no other.
func (s *CatalogService) PurgeImagesByID(ctx context.Context, a actions.PurgeImagesByIDAction) (actions.PurgeImagesByIDResult, error) {
	return scoped(ctx, s.door, a, s.purgeImages)
}

func (s *CatalogService) purgeImages(ctx context.Context, db repository.Scoped, a actions.PurgeImagesByIDAction) (actions.PurgeImagesByIDResult, error) {
	res := actions.PurgeImagesByIDResult{Outcomes: make([]actions.PurgeOutcome, len(a.ImageIDs)), DryRun: a.DryRun}
	m := newMeter(ctx)
	m.add(len(a.ImageIDs))
	for i, id := range a.ImageIDs {
		var one actions.PurgeImageByIDResult
		err := safely(func() (err error) {
			one, err = s.purgeImage(ctx, db, actions.PurgeImageByIDAction{
				ImageID: id, RemoveFromRegistry: a.RemoveFromRegistry, RemoveFromAgents: a.RemoveFromAgents, Force: a.Force, DryRun: a.DryRun,
			})
			return err
		})
		res.Outcomes[i] = actions.PurgeOutcome{ImageID: id, Problem: domain.ProblemOf(err)}
		if err == nil {
			res.Outcomes[i].Purged = &one.PurgedImage
		}
		m.step(string(id))
	}
	return res, nil
}

// purgeImage works from the outside in: registry, agents, row. Whatever fails,
// the row still says what is left to do.
func (s *CatalogService) purgeImage(ctx context.Context, db repository.Scoped, a actions.PurgeImageByIDAction) (res actions.PurgeImageByIDResult, err error) {
	res.DryRun = a.DryRun
	res.PurgedImage, err = s.purgePlan(ctx, db, a.ImageID)
	if err != nil {
		return res, err
	}
	if a.RemoveFromRegistry {
		plan := actions.UntagPlan{Siblings: []domain.ImageID{}, Tags: []string{}}
		if res.Image.Status != domain.ImageMissing {
			if plan, err = s.untag(ctx, db, res.Image, a.Force, a.DryRun); err != nil {
				return res, err
			}
		}
		res.Untag = &plan
	}
	if a.RemoveFromAgents {
		if err := s.purgeHolders(ctx, db, &res.PurgedImage, a); err != nil {
			return res, err
		}
	}
	if a.DryRun {
		return res, nil
	}
	return res, db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		gone, err := tx.Images.Delete(ctx, []domain.ImageID{a.ImageID})
		if err == nil && len(gone) == 0 {
			err = domain.NotFound("image", string(a.ImageID))
		}
		return err
	})
}

func (s *CatalogService) purgePlan(ctx context.Context, db repository.Scoped, id domain.ImageID) (p actions.PurgedImage, err error) {
	images := db.Read().Images
	if p.Image, err = images.Get(ctx, id); err != nil {
		return p, err
	}
	detail, err := images.Detail(ctx, p.Image)
	if err != nil {
		return p, err
	}
	agents, err := images.HoldingAgents(ctx, id)
	p.Aliases, p.RemovedFrom, p.HeldBy = detail.Aliases, []domain.AgentID{}, []domain.AgentID{}
	for _, a := range agents {
		p.HeldBy = append(p.HeldBy, a.ID)
	}
	return p, err
}

// purgeHolders removes the image from the agents that hold it. One that fails
// keeps the row: it is the record of where the image still is.
func (s *CatalogService) purgeHolders(ctx context.Context, db repository.Scoped, p *actions.PurgedImage, a actions.PurgeImageByIDAction) error {
	agents, err := db.Read().Images.HoldingAgents(ctx, p.Image.ID)
	if err != nil || len(agents) == 0 {
		return err
	}
	if a.DryRun {
		p.RemovedFrom, p.HeldBy = p.HeldBy, []domain.AgentID{}
		return nil
	}
	req := domain.RemoveRequest{Canonical: p.Image.Canonical(), Architecture: p.Image.Architecture, Force: a.Force}
	errs := fan(s.fleet.Agents, len(agents), func(i int) error {
		return s.removeFrom(ctx, agents[i], req)
	})
	p.HeldBy = []domain.AgentID{}
	var first error
	for i, err := range errs {
		if err == nil || domain.CodeOf(err) == domain.CodeNotFound {
			p.RemovedFrom = append(p.RemovedFrom, agents[i].ID)
			continue
		}
		p.HeldBy = append(p.HeldBy, agents[i].ID)
		if first == nil {
			first = &domain.Error{
				Code: domain.CodeOf(err), Reason: domain.ReasonOf(err), On: string(agents[i].ID), Err: err,
				Message: "agent " + string(agents[i].ID) + " still holds " + req.Canonical + ": " + domain.MessageOf(err),
			}
		}
	}
	if len(p.RemovedFrom) > 0 {
		err := db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
			return tx.Images.Unheld(ctx, p.Image.ID, p.RemovedFrom)
		})
		if err != nil {
			return err
		}
	}
	return first
}

func (s *CatalogService) removeFrom(ctx context.Context, a domain.Agent, req domain.RemoveRequest) error {
	agent, err := s.clients.agent(ctx, a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.fleet.AgentCall)
	defer cancel()
	_, err = agent.Remove(ctx, req)
	return err
}
