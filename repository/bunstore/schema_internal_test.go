package bunstore

import (
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

func TestMain(m *testing.M) { os.Exit(containers.Main(m)) }

// columnsOf is the schema as the database tells it: column -> "type notnull".
func columnsOf(t *testing.T, s *Store, table string) map[string]string {
	t.Helper()
	var rows []struct {
		Name string `bun:"name"`
		Type string `bun:"type"`
		Null bool   `bun:"nullable"`
	}
	query := `SELECT name, type, "notnull" = 0 AND pk = 0 AS nullable FROM pragma_table_info(?)`
	if s.pg {
		query = `SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = ?`
	}
	require.NoError(t, s.read.NewRaw(query, table).Scan(t.Context(), &rows))
	out := map[string]string{}
	for _, r := range rows {
		require.False(t, r.Null, "%s.%s can be NULL", table, r.Name)
		out[r.Name] = r.Type
	}
	return out
}

func TestBothSchemasEqualTheModels(t *testing.T) {
	t.Parallel()
	kinds := map[string]map[string][]string{ // Go kind -> engine -> types
		"string":    {"sqlite": {"TEXT"}, "pg": {"text", "jsonb"}},
		"int64":     {"sqlite": {"BIGINT", "INTEGER"}, "pg": {"bigint"}},
		"bool":      {"sqlite": {"BOOLEAN"}, "pg": {"boolean"}},
		"time.Time": {"sqlite": {"TIMESTAMP"}, "pg": {"timestamp with time zone"}},
	}
	for engine, dsn := range map[string]func(testing.TB) string{
		"sqlite": func(tb testing.TB) string { return "sqlite:" + tb.TempDir() + "/wharf.db" },
		"pg":     containers.Postgres,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), dsn(t))
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Migrate(t.Context()))
			for _, model := range models() {
				table := s.read.Table(reflect.TypeOf(model).Elem())
				have := columnsOf(t, s, table.Name)
				for _, f := range table.Fields {
					require.Contains(t, have, f.Name, table.Name)
					require.True(t, slices.Contains(kinds[f.StructField.Type.String()][engine], have[f.Name]),
						"%s.%s is %s, the model has %s", table.Name, f.Name, have[f.Name], f.StructField.Type)
					delete(have, f.Name)
				}
				require.Empty(t, have, "columns of %s that no model has", table.Name)
				for _, pk := range table.PKs {
					require.NotEmpty(t, pk.Name)
				}
				require.NotEmpty(t, table.PKs, "%s has no primary key in its model", table.Name)
			}
		})
	}
}
