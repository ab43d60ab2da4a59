package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

// The catalogue that pages are read from: every image has an alias and agents.
const (
	apiImages = 5000
	apiAgents = 20
	apiHeld   = 500 // images of each agent
)

var apiRoot = domain.Actor{ID: "root", Role: domain.RoleSuperadmin}

// apiCatalogue returns the DSN of a database with the catalogue, with
// statistics.
func apiCatalogue(tb testing.TB) string {
	tb.Helper()
	return containers.PostgresTemplate(tb, "api", func(ctx context.Context, dsn string) error {
		s, err := bunstore.OpenPostgres(ctx, dsn)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Migrate(ctx); err != nil {
			return err
		}
		unit := repository.Unit{Now: time.Now(), Scope: domain.Scope{Reach: domain.ReachAny, Actor: apiRoot}}
		if err := s.Admin(unit).InTx(ctx, fillAPI); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, "VACUUM ANALYZE")
		return err
	})
}

func fillAPI(ctx context.Context, tx repository.AdminView) error {
	reg := domain.Registry{ID: domain.NewID[domain.RegistryID](), Name: "cr.example.org", Type: domain.RegistryOCI, IsGlobal: true}
	if err := tx.Registries.Create(ctx, reg); err != nil {
		return err
	}
	published, images := kernels.Legal(), make([]domain.Image, apiImages)
	for i := range images {
		k := published[i%len(published)]
		img := domain.Image{
			RegistryID: reg.ID, Registry: reg.Name, Project: "stable", Name: k.Repository, Tag: fmt.Sprintf("%s-b%d", k.Tag, i/len(published)),
			Architecture: "x86_64", Labels: k.Labels, SizeBytes: int64(i) << 20,
		}
		img.TagDigest, img.ManifestDigest, img.ConfigDigest = porttest.DigestOf("t", img.Tag), porttest.DigestOf("m", img.Tag), porttest.DigestOf(img.Canonical())
		img.Derive()
		images[i] = img
	}
	synced, err := tx.Images.Sync(ctx, images)
	if err != nil {
		return err
	}
	for i, one := range synced {
		if _, err := tx.Aliases.Create(ctx, fmt.Sprintf("alias-%d", i), one.Image.ID); err != nil {
			return err
		}
	}
	for i := range apiAgents {
		id := nodeID(i)
		if err := tx.Agents.Create(ctx, domain.Agent{
			ID: id, Kind: domain.AgentDocker, Address: "10.0.0.1", ScalingGroup: "default", Architecture: "x86_64", Status: domain.AgentOnline,
		}); err != nil {
			return err
		}
		held := make([]domain.InventoryImage, apiHeld)
		for j := range held {
			img := images[(i*apiHeld+j)%apiImages]
			held[j] = domain.InventoryImage{Canonical: img.Canonical(), Architecture: img.Architecture, Digest: img.ConfigDigest, SizeBytes: img.SizeBytes}
		}
		if err := tx.Agents.Hold(ctx, id, held); err != nil {
			return err
		}
	}
	return nil
}

// rootKey makes an API key of a superadmin.
func rootKey(tb testing.TB, a *app.App) string {
	tb.Helper()
	made, err := a.CreateKey(domain.WithActor(tb.Context(), apiRoot), actions.CreateKeyAction{Name: "bench"})
	require.NoError(tb, err)
	return string(made.Secret)
}

// startServer serves an installation on a port of the loopback interface, with
// nothing limited, and returns its URL.
func startServer(tb testing.TB, cfg app.Config) string {
	tb.Helper()
	cfg.Service.Limiter = service.NewLimiter(nil, nil)
	ctx, stop := context.WithCancel(context.Background())
	ready, ran := make(chan string, 1), make(chan error, 1)
	go func() {
		ran <- app.Serve(ctx, cfg, app.ServerConfig{Listen: "127.0.0.1:0", Ready: func(url, _ string) { ready <- url }})
	}()
	select {
	case url := <-ready:
		tb.Cleanup(func() {
			stop()
			require.NoError(tb, <-ran)
		})
		return url
	case err := <-ran:
		stop()
		require.NoError(tb, err, "the server ended")
		return ""
	}
}
