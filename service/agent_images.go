package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
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
	lanes, err := s.targetLanes(ctx, db, a.TargetAgents, a.AllowEmpty, a.Images, true)
	if err != nil {
		return actions.UnloadImagesResult{}, err
	}
	r := removal{service: s, db: db, force: a.Force, absentIsFine: true, dry: a.DryRun, away: s.deferral(ctx, db, a.Spec().Name, a.Deferral, a.Force, a.DryRun)}
	r.run(ctx, lanes)
	outcomes, account := outcomesOf(lanes)
	return actions.UnloadImagesResult{Outcomes: outcomes, Account: account, DryRun: a.DryRun}, nil
}
