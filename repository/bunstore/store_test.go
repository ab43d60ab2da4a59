package bunstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/repository/repositorytest"
)

// migrated is an empty database file, made once: copying it is cheaper than
// migrating.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "wharf-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "wharf.db")
	s, err := bunstore.OpenSQLite(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(context.Background()), s.Close()); err != nil { // closing folds the log into the file
		return nil, err
	}
	return os.ReadFile(path)
})

func openSQLite(tb testing.TB) *bunstore.Store {
	tb.Helper()
	empty, err := migrated()
	require.NoError(tb, err)
	path := filepath.Join(tb.TempDir(), "wharf.db")
	require.NoError(tb, os.WriteFile(path, empty, 0o600))
	s, err := bunstore.OpenSQLite(tb.Context(), path)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	repositorytest.Run(t, repositorytest.Harness{New: func(tb testing.TB) repository.Store { return openSQLite(tb) }})
}

var (
	everyImage domain.ImageQuery
	onePage    domain.Page
)
