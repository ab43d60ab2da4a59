package bunstore_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// counter counts statements.
type counter struct{ n atomic.Int64 }

func (c *counter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	c.n.Add(1)
	return ctx
}
func (*counter) AfterQuery(context.Context, *bun.QueryEvent) {}

func TestAPageOfImagesCostsAtMostFourStatementsWhateverItsSize(t *testing.T) {
	t.Parallel()
	st := openSQLite(t)
	root := repository.Unit{Now: time.Now(), Scope: domain.Scope{Reach: domain.ReachAny, Actor: domain.Actor{ID: "root"}}}
	reg := domain.Registry{ID: domain.NewID[domain.RegistryID](), Name: "cr.example.org", Type: domain.RegistryOCI, IsGlobal: true}
	var images []domain.Image
	for i := range 300 {
		images = append(images, domain.Image{RegistryID: reg.ID, Registry: reg.Name, Name: fmt.Sprintf("img%03d", i), Tag: "1", Architecture: "x86_64"})
	}
	require.NoError(t, st.Admin(root).InTx(t.Context(), func(ctx context.Context, tx repository.AdminView) error {
		require.NoError(t, tx.Registries.Create(ctx, reg))
		_, err := tx.Registries.Allow(ctx, reg.ID, "d")
		require.NoError(t, err)
		_, err = tx.Tenancy.Allow(ctx, domain.ScalingGroupGrant{ScalingGroup: "g", Domain: "d", Project: "p"})
		require.NoError(t, err)
		require.NoError(t, tx.Agents.Create(ctx, domain.Agent{ID: "a", Kind: "k", Address: "x", ScalingGroup: "g", Architecture: "x86_64", Status: domain.AgentOnline}))
		synced, err := tx.Images.Sync(ctx, images)
		require.NoError(t, err)
		for i, one := range synced {
			_, err := tx.Aliases.Create(ctx, fmt.Sprintf("alias%d", i), one.Image.ID)
			require.NoError(t, err)
			require.NoError(t, tx.Agents.Hold(ctx, "a", []domain.InventoryImage{{Canonical: one.Image.Canonical(), Architecture: "x86_64"}}))
		}
		return nil
	}))
	var c counter
	st.AddQueryHook(&c)
	group, installed := "p", true
	user := repository.Unit{Now: time.Now(), Scope: domain.Scope{Reach: domain.ReachVisible, Actor: domain.Actor{ID: "u", Domain: "d", Projects: []string{"p"}}}}
	query := domain.ImageQuery{Group: &group, IsInstalled: &installed, Where: domain.Where("name", domain.Prefix, "img")}
	for _, limit := range []int{1, 50, 300} {
		c.n.Store(0)
		list, _, err := st.Scoped(user).Read().Images.List(t.Context(), query, domain.Page{Limit: limit, Count: true})
		require.NoError(t, err)
		require.Len(t, list, limit)
		require.Len(t, list[0].Aliases, 1)
		require.Equal(t, 1, list[0].InstalledCount)
		require.LessOrEqual(t, c.n.Load(), int64(4), "limit %d", limit)
	}
}
