package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// GetRegistryCredential tells the credentials of a registry: those of the whole
// host before those of a project. Errors: not_found; precondition, reason
// credential_missing, for one that is used without.
func (s *RegistryService) GetRegistryCredential(ctx context.Context, a actions.GetRegistryCredentialAction) (actions.GetRegistryCredentialResult, error) {
	return admin(ctx, s.door, a, func(ctx context.Context, db repository.Admin, a actions.GetRegistryCredentialAction) (res actions.GetRegistryCredentialResult, err error) {
		rows, err := s.registriesNamed(ctx, db, a.Registry, nil)
		if err != nil {
			return res, err
		}
		for _, row := range rows { // by project
			if row.Username == "" {
				continue
			}
			// The transaction puts it into the trail, or nothing is told.
			err := db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
				row, err = tx.Registries.Get(ctx, row.ID)
				return err
			})
			if err != nil {
				return res, err
			}
			if row, err = s.clients.unsealed(row); err != nil {
				return res, err
			}
			return actions.GetRegistryCredentialResult{Registry: row.Name, Username: row.Username, Secret: domain.ToldSecret(row.Password.Reveal())}, nil
		}
		return res, domain.Errorf(domain.CodePrecondition, "credential_missing", a.Registry, "the registry %s is used without credentials", domain.Quote(a.Registry))
	})
}
