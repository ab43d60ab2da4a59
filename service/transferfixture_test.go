package service_test

import (
	"context"
	"sync"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// mover is a store that pushes and fetches whatever it is asked for, and keeps
// the requests.
type mover struct {
	mu      sync.Mutex
	pushed  []domain.PushRequest
	fetched []domain.FetchRequest
	hook    func(ctx context.Context, sink domain.TransferSink) error // nil: nothing
}

func (m *mover) Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	m.mu.Lock()
	m.pushed = append(m.pushed, r)
	m.mu.Unlock()
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPush, Src: r.Local, Dst: r.Remote.Canonical()})
	if err := m.hooked(ctx, sink); err != nil {
		return domain.PushOutcome{}, err
	}
	return domain.PushOutcome{Digest: porttest.DigestOf("pushed", r.Local), SizeBytes: 10, SentBytes: 7}, nil
}

func (m *mover) Fetch(ctx context.Context, r domain.FetchRequest, sink domain.TransferSink) (domain.FetchOutcome, error) {
	m.mu.Lock()
	m.fetched = append(m.fetched, r)
	m.mu.Unlock()
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPull, Src: r.Remote.Canonical(), Dst: r.Local})
	if err := m.hooked(ctx, sink); err != nil {
		return domain.FetchOutcome{}, err
	}
	return domain.FetchOutcome{Digest: r.Manifest, Config: porttest.DigestOf("config", r.Local), SizeBytes: 10, ReceivedBytes: 7}, nil
}

func (m *mover) hooked(ctx context.Context, sink domain.TransferSink) error {
	if m.hook == nil {
		return nil
	}
	return m.hook(ctx, sink)
}

// moving is an agent that is a mover too.
type moving struct {
	port.Agent
	*mover
}

// withMover makes a mover of every layout's agent, and of the store at hand.
func withMover(m *mover) func(*service.Config) {
	return func(cfg *service.Config) {
		open := cfg.Agents[domain.AgentOCILayout]
		cfg.Agents[domain.AgentOCILayout] = func(ctx context.Context, row domain.Agent) (port.Agent, error) {
			a, err := open(ctx, row)
			if _, moves := a.(*savingNode); moves {
				return a, err
			}
			return moving{a, m}, err
		}
		cfg.Local = func(context.Context, string) (port.Local, error) { return m, nil }
	}
}
