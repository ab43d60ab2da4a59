package survival_test

import (
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/containers"
)

// natsFor starts a NATS server that lets managers in, and returns how they
// connect to it.
func natsFor(t *testing.T) (*containers.Server, nats) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manager.nkey")
	seed, err := broker.LoadSeed(file)
	require.NoError(t, err)
	server := containers.NATS(t, seed.PublicKey())
	return server, nats{URL: "nats://" + server.Address, Seed: file}
}

// pair is two managers of one database that share work, one of them in the
// middle of a long task.
type pair struct {
	*site
	*journal
	first, second *process
	what          [2]job
	long          domain.TaskID   // of the first manager, with attempt 1
	short         []domain.TaskID // of both
	items         map[domain.TaskID]int
}

const (
	pairNodes   = 20
	longImages  = 40
	shortImages = 15 // one for each short task, after those of the long one

	pairRedelivery = 4 * time.Second // so that twice that leaves room on a machine that is busy
)

// newPair returns when both managers work. Five images are left for later.
func newPair(t *testing.T, brokers [2]nats) *pair {
	t.Helper()
	s := onPostgres(t)
	const images = longImages + shortImages
	s.stock(t, pairNodes, images)
	p := &pair{site: s, journal: newJournal(), items: map[domain.TaskID]int{}}
	for i := range p.what {
		p.what[i] = job{Database: s.dsn, Images: images, Pull: 40 * time.Millisecond, AtOnce: 4, Work: lively(), Broker: brokers[i]}
		p.what[i].Work.Redelivery = pairRedelivery
	}
	p.long = s.preload(t, 0, longImages)
	p.items[p.long] = pairNodes * longImages
	p.first = p.start(t, p.what[0])
	p.began(t, p.first, 1)
	p.second = p.start(t, p.what[1])
	for i := longImages; i < images-5; i++ {
		p.submit(t, i)
	}
	p.began(t, p.second, 1)
	long := p.task(t, p.long)
	require.Equal(t, 1, long.Attempt, "the first manager lost it")
	require.False(t, long.State.Finished())
	return p
}

// submit adds a short task.
func (p *pair) submit(t *testing.T, image int) {
	t.Helper()
	id := p.preload(t, image, image+1)
	p.short, p.items[id] = append(p.short, id), pairNodes
}

// finish waits for all tasks and checks each of them.
func (p *pair) finish(t *testing.T) {
	t.Helper()
	for id, items := range p.items {
		p.complete(t, id, items)
	}
}

// kept are the items that are committed now, of all tasks, and how many lines
// the journal had after that.
func (p *pair) kept(t *testing.T) (keys map[string]domain.ItemState, lines int) {
	t.Helper()
	keys = map[string]domain.ItemState{}
	for id := range p.items {
		maps.Copy(keys, p.committed(t, id))
	}
	all, _ := p.all()
	return keys, len(all)
}

// oneServer, oneDirectory and twoDirectories are how two managers come by NATS.
func oneServer(t *testing.T) [2]nats {
	_, c := natsFor(t)
	return [2]nats{c, c}
}

func oneDirectory(t *testing.T) [2]nats {
	c := nats{Dir: filepath.Join(t.TempDir(), "broker")}
	return [2]nats{c, c} // the first to start serves
}

func twoDirectories(t *testing.T) [2]nats {
	return [2]nats{{Dir: filepath.Join(t.TempDir(), "a")}, {Dir: filepath.Join(t.TempDir(), "b")}}
}

// It is not parallel, so that nothing else of this package is in its way when it
// measures time.
func TestTheOtherManagerTakesOverWhenOneIsKilled(t *testing.T) {
	for name, brokers := range map[string]func(*testing.T) [2]nats{
		"with a NATS server":               oneServer,
		"with the broker of a directory":   oneDirectory, // which dies with the manager
		"with a broker of its own on each": twoDirectories,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, brokers(t))
			p.first.kill()
			killed := time.Now()
			kept, lines := p.kept(t)
			require.Eventually(t, func() bool { return p.task(t, p.long).Attempt > 1 }, longest, 20*time.Millisecond, "nobody takes over")
			took := time.Since(killed)
			t.Logf("taken over %s after the kill", took.Round(time.Millisecond))
			if !raced {
				require.Less(t, took, 2*pairRedelivery)
			}
			p.finish(t)
			require.Equal(t, 2, p.task(t, p.long).Attempt)
			all, _ := p.all()
			for _, l := range all[lines:] {
				require.NotContains(t, kept, l.key, "it was committed when a manager began it again")
			}

			// The dead one comes back and both go on.
			again := p.start(t, p.what[0])
			for i := range 5 {
				p.submit(t, longImages+i)
			}
			p.finish(t)
			t.Logf("the one that came back began %d items", p.of(again))
		})
	}
}

func TestAManagerThatEndsInOrderHandsItsTaskOver(t *testing.T) {
	t.Parallel()
	p := newPair(t, oneServer(t))
	require.NoError(t, p.first.stdin.Close()) // it is told to end
	<-p.first.read
	ended := time.Now()
	left := p.task(t, p.long)
	require.True(t, left.State == domain.TaskQueued || left.Attempt > 1, "it is %s: nobody is told to go on", left.State)
	require.Eventually(t, func() bool { return p.task(t, p.long).Attempt > 1 }, longest, 20*time.Millisecond, "nobody takes over")
	t.Logf("taken over %s after its end", time.Since(ended).Round(time.Millisecond))
	p.finish(t)
}
