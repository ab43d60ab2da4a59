package survival_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/containers"
)

func TestATaskGoesOnWhenPostgresIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	server, dsn := containers.PostgresServer(t)
	s := newSite(t, dsn)
	const nodes, images = 40, 40 // more than is done before Postgres is back
	s.stock(t, nodes, images)
	id := s.preload(t, 0, images)
	j := newJournal()
	m := j.start(t, job{Database: dsn, Images: images, Pull: 40 * time.Millisecond, AtOnce: 8, Work: lively()})
	j.began(t, m, 100)
	server.Kill(t)
	j.began(t, m, j.of(m)+100) // it does not stop for that
	server.Start(t)
	task := s.complete(t, id, nodes*images)
	lines, _ := j.all()
	require.Len(t, lines, nodes*images, "nothing was done twice")
	require.Equal(t, 1, task.Attempt, "its worker did not lose it")
	require.Equal(t, nodes*images, s.held(t, images), "the catalogue knows what was pulled")
}

func TestATaskWhoseEndPostgresMissesIsStillFinished(t *testing.T) {
	t.Parallel()
	server, dsn := containers.PostgresServer(t)
	s := newSite(t, dsn)
	const nodes, images = 20, 5
	s.stock(t, nodes, images)
	id := s.preload(t, 0, images)
	j := newJournal()
	m := j.start(t, job{Database: dsn, Images: images, Pull: 20 * time.Millisecond, AtOnce: 8, Work: lively()})
	j.began(t, m, 20)
	server.Kill(t)
	j.began(t, m, nodes*images)
	<-time.After(500 * time.Millisecond) // the last one ends, and so does the attempt
	server.Start(t)
	s.complete(t, id, nodes*images)
	require.Equal(t, nodes*images, s.held(t, images), "the catalogue knows what was pulled")
}

// held counts what the catalogue knows nodes to hold of the first images.
func (s *site) held(t *testing.T, images int) (n int) {
	t.Helper()
	var a actions.GetImageInstalledAgentsAction
	for i := range images {
		img, err := s.GetImage(s.root, actions.GetImageAction{Reference: fmt.Sprintf("%s/app-%03d:1", host, i)})
		require.NoError(t, err)
		a.ImageIDs = append(a.ImageIDs, img.Image.ID)
	}
	res, err := s.GetImageInstalledAgents(s.root, a)
	require.NoError(t, err)
	for _, agents := range res.Agents {
		n += len(agents)
	}
	return n
}

// A failover, a pooler that is started again, an administrator: connections end
// at any statement, and the next ones work.
func TestTasksDoNotFailOfConnectionsThatEnd(t *testing.T) {
	t.Parallel()
	s := onPostgres(t)
	const nodes, images = 10, 60 // one task for each image
	s.stock(t, nodes, images)
	var ids []domain.TaskID
	for i := range images {
		ids = append(ids, s.preload(t, i, i+1))
	}
	rescan, err := s.RescanImages(s.root, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	j := newJournal()
	m := j.start(t, job{Database: named(t, s.dsn, "manager"), Images: images, Pull: 10 * time.Millisecond, Scan: 10 * time.Millisecond, AtOnce: 2, Work: lively()})
	j.began(t, m, 1)
	ended := s.ending(t, "manager", 20, 100*time.Millisecond)
	for _, id := range append(ids, rescan.TaskID) {
		task, events := s.ended(t, id)
		s.addsUp(t, task, events)
		if task.State != domain.TaskDone {
			t.Errorf("%s ended as %s: %+v; account %+v; items %+v", task.Kind, task.State, task.Problem, task.Account, s.failed(t, id))
		}
	}
	t.Logf("%d connections were ended", <-ended)
	require.Equal(t, nodes*images, s.held(t, images), "the catalogue knows what was pulled")
}

// failed are the items of a task that failed.
func (s *site) failed(t *testing.T, id domain.TaskID) []domain.TaskItem {
	t.Helper()
	res, err := s.GetTask(s.root, actions.GetTaskAction{TaskID: id, Where: domain.Where("state", domain.Eq, "failed")})
	require.NoError(t, err)
	return res.Items
}

// ending ends all connections of an application that many times, and then tells
// how many those were.
func (s *site) ending(t *testing.T, application string, times int, every time.Duration) <-chan int {
	t.Helper()
	db, err := sql.Open("pgx", s.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	ended := make(chan int, 1)
	go func() {
		all := 0
		for range times {
			var now int
			if err := db.QueryRowContext(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1`, application).Scan(&now); err != nil {
				t.Errorf("ending connections: %v", err)
				break
			}
			all += now
			<-time.After(every)
		}
		ended <- all
	}()
	return ended
}
