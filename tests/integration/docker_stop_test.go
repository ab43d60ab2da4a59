package integration_test

import (
	"cmp"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// Not parallel: it counts goroutines.
func TestARealEngineThatEndsInTheMiddleOfACall(t *testing.T) {
	g := newGate(t)
	second := containers.SecondEngine(t, nil)
	e := engineAt(t, second.Address, g.host)
	pull := func(ctx context.Context, a port.Agent, p domain.PullRequest) error {
		_, err := a.Pull(ctx, p, nil)
		return err
	}
	inventories := func(ctx context.Context, a port.Agent, _ domain.PullRequest) error { // one after the other, so that the end meets one
		for {
			if _, err := a.Inventory(ctx); err != nil {
				return err
			}
		}
	}
	for name, c := range map[string]struct {
		call func(context.Context, port.Agent, domain.PullRequest) error
		end  func(t *testing.T, expire, cancel func())
		code domain.Code
	}{
		"killed in mid-pull":        {pull, func(t *testing.T, _, _ func()) { t.Helper(); second.Kill(t) }, domain.CodeUnavailable},
		"killed in mid-inventory":   {inventories, func(t *testing.T, _, _ func()) { t.Helper(); second.Kill(t) }, domain.CodeUnavailable},
		"stopped in mid-pull":       {pull, func(t *testing.T, expire, _ func()) { t.Helper(); second.Stop(t); expire() }, domain.CodeTimeout},
		"stopped in mid-inventory":  {inventories, func(t *testing.T, expire, _ func()) { t.Helper(); second.Stop(t); expire() }, domain.CodeTimeout},
		"canceled in mid-pull":      {pull, func(_ *testing.T, _, cancel func()) { cancel() }, domain.CodeCanceled},
		"canceled in mid-inventory": {inventories, func(_ *testing.T, _, cancel func()) { cancel() }, domain.CodeCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			p := e.push(t, porttest.AgentImage{Repository: "team/tool", Tag: "1", Architectures: []string{"x86_64"}, Content: name})[0]
			before := goleak.IgnoreCurrent()
			a, err := docker.Opener(docker.Options{})(t.Context(), domain.Agent{ID: "node1", Address: second.Address})
			require.NoError(t, err)
			_, err = a.Inventory(t.Context())
			require.NoError(t, err)
			release := g.hold(p.Config)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ctx, expire := expiring(ctx)
			ended := make(chan error, 1)
			go func() { ended <- c.call(ctx, a, p.Request) }()
			if strings.HasSuffix(name, "pull") {
				g.wait(t, 1)
			}
			c.end(t, expire, cancel)
			select {
			case err = <-ended:
			case <-time.After(20 * time.Second):
				require.FailNow(t, "it hangs")
			}
			requireReason(t, err, c.code, map[domain.Code]string{
				domain.CodeUnavailable: "agent_unavailable", domain.CodeTimeout: "timeout", domain.CodeCanceled: "canceled",
			}[c.code])
			release()

			switch c.code {
			case domain.CodeUnavailable:
				second.Start(t)
			case domain.CodeTimeout:
				second.Continue(t)
			}
			inventory, err := a.Inventory(t.Context())
			require.NoError(t, err)
			require.Empty(t, inventory.Images)
			require.NoError(t, a.(io.Closer).Close())
			goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/wharf-project/wharf/tests/containers.(*ownProcess).run.func1"),
				goleak.IgnoreAnyFunction("net/http.(*Server).Serve"), goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
		})
	}
}

// late is a context whose deadline comes when the test says so.
type late struct {
	context.Context
	done chan struct{}
}

func expiring(parent context.Context) (ctx context.Context, expire func()) {
	l := &late{parent, make(chan struct{})}
	expire = sync.OnceFunc(func() { close(l.done) })
	context.AfterFunc(parent, expire)
	return l, expire
}

func (l *late) Done() <-chan struct{} { return l.done }

func (l *late) Err() error {
	select {
	case <-l.done:
		return cmp.Or(l.Context.Err(), context.DeadlineExceeded)
	default:
		return nil
	}
}
