package bunstore_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/repository/repositorytest"
	"github.com/wharf-project/wharf/tests/containers"
)

func migratePostgres(ctx context.Context, dsn string) error {
	s, err := bunstore.OpenPostgres(ctx, dsn)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

func openPostgres(tb testing.TB) *bunstore.Store {
	tb.Helper()
	s, err := bunstore.OpenPostgres(tb.Context(), containers.PostgresTemplate(tb, "bunstore", migratePostgres))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

func TestPostgresKeepsTheContract(t *testing.T) {
	t.Parallel()
	repositorytest.Run(t, repositorytest.Harness{New: func(tb testing.TB) repository.Store { return openPostgres(tb) }})
}

func TestMigratingTwiceAndTogetherIsFine(t *testing.T) {
	t.Parallel()
	engines := map[string]func(testing.TB) string{
		"SQLite":   func(tb testing.TB) string { return "sqlite:" + tb.TempDir() + "/wharf.db" },
		"Postgres": containers.Postgres,
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := engine(t)
			var wg sync.WaitGroup
			for range 4 { // as four processes would: each with connections of its own
				wg.Go(func() {
					s, err := bunstore.Open(t.Context(), dsn)
					if err == nil {
						err = s.Migrate(t.Context())
						_ = s.Close()
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s, err := bunstore.Open(t.Context(), dsn)
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Migrate(t.Context()))
			_, _, err = s.Admin(repository.Unit{}).Read().Images.List(t.Context(), everyImage, onePage)
			require.NoError(t, err)
		})
	}
}
