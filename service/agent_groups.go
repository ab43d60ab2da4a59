package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/repository"
)

// AllowScalingGroup lets a domain or a project use a scaling group.
func (s *AgentService) AllowScalingGroup(ctx context.Context, a actions.AllowScalingGroupAction) (actions.AllowScalingGroupResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.AllowScalingGroupAction) (res actions.AllowScalingGroupResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			res.Changed, err = tx.Tenancy.Allow(ctx, a.ScalingGroupGrant)
			return err
		})
		return res, err
	})
}

// DisallowScalingGroup takes AllowScalingGroup back.
func (s *AgentService) DisallowScalingGroup(ctx context.Context, a actions.DisallowScalingGroupAction) (actions.DisallowScalingGroupResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.DisallowScalingGroupAction) (res actions.DisallowScalingGroupResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			res.Changed, err = tx.Tenancy.Disallow(ctx, a.ScalingGroupGrant)
			return err
		})
		return res, err
	})
}

// ListScalingGroups returns a page of what may be used by whom.
func (s *AgentService) ListScalingGroups(ctx context.Context, a actions.ListScalingGroupsAction) (actions.ListScalingGroupsResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListScalingGroupsAction) (res actions.ListScalingGroupsResult, err error) {
		res.ScalingGroups, res.PageInfo, err = db.Read().Tenancy.List(ctx, a.Where, a.Page)
		return res, err
	})
}
