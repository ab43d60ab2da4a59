package bench_test

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// definitions tells how to drop what makes loading slow, and how to make it
// again: foreign keys, then keys, then indexes of their own.
const definitions = `
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname),
	format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)),
	CASE c.contype WHEN 'f' THEN 1 ELSE 2 END AS step
FROM pg_constraint AS c WHERE c.contype IN ('f', 'p', 'u') AND c.connamespace = 'public'::regnamespace
UNION ALL
SELECT format('DROP INDEX %I', i.indexname), i.indexdef, 3
FROM pg_indexes AS i
WHERE i.schemaname = 'public' AND i.indexname NOT IN (SELECT c.conname FROM pg_constraint AS c)
ORDER BY 3`

// bare runs load while the tables have neither indexes nor foreign keys, and
// then makes them again: a fifth of the time of keeping them.
func bare(ctx context.Context, dsn string, load func() error) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, definitions)
	if err != nil {
		return err
	}
	type definition struct {
		Drop, Make string
		Step       int
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[definition])
	if err != nil {
		return err
	}
	for _, d := range all {
		if _, err := conn.Exec(ctx, d.Drop); err != nil {
			return err
		}
	}
	if err := load(); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SET maintenance_work_mem = '256MB'"); err != nil {
		return err
	}
	slices.Reverse(all)
	for _, d := range all {
		if _, err := conn.Exec(ctx, d.Make); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}
