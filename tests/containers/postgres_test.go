package containers_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

const countTables = `SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace`

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func exec1(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

func query1[T any](t *testing.T, db *sql.DB, query string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&v))
	return v
}

func TestPostgres(t *testing.T) {
	one, two := open(t, containers.Postgres(t)), open(t, containers.Postgres(t))
	require.Zero(t, query1[int](t, one, countTables))
	exec1(t, one, `CREATE TABLE images (id int PRIMARY KEY)`)
	require.Equal(t, 2, query1[int](t, one, countTables), "a table and its index")
	require.Zero(t, query1[int](t, two, countTables), "databases of two tests must not share anything")
	require.Equal(t, "UTF8", query1[string](t, one, `SHOW server_encoding`))
	require.Equal(t, "É", query1[string](t, one, `SELECT upper('é')`))
}

func TestPostgresDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	watch := open(t, containers.Postgres(t))
	var name string
	t.Run("inner", func(t *testing.T) {
		dsn := containers.Postgres(t)
		name = query1[string](t, open(t, dsn), `SELECT current_database()`)
		forgotten, err := sql.Open("pgx", dsn)
		require.NoError(t, err)
		require.NoError(t, forgotten.PingContext(t.Context()), "an open connection must not prevent the drop")
	})
	require.Zero(t, query1[int](t, watch, `SELECT count(*) FROM pg_database WHERE datname = $1`, name))
}

func TestPostgresInParallel(t *testing.T) {
	t.Parallel()
	var migrations atomic.Int32
	migrate := func(context.Context, string) error { migrations.Add(1); return nil }
	t.Run("group", func(t *testing.T) {
		for range 20 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				exec1(t, open(t, containers.Postgres(t)), `CREATE TABLE images (id int)`)
				exec1(t, open(t, containers.PostgresTemplate(t, "parallel", migrate)), `CREATE TABLE images (id int)`)
			})
		}
	})
	if !t.Failed() {
		require.LessOrEqual(t, migrations.Load(), int32(1), "zero when there is no engine")
	}
}

func TestPostgresIsFast(t *testing.T) {
	if os.Getenv(containers.EnvPostgresDSN) != "" {
		t.Skip("a server named by the environment has its own settings")
	}
	t.Parallel()
	db := open(t, containers.Postgres(t))
	for setting, value := range map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300",
	} {
		require.Equal(t, value, query1[string](t, db, "SHOW "+setting), setting)
	}
}

func TestPostgresTemplate(t *testing.T) {
	name := "aliases-" + rand.Text() // go test -count runs this twice in one process
	migrations := 0
	migrate := func(ctx context.Context, dsn string) error {
		migrations++
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			return err
		}
		// Not closed on purpose: a forgotten connection must not make every later test fail.
		_, err = db.ExecContext(ctx, `CREATE TABLE aliases (name text); INSERT INTO aliases VALUES ('python')`)
		return err
	}
	one := open(t, containers.PostgresTemplate(t, name, migrate))
	two := open(t, containers.PostgresTemplate(t, name, migrate))
	require.Equal(t, 1, migrations)
	exec1(t, one, `DELETE FROM aliases`)
	require.Zero(t, query1[int](t, one, `SELECT count(*) FROM aliases`))
	require.Equal(t, 1, query1[int](t, two, `SELECT count(*) FROM aliases`), "copies must not share anything")

	other := open(t, containers.PostgresTemplate(t, "nothing", func(context.Context, string) error { return nil }))
	require.Zero(t, query1[int](t, other, countTables))
}

func BenchmarkPostgres(b *testing.B) {
	containers.Postgres(b)
	for b.Loop() {
		containers.Postgres(b)
	}
}
