package app

import (
	"context"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/repository"
)

// accessRows gives casbin the roles and bindings of a store.
type accessRows struct{ store repository.AccessReader }

// AccessRows is where an [rbac.Authorizer] reads the custom roles and bindings
// of a store, for those who wire one themselves. Without it they have no effect.
func AccessRows(store repository.AccessReader) rbac.Rows { return accessRows{store} }

func (r accessRows) Revision(ctx context.Context) (int64, error) { return r.store.PolicyRevision(ctx) }

func (r accessRows) Load(ctx context.Context) (rbac.Policy, error) {
	rows, err := r.store.PolicyRows(ctx)
	if err != nil {
		return rbac.Policy{}, err
	}
	return rbac.FromRows(rows), nil
}
