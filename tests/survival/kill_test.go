package survival_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
)

// lively is background work that notices a dead manager after two seconds.
func lively() service.Work {
	return service.Work{Flush: 50 * time.Millisecond, Redelivery: 2 * time.Second, Attempts: 1000}
}

// The longest tests are no subtests: those would begin when all others are under
// way.
func TestAPreloadIsDoneOnceHoweverOftenItsManagerIsKilled(t *testing.T) {
	t.Parallel()
	preloadIsDoneOnce(t, onPostgres(t))
}

func TestAPreloadIsDoneOnceHoweverOftenItsManagerIsKilledOnSQLite(t *testing.T) {
	t.Parallel()
	preloadIsDoneOnce(t, onSQLite(t))
}

func preloadIsDoneOnce(t *testing.T, s *site) {
	t.Helper()
	nodes, images := sized(100, 500), 20
	s.stock(t, nodes, images)
	task := killed(t, s, s.preload(t, 0, images), nodes*images, sized(20, 100),
		job{Images: images, Pull: 20 * time.Millisecond, AtOnce: 8, Work: lively()})
	require.Equal(t, domain.TaskDone, task.State, "%+v", task.Problem)
	require.Equal(t, domain.TaskAccount{Seen: nodes * images, Done: nodes * images}, task.Account)
}

// What a node holds is noted with the items that made it so: a manager that dies
// after it has noted that images are done leaves no gap in the catalogue.
func TestTheCatalogueKnowsWhatKilledManagersPulled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		const nodes, images = 20, 20
		s.stock(t, nodes, images)
		killed(t, s, s.preload(t, 0, images), nodes*images, 3, job{Images: images, Pull: 20 * time.Millisecond, AtOnce: 2, Work: lively()})
		require.Equal(t, nodes*images, s.held(t, images))
	})
}

func TestARescanIsDoneOnceHoweverOftenItsManagerIsKilled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		repositories := sized(500, 5000)
		res, err := s.RescanImages(s.root, actions.RescanImagesAction{Background: true})
		require.NoError(t, err)
		task := killed(t, s, res.TaskID, repositories, sized(6, 60),
			job{Scan: 20 * time.Millisecond, AtOnce: 2, Images: repositories, Work: lively()})
		require.Equal(t, domain.TaskDone, task.State, "%+v", task.Problem)
		require.Equal(t, repositories, task.Account.Seen)
		alive, err := s.store.Admin(repository.Unit{}).Read().Images.CountOf(t.Context(), s.registry, domain.ImageAlive)
		require.NoError(t, err)
		require.Equal(t, repositories, alive)
	})
}

// Only attempts that got nowhere say that something is wrong with a task: a
// long one may well see more than ten managers come and go.
func TestATaskThatGetsOnIsNotGivenUp(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	const nodes, images, attempts = 10, 20, 2
	s.stock(t, nodes, images)
	id := s.preload(t, 0, images)
	what := job{Database: s.dsn, Images: images, Pull: 20 * time.Millisecond, AtOnce: 2, Work: lively()}
	what.Work.Attempts = attempts
	j := newJournal()
	for range attempts + 2 {
		before := len(s.committed(t, id))
		m := j.start(t, what)
		require.Eventually(t, func() bool { return len(s.committed(t, id)) > before || s.task(t, id).State.Finished() }, longest, 10*time.Millisecond)
		m.kill()
	}
	j.start(t, what)
	s.complete(t, id, nodes*images)
}

func TestATaskThatKillsItsManagersIsGivenUp(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	const nodes, images, attempts = 4, 5, 3
	s.stock(t, nodes, images)
	id := s.preload(t, 0, images)
	what := job{Database: s.dsn, Images: images, Pull: 20 * time.Millisecond, AtOnce: nodes, Work: lively(), Poison: host + "/app-002:1"}
	what.Work.Attempts = attempts
	j := newJournal()
	deaths, vain, over := 0, 0, 0
	for m := j.start(t, what); !s.task(t, id).State.Finished(); {
		select {
		case <-m.read: // it is dead
			deaths++
			vain++
			if now := len(s.committed(t, id)); now > over {
				vain, over = 0, now
			}
			require.LessOrEqual(t, vain, attempts, "attempts in a row that got nowhere")
			m = j.start(t, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
	task, events := s.ended(t, id)
	s.addsUp(t, task, events)
	t.Logf("given up after %d deaths: %+v, %+v", deaths, task.Account, task.Problem)
	require.Equal(t, domain.TaskFailed, task.State)
	require.NotNil(t, task.Problem)
	require.Equal(t, "too_many_attempts", task.Problem.Reason)
}

// killed works a task of so many items off with one manager after the other,
// each of which is killed at a random point, and lets the last one finish. It
// checks that no manager began what an earlier one had committed.
func killed(t *testing.T, s *site, id domain.TaskID, items, kills int, what job) domain.Task {
	t.Helper()
	random := choices(t)
	what.Database = s.dsn
	j := newJournal()
	began := time.Now()
	kept := map[string]int{} // key -> number of the manager after whose death it was found committed
	for n := range kills {
		m := j.start(t, what)
		at := moment(t, random, j, m, (items-len(kept))/(kills-n+1))
		m.kill()
		for key := range s.committed(t, id) {
			if _, known := kept[key]; !known {
				kept[key] = m.number
			}
		}
		task := s.task(t, id)
		t.Logf("kill %2d %s: attempt %d, %d began, %d of %d over", n+1, at, task.Attempt, j.of(m), task.Current(), task.Total())
		require.False(t, task.State.Finished(), "it ended before it was killed for the last time")
	}
	last := j.start(t, what)
	task, events := s.ended(t, id)
	last.kill()
	s.addsUp(t, task, events)

	lines, _ := j.all()
	runs := map[string]int{}
	for _, l := range lines {
		runs[l.key]++
		after, ok := kept[l.key]
		require.False(t, ok && l.by.number > after, "%s was committed when a manager began it again", l.key)
	}
	require.Len(t, runs, items)
	t.Logf("%d items, %d kills, %d attempts, %d begun more than once, %d events, %s",
		items, kills, task.Attempt, len(lines)-items, len(events), time.Since(began).Round(time.Millisecond))
	return task
}

// moment waits for a random moment in the life of a manager, and names it. Of
// the items that are left, share are its part.
func moment(t *testing.T, random *rand.Rand, j *journal, m *process, share int) string {
	t.Helper()
	switch random.IntN(4) {
	case 0: // before it has the task, as likely as not: the first one has it at once, the others have to wait for it
		most := 500 * time.Millisecond
		if m.number > 1 {
			most += lively().Redelivery
		}
		wait := time.Duration(random.Int64N(int64(most))).Round(time.Millisecond)
		<-time.After(wait)
		return "after " + wait.String()
	case 1: // between two items, or in the middle of a write
		j.began(t, m, 1)
		wait := time.Duration(random.IntN(300)) * time.Millisecond
		<-time.After(wait)
		return "in the task for " + wait.String()
	}
	n := 1 + random.IntN(max(1, share*3/2))
	j.began(t, m, n)
	return "after some items"
}
