package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// RegistryService is the room of registries and scans.
type RegistryService struct {
	door    *door
	names   names
	clients *clients
	fleet   Fleet
	tasks   *TaskService
}

// CreateRegistry registers a source of images. Errors: invalid, conflict for a
// host and project that are registered, precondition for a type that nothing
// here speaks.
func (s *RegistryService) CreateRegistry(ctx context.Context, a actions.CreateRegistryAction) (actions.CreateRegistryResult, error) {
	return admin(ctx, s.door, a, s.createRegistry)
}

// ModifyRegistry changes a registry. Errors: not_found, invalid.
func (s *RegistryService) ModifyRegistry(ctx context.Context, a actions.ModifyRegistryAction) (actions.ModifyRegistryResult, error) {
	return admin(ctx, s.door, a, s.modifyRegistry)
}

// DeleteRegistry removes a registry. Errors: not_found, precondition while the
// catalogue has images of it.
func (s *RegistryService) DeleteRegistry(ctx context.Context, a actions.DeleteRegistryAction) (actions.DeleteRegistryResult, error) {
	return admin(ctx, s.door, a, s.deleteRegistry)
}

// ListRegistries returns a page of registries.
func (s *RegistryService) ListRegistries(ctx context.Context, a actions.ListRegistriesAction) (actions.ListRegistriesResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListRegistriesAction) (res actions.ListRegistriesResult, err error) {
		res.Registries, res.PageInfo, err = db.Read().Registries.List(ctx, a.Where, a.Page)
		return res, err
	})
}

func (s *RegistryService) createRegistry(ctx context.Context, db repository.Admin, a actions.CreateRegistryAction) (res actions.CreateRegistryResult, err error) {
	row := a.Registry()
	row.ID = domain.NewID[domain.RegistryID]()
	if row.Name, err = domain.NormalizeRegistryHost(row.Name); err != nil {
		return res, err
	}
	if err := s.clients.speaks(row.Type); err != nil {
		return res, err
	}
	if row, err = s.clients.sealed(row); err != nil {
		return res, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		if err := tx.Registries.Create(ctx, row); err != nil {
			return err
		}
		res.Registry, err = tx.Registries.Get(ctx, row.ID)
		return err
	})
	return res, err
}

func (s *RegistryService) modifyRegistry(ctx context.Context, db repository.Admin, a actions.ModifyRegistryAction) (res actions.ModifyRegistryResult, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		row, err := tx.Registries.Get(ctx, a.RegistryID)
		if err != nil {
			return err
		}
		if err := atRevision(a.Revision, row.Revision, row.String()); err != nil {
			return err
		}
		a.URL.Apply(&row.URL)
		a.Type.Apply(&row.Type)
		a.IsGlobal.Apply(&row.IsGlobal)
		a.TLSSkipVerify.Apply(&row.TLSSkipVerify)
		a.TokenRealms.Apply(&row.TokenRealms)
		a.PrivateNetwork.Apply(&row.PrivateNetwork)
		if err := s.credentials(&row, a); err != nil {
			return err
		}
		if err := row.Check(); err != nil {
			return err
		}
		if err := s.clients.speaks(row.Type); err != nil {
			return err
		}
		res.Registry, err = tx.Registries.Save(ctx, row)
		return err
	})
	return res, err
}

// credentials changes username and password; a password without a user is no
// credential.
func (s *RegistryService) credentials(row *domain.Registry, a actions.ModifyRegistryAction) error {
	a.Username.Apply(&row.Username)
	if row.Username == "" {
		row.Password = ""
	}
	if a.Password.IsZero() {
		return nil
	}
	plain := *row
	a.Password.Apply(&plain.Password)
	sealed, err := s.clients.sealed(plain)
	row.Password = sealed.Password
	return err
}

func (s *RegistryService) deleteRegistry(ctx context.Context, db repository.Admin, a actions.DeleteRegistryAction) (res actions.DeleteRegistryResult, err error) {
	res.DryRun = a.DryRun
	if a.DryRun {
		if res.Registry, err = db.Read().Registries.Get(ctx, a.RegistryID); err != nil {
			return res, err
		}
		res.Images, err = db.Read().Images.CountOf(ctx, a.RegistryID)
		return res, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		if res.Registry, err = tx.Registries.Get(ctx, a.RegistryID); err != nil {
			return err
		}
		return tx.Registries.Delete(ctx, a.RegistryID)
	})
	return res, err
}

// ClearImages forgets every image of a registry. Errors: not_found.
func (s *RegistryService) ClearImages(ctx context.Context, a actions.ClearImagesAction) (actions.ClearImagesResult, error) {
	return admin(ctx, s.door, a, s.clearImages)
}

func (s *RegistryService) clearImages(ctx context.Context, db repository.Admin, a actions.ClearImagesAction) (actions.ClearImagesResult, error) {
	res := actions.ClearImagesResult{DryRun: a.DryRun}
	rows, err := s.registriesNamed(ctx, db, a.Registry, a.Project)
	if err != nil {
		return res, err
	}
	if a.DryRun {
		for _, row := range rows {
			n, err := db.Read().Images.CountOf(ctx, row.ID, domain.ImageAlive, domain.ImageMissing)
			if err != nil {
				return res, err
			}
			res.Cleared += n
		}
		return res, nil
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		res.Cleared = 0
		for _, row := range rows {
			ids, err := tx.Images.Clear(ctx, row.ID)
			if err != nil {
				return err
			}
			res.Cleared += len(ids)
		}
		return nil
	})
	return res, err
}
