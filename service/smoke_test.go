package service_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
)

type allow struct{}

func (allow) Authorize(context.Context, domain.Actor, string) (domain.Grant, error) {
	return domain.Grant{Reach: domain.ReachAny}, nil
}

func TestSmoke(t *testing.T) {
	ctx := t.Context()
	st, err := bunstore.Open(ctx, filepath.Join(t.TempDir(), "x.db"))
	require.NoError(t, err)
	defer st.Close()
	require.NoError(t, st.Migrate(ctx))
	require.NoError(t, st.Migrate(ctx))
	adm := st.Admin(repository.Unit{Now: time.Now(), Scope: domain.Scope{Reach: domain.ReachAny}})
	reg := domain.Registry{ID: domain.NewID[domain.RegistryID](), Name: "docker.io", Type: "oci", IsGlobal: true}
	require.NoError(t, adm.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		if err := tx.Registries.Create(ctx, reg); err != nil {
			return err
		}
		out, err := tx.Images.Sync(ctx, []domain.Image{{RegistryID: reg.ID, Registry: "docker.io", Name: "library/app", Tag: "old", Architecture: "x86_64", Labels: map[string]string{"a": "b%_"}}})
		t.Log(out)
		return err
	}))
	svc, err := service.New(service.Config{Store: st, Authorizer: allow{}})
	require.NoError(t, err)
	ctx = domain.WithActor(ctx, domain.Actor{ID: "root", Role: "superadmin"})
	res, err := svc.ForgetImage(ctx, actions.ForgetImageAction{Reference: "app:old"})
	require.NoError(t, err)
	require.True(t, res.Changed)
	l, err := svc.ListImages(ctx, actions.ListImagesAction{ImageQuery: domain.ImageQuery{Statuses: domain.ImageStatuses(), Where: domain.Where("label.a", domain.Contains, "%")}, Page: domain.Page{Count: true}})
	require.NoError(t, err)
	require.Len(t, l.Images, 1)
	g, err := svc.GetImage(ctx, actions.GetImageAction{Reference: "app:old", Statuses: domain.ImageStatuses()})
	require.NoError(t, err)
	t.Log(g)
	_, err = svc.GetImage(ctx, actions.GetImageAction{Reference: "app:old"})
	t.Log(err)
	require.ErrorIs(t, err, domain.ErrNotFound)
}
