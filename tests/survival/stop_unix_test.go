//go:build unix

package survival_test

import (
	"database/sql"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that stood still believes that it has what it had. It may go on with
// what it was doing until it next writes; then it must learn better. A virtual
// machine that is moved, and a node that the network has lost, are the same.
func TestAManagerThatWakesUpLateHasLostItsTask(t *testing.T) {
	t.Parallel()
	for name, writing := range map[string]bool{"between two writes": false, "in the middle of a write": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onPostgres(t)
			const nodes, images = 20, 20
			s.stock(t, nodes, images)
			id := s.preload(t, 0, images)
			j := newJournal()
			what := job{Database: s.dsn, Images: images, Pull: 40 * time.Millisecond, AtOnce: 2, Work: lively()}
			slow := what
			slow.Database = named(t, s.dsn, "slow")
			first := j.start(t, slow)
			j.began(t, first, 10)
			s.stop(t, first, "slow", writing)
			stopped := time.Now()

			second := j.start(t, what)
			j.began(t, second, 1)
			t.Logf("taken over after %s", time.Since(stopped).Round(time.Millisecond))
			before := j.of(first)
			require.NoError(t, first.cmd.Process.Signal(syscall.SIGCONT))
			task := s.complete(t, id, nodes*images)
			require.GreaterOrEqual(t, task.Attempt, 2)
			t.Logf("it began %d of %d items late", j.of(first)-before, nodes*images)
			require.Less(t, j.of(first)-before, nodes*images/4)

			// It is as good as new.
			second.kill()
			s.complete(t, s.preload(t, 0, 1), nodes)
		})
	}
}

// stop makes a process stand still that holds a task's row, or that does not.
func (s *site) stop(t *testing.T, p *process, application string, writing bool) {
	t.Helper()
	db, err := sql.Open("pgx", s.dsn)
	require.NoError(t, err)
	defer db.Close()
	for over := time.After(longest); ; {
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
		if holds(t, db, application) == writing {
			return
		}
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
		select {
		case <-time.After(rand.N(20 * time.Millisecond)):
		case <-over:
			t.Fatal("it is never found in that state")
		}
	}
}

// holds reports whether an application that says nothing any more has changed a
// task in a transaction that it left open.
func holds(t *testing.T, db *sql.DB, application string) bool {
	t.Helper()
	for {
		var busy, open int
		require.NoError(t, db.QueryRowContext(t.Context(), `
			SELECT count(*) FILTER (WHERE a.state = 'active'), count(*) FILTER (WHERE a.state = 'idle in transaction' AND EXISTS (
				SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
				WHERE l.pid = a.pid AND c.relname = 'wharf_tasks' AND l.mode = 'RowExclusiveLock'))
			FROM pg_stat_activity a WHERE a.application_name = $1`, application).Scan(&busy, &open))
		if busy == 0 {
			return open > 0
		}
	}
}
