package bunstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/wharf-project/wharf/domain"
)

// Store keeps the catalogue. It is safe for concurrent use.
type Store struct {
	write *bun.DB
	read  *bun.DB // Postgres: the same; SQLite: connections that cannot write
	pg    bool
	// single opens one fresh connection, for migrations.
	single func() (*bun.DB, error)
}

// Open opens a store by URL: postgres://… for Postgres, sqlite:PATH or a plain
// path for SQLite. It does not migrate (see Migrate). Errors: invalid for a URL
// of another kind, unavailable when the database does not answer.
func Open(ctx context.Context, dsn string) (*Store, error) {
	switch scheme, rest, _ := strings.Cut(dsn, ":"); {
	case scheme == "postgres" || scheme == "postgresql":
		return OpenPostgres(ctx, dsn)
	case scheme == "sqlite":
		return OpenSQLite(ctx, strings.TrimPrefix(rest, "//"))
	case dsn != "" && !strings.Contains(dsn, "://"):
		return OpenSQLite(ctx, dsn)
	}
	return nil, domain.Invalid("database_url_invalid", "database", "a database is postgres://… or sqlite:PATH")
}

// OpenPostgres opens a pool of at most 32 connections. bun writes arguments into the SQL, so that
// prepared statements would never be used twice: the simple protocol is the
// faster one.
func OpenPostgres(ctx context.Context, dsn string) (*Store, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, &domain.Error{Code: domain.CodeInvalid, Reason: "database_url_invalid", On: "database", Message: "not a Postgres URL", Err: err}
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	open := func(c driver.Connector, conns int) *bun.DB {
		db := sql.OpenDB(c)
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return bun.NewDB(db, pgdialect.New())
	}
	migrating := stdlib.GetConnector(*cfg) // may wait for others, and rewrite tables
	db := open(stdlib.GetConnector(*patient(cfg), stdlib.OptionShouldPing(pinged), stdlib.OptionAfterConnect(tidy)), 32)
	s := &Store{write: db, read: db, pg: true, single: func() (*bun.DB, error) { return open(pinnedConnector{migrating}, 1), nil }}
	return s, s.ping(ctx)
}

// pinnedConnector makes connections that go back to the pool with their
// transaction open, where pgx would throw them away: migrating needs that.
type pinnedConnector struct{ driver.Connector }

func (p pinnedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if conn, ok := c.(*stdlib.Conn); ok {
		return pinnedConn{conn}, err
	}
	return c, err
}

type pinnedConn struct{ *stdlib.Conn }

func (pinnedConn) ResetSession(context.Context) error { return nil }

// OpenSQLite opens, and makes if needed, a database file. One connection
// writes, others read: SQLite has one writer anyway, and this way nobody meets
// a busy database.
func OpenSQLite(ctx context.Context, path string) (*Store, error) {
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, domain.Invalid("database_url_invalid", "database", "SQLite needs the path of a file")
	}
	open := func(conns int, pragmas ...string) (*bun.DB, error) {
		q := url.Values{"_pragma": append(pragmas, "busy_timeout(10000)", "foreign_keys(1)", "synchronous(NORMAL)", "temp_store(MEMORY)")}
		q.Set("_txlock", "immediate")
		db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
		if err != nil {
			return nil, domain.Internal("open", err)
		}
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return bun.NewDB(db, sqlitedialect.New()), nil
	}
	s := &Store{single: func() (*bun.DB, error) { return open(1, "journal_mode(WAL)") }}
	var err error
	if s.write, err = s.single(); err != nil {
		return nil, err
	}
	if err := s.write.PingContext(ctx); err != nil { // makes the file, so that readers find it
		return nil, translate("open", err)
	}
	if s.read, err = open(8, "query_only(1)"); err != nil {
		return nil, err
	}
	return s, s.ping(ctx)
}

func (s *Store) ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return &domain.Error{Code: domain.CodeUnavailable, Reason: "database_unavailable", Op: "open", Message: "the database does not answer", Err: err}
	}
	return nil
}

// AddQueryHook has a hook see every statement, for tracing and counting. It is
// not safe to call while the store is in use.
func (s *Store) AddQueryHook(h bun.QueryHook) {
	same := s.read == s.write
	s.write, s.read = s.write.WithQueryHook(h), s.read.WithQueryHook(h)
	if same {
		s.read = s.write
	}
}

// Close closes all connections. Calls after it are unavailable.
func (s *Store) Close() error {
	if s.read != s.write {
		_ = s.read.Close()
	}
	return s.write.Close()
}
