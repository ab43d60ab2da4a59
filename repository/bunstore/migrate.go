package bunstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/wharf-project/wharf/domain"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationLock is the advisory lock of Postgres that migrating takes; the
// number only has to be nobody else's.
const migrationLock = 0x57686172

// Migrate brings the schema up to date. It may be called again, and by several
// processes at once: one works, the others wait for it. It all happens in one
// transaction, so a process that dies leaves neither half a schema nor a lock
// behind (bun/migrate's own lock is a row, which a dead process keeps).
func (s *Store) Migrate(ctx context.Context) (err error) {
	db, err := s.single()
	if err != nil {
		return err
	}
	defer db.Close()

	// The pool has one connection, so that this transaction holds everything
	// that the migrator does.
	begin := []string{"BEGIN IMMEDIATE"}
	if s.pg {
		begin = []string{"BEGIN", fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrationLock)}
	}
	for _, q := range begin {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return translate("migrate", err)
		}
	}
	if err := migrateIn(ctx, db, typesOf(s.pg)); err != nil {
		_, _ = db.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return translate("migrate", err)
	}
	if _, err := db.ExecContext(ctx, "COMMIT"); err != nil {
		return translate("migrate", err)
	}
	return nil
}

func migrateIn(ctx context.Context, db *bun.DB, types columnTypes) error {
	list := migrate.NewMigrations()
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return domain.Internal("migrate", err)
	}
	if err := list.Discover(dir); err != nil {
		return domain.Internal("migrate", err)
	}
	m := migrate.NewMigrator(db, list,
		migrate.WithTableName("wharf_migrations"), migrate.WithLocksTableName("wharf_migration_locks"),
		migrate.WithMarkAppliedOnSuccess(true), migrate.WithTemplateData(types))
	if err := m.Init(ctx); err != nil {
		return err
	}
	_, err = m.Migrate(ctx)
	return err
}
