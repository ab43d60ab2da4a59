package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/repository"
)

// AllowRegistry makes a registry's images visible in a domain. Errors:
// not_found.
func (s *RegistryService) AllowRegistry(ctx context.Context, a actions.AllowRegistryAction) (actions.AllowRegistryResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.AllowRegistryAction) (res actions.AllowRegistryResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			res.Changed, err = tx.Registries.Allow(ctx, a.RegistryID, a.Domain)
			return err
		})
		return res, err
	})
}

// DisallowRegistry hides a registry's images from a domain. Errors: not_found.
func (s *RegistryService) DisallowRegistry(ctx context.Context, a actions.DisallowRegistryAction) (actions.DisallowRegistryResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.DisallowRegistryAction) (res actions.DisallowRegistryResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			res.Changed, err = tx.Registries.Disallow(ctx, a.RegistryID, a.Domain)
			return err
		})
		return res, err
	})
}

// AssociateRegistry opens a registry that is not global to a project. Errors:
// not_found.
func (s *RegistryService) AssociateRegistry(ctx context.Context, a actions.AssociateRegistryAction) (actions.AssociateRegistryResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.AssociateRegistryAction) (res actions.AssociateRegistryResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			res.Changed, err = tx.Registries.Associate(ctx, a.RegistryID, a.Project)
			return err
		})
		return res, err
	})
}

// DisassociateRegistry closes a registry that is not global to a project.
// Errors: not_found.
func (s *RegistryService) DisassociateRegistry(ctx context.Context, a actions.DisassociateRegistryAction) (actions.DisassociateRegistryResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.DisassociateRegistryAction) (res actions.DisassociateRegistryResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			res.Changed, err = tx.Registries.Disassociate(ctx, a.RegistryID, a.Project)
			return err
		})
		return res, err
	})
}
