package survival_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// job says what a manager does. Its nodes and its registry are in its memory,
// so that nothing but the database keeps it from doing something twice: they
// have forgotten it when the next one starts.
type job struct {
	Database string
	// Images is how many repositories the registry has, of one image each.
	Images int
	// Pull and Scan are how long an image and a repository take.
	Pull, Scan time.Duration
	// AtOnce bounds the nodes, and the repositories, that are worked on.
	AtOnce int
	Work   service.Work
	// Poison is the image that kills the manager which begins to pull it; "": none.
	Poison string
	// Broker delivers the tasks; the zero value: the process does.
	Broker nats
}

// nats is a broker: a server and the key for it, or a directory.
type nats struct{ URL, Seed, Dir string }

func (job) role() string { return "manager" }

func (j job) run(ctx context.Context, log *slog.Logger) error {
	store, err := bunstore.Open(ctx, j.Database)
	if err != nil {
		return err
	}
	defer store.Close()
	registry, shelf := library(j.Images)
	registry.SetHook(j.scans)
	cfg := config(store, registry, func(row domain.Agent) port.Agent {
		return &node{Agent: porttest.NewAgent(shelf), row: row, pull: j.Pull, poison: j.Poison}
	})
	cfg.Fleet = service.Fleet{Agents: j.AtOnce, AgentPulls: 1, Repositories: j.AtOnce}
	cfg.Work, cfg.Logger = j.Work, log
	if j.Broker != (nats{}) {
		b, err := broker.Open(ctx, broker.Config{URL: j.Broker.URL, Seed: j.Broker.Seed, Dir: j.Broker.Dir, Logger: log})
		if err != nil {
			return err
		}
		defer b.Close()
		cfg.Tasks = jetstream.New(b.Conn(), jetstream.Options{Redelivery: j.Work.Redelivery, Logger: log})
	}
	svc, err := service.New(cfg)
	if err != nil {
		return err
	}
	return service.NewRunner(svc).Run(ctx)
}

// config is what all services of these tests have.
func config(store repository.Store, registry *porttest.Registry, agent func(domain.Agent) port.Agent) service.Config {
	return service.Config{
		Store: store, Authorizer: porttest.AllowAll{}, Architecture: "x86_64", Limiter: service.NewLimiter(nil, nil),
		Registries: map[domain.RegistryType]port.OpenRegistry{
			domain.RegistryOCI: porttest.OpenRegistries(map[string]*porttest.Registry{host: registry}),
		},
		Agents: map[domain.AgentKind]port.OpenAgent{
			domain.AgentOCILayout: func(_ context.Context, row domain.Agent) (port.Agent, error) { return agent(row), nil },
		},
	}
}

// scans is the hook of the registry: listing a repository is work.
func (j job) scans(ctx context.Context, op, key string) error {
	if op != porttest.OpTags || strings.Contains(key, ":") { // a tag, within the listing
		return nil
	}
	return work(ctx, host+" "+key, j.Scan)
}

// node notes what it is asked to pull before it does, and takes its time.
type node struct {
	port.Agent
	row    domain.Agent
	pull   time.Duration
	poison string
}

func (n *node) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	if err := work(ctx, fmt.Sprintf("%s/%s/%s", n.row.ID, r.Reference.Canonical(), r.Architecture), n.pull); err != nil {
		return domain.PullOutcome{}, err
	}
	if r.Reference.Canonical() == n.poison {
		os.Exit(2)
	}
	return n.Agent.Pull(ctx, r, p)
}

// work writes down the key of an item, as the task calls it, and then takes its
// time, more or less. One line is one write: it is there or it is not.
func work(ctx context.Context, key string, takes time.Duration) error {
	if _, err := fmt.Fprintln(os.Stdout, key); err != nil {
		return err
	}
	select {
	case <-time.After(takes/2 + rand.N(takes+1)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
