package app

import (
	"context"
	"sync"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// NATS says which NATS to use. The zero value is a server of our own, on a free
// port of the loopback interface, shared by the processes of one Dir.
type NATS struct {
	URL  string // of an external cluster; "": a server of our own
	Seed string // NKey seed file for an external cluster

	Listen         string // host:port of our own server
	TLS            broker.TLSFiles
	AllowPlaintext bool // beyond the loopback interface, without TLS
}

// line is the connection to NATS, opened when somebody needs it.
type line struct {
	cfg   Config
	nodes func(ctx context.Context, publicKey string) (domain.AgentID, bool, error)

	mu     sync.Mutex
	broker *broker.Broker
	opener port.OpenAgent
}

// open returns the connection, opening it the first time. It waits for the
// server; so it holds up those who need it too, and nobody else.
func (l *line) open(ctx context.Context) (*broker.Broker, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broker != nil {
		return l.broker, nil
	}
	n := l.cfg.NATS
	b, err := broker.Open(ctx, broker.Config{
		URL: n.URL, Seed: n.Seed, Dir: l.cfg.Dir, Listen: n.Listen, TLS: n.TLS, AllowPlaintext: n.AllowPlaintext,
		Nodes: l.nodes, Permissions: fleet.Permissions, Name: "wharf", Logger: l.cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	l.broker, l.opener = b, fleet.Opener(b.Conn(), fleet.Options{})
	return b, nil
}

// agent opens a node that dials in. It is opened as a promise: what contacts
// NATS is the first call.
func (l *line) agent(_ context.Context, row domain.Agent) (port.Agent, error) {
	return &lineAgent{line: l, row: row}, nil
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broker != nil {
		_ = l.broker.Close()
		l.broker = nil
	}
}

// lineAgent is an agent that connects when it is used.
type lineAgent struct {
	line *line
	row  domain.Agent
}

func (a *lineAgent) reach(ctx context.Context) (port.Agent, error) {
	if _, err := a.line.open(ctx); err != nil {
		return nil, err
	}
	return a.line.opener(ctx, a.row)
}

func (a *lineAgent) Inventory(ctx context.Context) (domain.Inventory, error) {
	agent, err := a.reach(ctx)
	if err != nil {
		return domain.Inventory{}, err
	}
	return agent.Inventory(ctx)
}

func (a *lineAgent) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	agent, err := a.reach(ctx)
	if err != nil {
		return domain.PullOutcome{}, err
	}
	return agent.Pull(ctx, r, p)
}

func (a *lineAgent) Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error) {
	agent, err := a.reach(ctx)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	return agent.Remove(ctx, r)
}
