package containers

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

const (
	postgresPort     = "5432/tcp"
	statementTimeout = 60 * time.Second
	migrateTimeout   = 2 * time.Minute
)

// postgres is the one server of this process.
type postgres struct {
	dsn string // of a role that may create databases
	db  *sql.DB
}

var (
	thePostgres lazy[*postgres]

	templatesMu sync.Mutex
	templates   = map[string]*lazy[string]{}
)

// Postgres returns the DSN of a fresh and empty database, which is dropped when the test ends. All tests of a process
// share one server (see [EnvPostgresDSN]), so this takes milliseconds after the first call.
func Postgres(tb testing.TB) (dsn string) {
	tb.Helper()
	srv := postgresServer(tb)
	// template0 is empty whatever was done to template1, and nobody can be connected to it.
	return srv.fresh(tb, "template0")
}

// PostgresTemplate is like [Postgres] for a database that migrate has already prepared. Migrate runs once per process
// and name; each test gets a copy of its result. It must close its connections, and belong to that name only.
func PostgresTemplate(tb testing.TB, name string, migrate func(ctx context.Context, dsn string) error) (dsn string) {
	tb.Helper()
	srv := postgresServer(tb)
	templatesMu.Lock()
	template, ok := templates[name]
	if !ok {
		template = new(lazy[string])
		templates[name] = template
	}
	templatesMu.Unlock()
	db, err := template.get(func() (string, error) { return srv.template(migrate) })
	if err != nil {
		tb.Fatalf("containers: template %s: %v", name, err)
	}
	return srv.fresh(tb, db)
}

func postgresServer(tb testing.TB) *postgres {
	tb.Helper()
	srv, err := thePostgres.get(func() (*postgres, error) {
		if dsn := os.Getenv(EnvPostgresDSN); dsn != "" {
			return openPostgres(dsn)
		}
		return startPostgres(tb.Logf)
	})
	if err != nil {
		giveUp(tb, err)
	}
	return srv
}

func openPostgres(dsn string) (*postgres, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, fmt.Errorf("containers: opening Postgres: %w", err)
	}
	db.SetMaxOpenConns(4)
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("containers: connecting to Postgres: %w", err), db.Close())
	}
	atExit(db.Close)
	return &postgres{dsn: dsn, db: db}, nil
}

func startPostgres(progress Progress) (*postgres, error) {
	// The port is open to the network of the machine, hence a password nobody can guess.
	password := rand.Text()
	dsn := func(host string, port network.Port) string {
		return fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", password,
			net.JoinHostPort(loopback(host), port.Port()))
	}
	c, err := start(postgresImage, progress,
		testcontainers.WithEnv(map[string]string{
			"POSTGRES_PASSWORD":    password,
			"POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C.UTF-8 --no-sync",
			"PGDATA":               "/memory/data",
		}),
		// A database is some 300 files: on a disk CREATE DATABASE takes ten times as long. A folder in the mount,
		// and not the mount itself, so that it belongs to whatever user the image runs the server as.
		testcontainers.WithTmpfs(map[string]string{"/memory": "rw"}),
		// Durability is not tested here, so it is not paid for.
		testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "synchronous_commit=off",
			"-c", "full_page_writes=off", "-c", "max_wal_size=256MB", "-c", "max_connections=300"),
		testcontainers.WithExposedPorts(postgresPort),
		// Over TCP: while it initialises itself the official image answers on its Unix socket only.
		testcontainers.WithWaitStrategy(wait.ForSQL(postgresPort, "pgx", dsn).
			WithPollInterval(50*time.Millisecond).WithStartupTimeout(startTimeout)),
	)
	if err != nil {
		return nil, err
	}
	atExit(func() error { return terminate(c) })
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	host, err := c.Host(ctx)
	if err != nil {
		return nil, fmt.Errorf("containers: address of Postgres: %w", err)
	}
	port, err := c.MappedPort(ctx, postgresPort)
	if err != nil {
		return nil, fmt.Errorf("containers: port of Postgres: %w", err)
	}
	return openPostgres(dsn(host, port))
}

// fresh copies a database for one test.
func (p *postgres) fresh(tb testing.TB, template string) (dsn string) {
	tb.Helper()
	name := randomName("wharf_test_")
	if err := p.exec("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		tb.Fatalf("containers: creating a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := p.drop(name); err != nil {
			tb.Logf("containers: dropping a database: %v", err)
		}
	})
	return withDatabase(p.dsn, name)
}

// template makes a database that later ones are copied from, and returns its name.
func (p *postgres) template(migrate func(ctx context.Context, dsn string) error) (string, error) {
	name := randomName("wharf_template_")
	if err := p.exec("CREATE DATABASE " + name + " TEMPLATE template0"); err != nil {
		return "", err
	}
	atExit(func() error { return p.drop(name) })
	ctx, cancel := context.WithTimeout(context.Background(), migrateTimeout)
	defer cancel()
	if err := migrate(ctx, withDatabase(p.dsn, name)); err != nil {
		return "", fmt.Errorf("migrating: %w", err)
	}
	// A database in use cannot be copied; this turns a connection that migrate forgot into its own problem.
	err := p.exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	if err == nil {
		err = p.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	}
	return name, err
}

func (p *postgres) drop(name string) error {
	return p.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
}

func (p *postgres) exec(query string) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	_, err := p.db.ExecContext(ctx, query)
	return err
}

// randomName returns a name that needs no quotes.
func randomName(prefix string) string {
	return prefix + strings.ToLower(rand.Text()[:16])
}

// withDatabase returns a DSN, in either of the two notations, for another database of the same server.
func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return dsn + " dbname=" + name // of two settings the later wins
	}
	u.Path = "/" + name
	query := u.Query()
	query.Del("dbname")
	query.Del("database")
	u.RawQuery = query.Encode()
	return u.String()
}

// loopback avoids the name that some machines resolve to ::1, where the engine may not listen.
func loopback(host string) string {
	if host == "localhost" {
		return "127.0.0.1"
	}
	return host
}
