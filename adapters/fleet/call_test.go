package fleet_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// held is a hook whose calls of an operation wait until they are let go or their
// context ends.
type held struct {
	arrived, letGo chan struct{}
	ended          chan error // how those that were not let go ended
}

func hold(a *porttest.Agent, op string) held {
	h := held{make(chan struct{}, 1024), make(chan struct{}), make(chan error, 1024)}
	a.SetHook(func(ctx context.Context, o, _ string) error {
		if o != op {
			return nil
		}
		h.arrived <- struct{}{}
		select {
		case <-h.letGo:
			return nil
		case <-ctx.Done():
			h.ended <- ctx.Err()
			return ctx.Err()
		}
	})
	return h
}

// pulling starts a pull and returns its error when it has one.
func (p *pair) pulling(ctx context.Context, tag string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := p.Pull(ctx, request(tag), nil)
		done <- err
	}()
	return done
}

func TestEveryCodeComesThrough(t *testing.T) {
	p := newPair(t)
	for _, code := range domain.Codes() {
		for _, sent := range []*domain.Error{
			{Code: code},
			{Code: code, Reason: "image_in_use", On: "cr.example.org/ä:1", Message: "a container uses it: „c1“", RetryAfter: 3 * time.Second, Op: "secret", Err: errors.New("secret")},
		} {
			p.fake.SetHook(func(_ context.Context, op, _ string) error {
				if op == porttest.OpInventory {
					return nil
				}
				return sent
			})
			_, pullErr := p.Pull(t.Context(), request("1"), nil)
			_, removeErr := p.Remove(t.Context(), domain.RemoveRequest{Canonical: "x", Architecture: "x86_64"})
			for _, err := range []error{pullErr, removeErr} {
				fails(t, err, code, domain.ReasonOf(sent))
				require.Equal(t, domain.MessageOf(sent), domain.MessageOf(err))
				require.Equal(t, sent.On, domain.OnOf(err))
				require.Equal(t, sent.RetryAfter, domain.RetryAfterOf(err))
				require.NotContains(t, err.Error(), "secret", "operator detail stays on the node")
			}
		}
	}
	p.fake.SetHook(func(context.Context, string, string) error { return errors.New("raw") })
	_, err := p.Inventory(t.Context())
	fails(t, err, domain.CodeInternal, "internal")
}

func TestTextOfANodeIsSafeToShow(t *testing.T) {
	p := newPair(t)
	p.fake.SetHook(func(context.Context, string, string) error {
		return domain.Errorf(domain.CodeConflict, "image_in_use", "a\x1b[31mb", "one\ntwo\u202e%s", strings.Repeat("ö", 1<<20))
	})
	_, err := p.Inventory(t.Context())
	fails(t, err, domain.CodeConflict, "image_in_use")
	require.Equal(t, "a[31mb", domain.OnOf(err))
	require.True(t, strings.HasPrefix(domain.MessageOf(err), "one twoöö"))
	require.Less(t, len(domain.MessageOf(err)), 5000)
}

func TestNobodyThereIsSaidAtOnce(t *testing.T) {
	p := newPair(t, func(_ *fleet.Node, o *fleet.Options) { o.Silence = time.Hour })
	absent := open(t, p.broker.connect(t), fleet.Options{Silence: time.Hour}, "node2")
	_, err := absent.Inventory(t.Context())
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
	require.Equal(t, "node2", domain.OnOf(err))
	require.NoError(t, p.stop())
	_, err = p.Pull(t.Context(), request("1"), nil)
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
}

func TestANodeThatDiesInMidPullEndsTheCall(t *testing.T) {
	p := newPair(t, silence)
	h := hold(p.fake, porttest.OpPull)
	done := p.pulling(t.Context(), "1")
	receive(t, h.arrived)
	p.node.Close() // no goodbye, and the node's sign of life goes nowhere
	fails(t, receive(t, done), domain.CodeUnavailable, "agent_unavailable")
}

func TestALongCallLivesByItsSignsOfLife(t *testing.T) {
	p := newPair(t, func(n *fleet.Node, o *fleet.Options) { n.Pulls, o.Silence = 1, time.Second })
	h := hold(p.fake, porttest.OpPull)
	runs := p.pulling(t.Context(), "1")
	receive(t, h.arrived)
	waits := p.pulling(t.Context(), "2") // behind the first, and as long
	select {
	case err := <-runs:
		require.NoError(t, err, "the call that runs was given up")
	case err := <-waits:
		require.NoError(t, err, "the call that waits was given up")
	case <-time.After(2 * time.Second):
	}
	close(h.letGo)
	require.NoError(t, receive(t, runs))
	require.NoError(t, receive(t, waits))
}

