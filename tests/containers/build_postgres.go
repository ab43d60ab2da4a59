package containers

import (
	"context"
	"errors"
	"path"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// postgresUser is the user and group id that the official image gives to postgres.
const postgresUser = 999

// postgresEntrypoint does what the official image's does, as far as tests rely on it. The image has a shell but none
// of the usual tools.
const postgresEntrypoint = `#!/bin/sh
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  printf '%s\n' "$POSTGRES_PASSWORD" |
    initdb --username=postgres --pwfile=/dev/stdin --auth-local=trust --auth-host=scram-sha-256 \
      ${POSTGRES_INITDB_ARGS:-}
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
fi
exec "$@"
`

var postgresPackage = regexp.MustCompile(`^(postgresql(-client)?-\d+|dash|tzdata)$`)

// buildPostgres makes a Postgres image from Debian's packages, in the version that this machine's release has.
func buildPostgres(ctx context.Context, dir string, progress Progress) (v1.Image, error) {
	fs, err := debianRootFS(ctx, dir, progress, postgresPackage.MatchString, "postgresql", "dash", "tzdata", "libc-bin")
	if err != nil {
		return nil, err
	}
	bin := ""
	for name := range fs.seen {
		if ok, _ := path.Match("usr/lib/postgresql/*/bin/postgres", name); ok {
			bin = "/" + path.Dir(name)
		}
	}
	if bin == "" {
		return nil, errors.New("the packages hold no postgres")
	}
	err = errors.Join(
		fs.symlink("usr/bin/sh", "dash"),
		fs.text("etc/passwd", 0o644, "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n"),
		fs.text("etc/group", 0o644, "root:x:0:\npostgres:x:999:\n"),
		fs.directory("run/postgresql", 0o2775, postgresUser), // of its Unix socket; without it the server does not start
		fs.directory("var/lib/postgresql", 0o755, postgresUser),
		fs.directory("var/lib/postgresql/data", 0o700, postgresUser),
		fs.text("usr/local/bin/docker-entrypoint.sh", 0o755, postgresEntrypoint),
	)
	if err != nil {
		return nil, err
	}
	return fs.image(v1.Config{
		User:         "postgres",
		Env:          []string{"PATH=" + bin + ":/usr/local/bin:/usr/bin", "PGDATA=/var/lib/postgresql/data", "LANG=C.UTF-8"},
		Entrypoint:   []string{"docker-entrypoint.sh"},
		Cmd:          []string{"postgres"},
		StopSignal:   "SIGINT", // SIGTERM would wait for clients to leave
		ExposedPorts: map[string]struct{}{postgresPort: {}},
	})
}
