package bunstore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/repository/repositorytest"
)

func openSQLite(tb testing.TB) *bunstore.Store {
	tb.Helper()
	s, err := bunstore.OpenSQLite(tb.Context(), filepath.Join(tb.TempDir(), "wharf.db"))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	require.NoError(tb, s.Migrate(tb.Context()))
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