func TestACallThatIsGivenUpEndsOnTheNode(t *testing.T) {
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Pulls = 1 })
	h := hold(p.fake, porttest.OpPull)
	runCtx, giveUp := context.WithCancel(t.Context())
	asks := overhear(t, p.broker, "wharf.ask.node1.pull")
	runs := p.pulling(runCtx, "1")
	receive(t, asks)
	receive(t, h.arrived)
	waitCtx, giveUpWaiting := context.WithCancel(t.Context())
	waits := p.pulling(waitCtx, "2")
	receive(t, asks)
	_, err := p.Inventory(t.Context()) // the node reads it behind the other
	require.NoError(t, err)
	giveUpWaiting()
	fails(t, receive(t, waits), domain.CodeCanceled, "canceled")
	giveUp()
	fails(t, receive(t, runs), domain.CodeCanceled, "canceled")
	require.ErrorIs(t, receive(t, h.ended), context.Canceled)

	third := p.pulling(t.Context(), "3")
	receive(t, h.arrived)
	close(h.letGo)
	require.NoError(t, receive(t, third))
	require.NotContains(t, p.fake.Calls(porttest.OpPull), "cr.example.org/stable/app:2 x86_64", "what was given up while it waited was worked")
	require.Len(t, p.fake.Calls(porttest.OpPull), 2)
}

func TestTheDeadlineOfACallHoldsOnTheNode(t *testing.T) {
	p := newPair(t)
	h := hold(p.fake, porttest.OpPull)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	fails(t, receive(t, p.pulling(ctx, "1")), domain.CodeTimeout, "timeout")
	receive(t, h.arrived)
	require.Error(t, receive(t, h.ended))
}

func TestASlowInventoryHoldsNothingUp(t *testing.T) {
	p := newPair(t)
	h := hold(p.fake, porttest.OpInventory)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _ = p.Inventory(ctx) })
	}
	receive(t, h.arrived)
	_, err := p.Pull(t.Context(), request("1"), nil)
	require.NoError(t, err)
	_, err = p.Remove(t.Context(), domain.RemoveRequest{Canonical: request("1").Reference.Canonical(), Architecture: "x86_64"})
	require.NoError(t, err)
	cancel()
	wg.Wait()
}

func TestTooManyCallsAreRefused(t *testing.T) {
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Pulls = 3 })
	h := hold(p.fake, porttest.OpPull)
	const more = 20
	results := make(chan error, 3+fleet.MostWaiting+more)
	for range cap(results) {
		go func() {
			_, err := p.Pull(t.Context(), request("1"), nil)
			results <- err
		}()
	}
	for range more {
		err := receive(t, results)
		fails(t, err, domain.CodeRateLimited, "agent_busy")
		require.Positive(t, domain.RetryAfterOf(err))
	}
	require.Equal(t, 3, p.fake.Peak(porttest.OpPull))
	close(h.letGo)
	for range cap(results) - more {
		require.NoError(t, receive(t, results))
	}
	require.Equal(t, 3, p.fake.Peak(porttest.OpPull))
}

func TestAnAgentThatPanicsFailsItsCallOnly(t *testing.T) {
	p := newPair(t)
	p.fake.SetHook(func(context.Context, string, string) error { panic("boom") })
	_, err := p.Inventory(t.Context())
	fails(t, err, domain.CodeInternal, "internal")
	require.NotContains(t, err.Error(), "boom")
	p.fake.SetHook(nil)
	_, err = p.Inventory(t.Context())
	require.NoError(t, err)
}

func TestARequestThatIsTooLargeIsInvalid(t *testing.T) {
	p := newPair(t)
	r := request("1")
	r.Registry.TokenRealms = []string{strings.Repeat("x", fleet.LongestAsk)}
	_, err := p.Pull(t.Context(), r, nil)
	fails(t, err, domain.CodeInvalid, "request_too_large")
	require.Empty(t, p.fake.Calls(porttest.OpPull))
}
