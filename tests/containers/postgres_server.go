package containers

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// PostgresServer starts a Postgres for one test, to be killed and started again, and returns the DSN of an empty
// database in it. What was committed survives a kill, though not one of the machine.
func PostgresServer(tb testing.TB) (s *Server, dsn string) {
	tb.Helper()
	password := rand.Text()
	at := func(address string) string {
		return fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", password, address)
	}
	s = startServer(tb, postgresImage, postgresPort, func(s *Server) []testcontainers.ContainerCustomizer {
		return []testcontainers.ContainerCustomizer{
			testcontainers.WithEnv(map[string]string{
				"POSTGRES_PASSWORD":    password,
				"POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C.UTF-8 --no-sync",
			}),
			// The kernel has what the server wrote, so fsync is not needed. A commit that is not written is lost.
			testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "synchronous_commit=on", "-c", "max_connections=200"),
			testcontainers.WithWaitStrategy(wait.ForSQL(postgresPort, "pgx", func(string, network.Port) string { return at(s.Address) }).
				WithPollInterval(50 * time.Millisecond).WithStartupTimeout(startTimeout)),
		}
	})
	return s, at(s.Address)
}
