package service

import (
	"context"
	"io"
	"sync"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// clients keeps what was opened by the id and revision of its row, so that
// calls share tokens, budgets and connections.
type clients struct {
	registries map[domain.RegistryType]port.OpenRegistry
	agents     map[domain.AgentKind]port.OpenAgent
	sealer     port.Sealer

	mu   sync.Mutex
	open map[string]opened
}

type opened struct {
	revision int64
	client   any
}

func newClients(cfg Config) *clients {
	return &clients{registries: cfg.Registries, agents: cfg.Agents, sealer: cfg.Sealer, open: map[string]opened{}}
}

// speaks refuses a registry type that no adapter serves.
func (c *clients) speaks(t domain.RegistryType) error {
	if _, ok := c.registries[t]; !ok {
		return domain.Errorf(domain.CodePrecondition, "adapter_missing", string(t), "nothing here speaks to registries of type %s", domain.Quote(string(t)))
	}
	return nil
}

// reaches refuses an agent kind that no adapter serves.
func (c *clients) reaches(k domain.AgentKind) error {
	if _, ok := c.agents[k]; !ok {
		return domain.Errorf(domain.CodePrecondition, "adapter_missing", string(k), "nothing here speaks to agents of kind %s", domain.Quote(string(k)))
	}
	return nil
}

// registry opens a registry row. Errors: precondition, reason adapter_missing.
func (c *clients) registry(ctx context.Context, r domain.Registry) (port.Registry, error) {
	if err := c.speaks(r.Type); err != nil {
		return nil, err
	}
	client, err := c.kept("registry/"+string(r.ID), r.Revision, func() (any, error) {
		r, err := c.unsealed(r)
		if err != nil {
			return nil, err
		}
		return c.registries[r.Type](ctx, r)
	})
	if err != nil {
		return nil, err
	}
	return client.(port.Registry), nil
}

// agent opens an agent row. Errors: precondition, reason adapter_missing.
func (c *clients) agent(ctx context.Context, a domain.Agent) (port.Agent, error) {
	if err := c.reaches(a.Kind); err != nil {
		return nil, err
	}
	client, err := c.kept("agent/"+string(a.ID), a.Revision, func() (any, error) { return c.agents[a.Kind](ctx, a) })
	if err != nil {
		return nil, err
	}
	return client.(port.Agent), nil
}

// kept returns the client of a row, opening it for a new revision. An older
// client that can be closed is closed; opening contacts nobody, so it happens
// under the lock.
func (c *clients) kept(key string, revision int64, open func() (any, error)) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	have, ok := c.open[key]
	if ok && have.revision >= revision {
		return have.client, nil
	}
	client, err := open()
	if err != nil {
		return nil, err
	}
	if closer, is := have.client.(io.Closer); ok && is {
		_ = closer.Close() // it served an older row
	}
	c.open[key] = opened{revision, client}
	return client, nil
}

// unsealed returns the row with its password in the clear.
func (c *clients) unsealed(r domain.Registry) (domain.Registry, error) {
	if r.Password == "" {
		return r, nil
	}
	if c.sealer == nil {
		return r, errNoSealer()
	}
	plain, err := c.sealer.Open(r.Password.Reveal(), string(r.ID))
	r.Password = domain.Secret(plain)
	return r, err
}

// sealed returns the row with its password as it is stored.
func (c *clients) sealed(r domain.Registry) (domain.Registry, error) {
	if r.Password == "" {
		return r, nil
	}
	if c.sealer == nil {
		return r, errNoSealer()
	}
	s, err := c.sealer.Seal(r.Password.Reveal(), string(r.ID))
	r.Password = domain.Secret(s)
	return r, err
}

func errNoSealer() error {
	return domain.Errorf(domain.CodePrecondition, "sealer_missing", "password", "passwords cannot be kept: no key is configured")
}
