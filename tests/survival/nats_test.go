package survival_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

// undisturbed finishes the tasks and checks that the long one stayed with the
// manager that had it, and that nothing at all was done twice: the database was
// there all the while.
func (p *pair) undisturbed(t *testing.T) {
	t.Helper()
	p.finish(t)
	require.Equal(t, 1, p.task(t, p.long).Attempt, "its worker did not lose it")
	all, _ := p.all()
	seen := map[string]bool{}
	for _, l := range all {
		require.False(t, seen[l.key], "%s was done twice", l.key)
		seen[l.key] = true
	}
}

// more submits the tasks that were left for later.
func (p *pair) more(t *testing.T) {
	t.Helper()
	for i := range 5 {
		p.submit(t, longImages+shortImages-5+i)
	}
}

func TestTasksGoOnWhenNATSIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]time.Duration{"at once": 0, "after more than the redelivery": 3 * pairRedelivery} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, c := natsFor(t)
			p := newPair(t, [2]nats{c, c})
			server.Kill(t)
			p.more(t) // which nobody can hear of
			<-time.After(away)
			server.Start(t)
			began := time.Now()
			p.undisturbed(t)
			t.Logf("everything is over %s after NATS was back", time.Since(began).Round(time.Millisecond))
		})
	}
}

func TestTasksGoOnWhenAManagerIsCutOffFromNATS(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*containers.Link, testing.TB){
		"which refuses": (*containers.Link).Cut, "which swallows everything": (*containers.Link).Swallow,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, direct := natsFor(t)
			link := containers.Through(t, server)
			through := direct
			through.URL = "nats://" + link.Address
			p := newPair(t, [2]nats{through, direct})
			spoil(link, t)
			p.more(t)
			<-time.After(2 * pairRedelivery)
			link.Mend(t)
			p.undisturbed(t)

			p.second.kill() // the one that was cut off takes part again
			p.submit(t, longImages)
			p.finish(t)
		})
	}
}
