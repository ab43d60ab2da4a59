package service_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// said prints what passes it; it stands for the ports of the door.
type said struct{ repository.Store }

type saidLimiter struct{}

func (said) Authorize(context.Context, domain.Actor, string) (domain.Grant, error) {
	fmt.Println("authorize")
	return domain.Grant{Reach: domain.ReachAny}, nil
}

func (saidLimiter) Take(context.Context, domain.UserID, string) error {
	fmt.Println("rate limit")
	return nil
}

func (said) Record(_ context.Context, e domain.AuditEntry) error {
	fmt.Println("audit:", e.Status)
	return nil
}

func (said) Scoped(repository.Unit) repository.Scoped {
	return stubDB[repository.View]{repository.View{Agents: saidAgents{}}}
}

type saidAgents struct{ repository.AgentRepository }

func (saidAgents) Replace(context.Context, domain.AgentID, domain.Inventory) (domain.InventoryChange, error) {
	fmt.Println("handler")
	return domain.InventoryChange{}, nil
}

// The way of a call with an effect outside the database. Recovery, the actor,
// validation and the deadline have nothing to print: they stand around the
// middleware, before the first audit entry, after authorization, and around the
// handler.
func Example_order() {
	observe := func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			fmt.Println("your middleware, in:", c.Spec.Name)
			err := next(ctx, c)
			fmt.Println("your middleware, out:", c.Actor.ID)
			return err
		}
	}
	svc, err := service.New(service.Config{Store: said{}, Authorizer: said{}, Limiter: saidLimiter{}, Middleware: []service.Middleware{observe}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := domain.WithActor(context.Background(), domain.Actor{ID: "alice"})
	_, err = svc.ReportInventory(ctx, actions.ReportInventoryAction{AgentID: "a1", Inventory: &domain.Inventory{}})
	fmt.Println(err)
	// Output:
	// your middleware, in: agent.report
	// rate limit
	// authorize
	// audit: started
	// handler
	// audit: ok
	// your middleware, out: alice
	// <nil>
}

func TestACallPassesEveryStationOnce(t *testing.T) {
	t.Parallel()
	for _, c := range doorCalls {
		s := &stub{tb: t}
		_, err := c.call(alice(t), s.service())
		require.NoError(t, err)
		want := []string{"limit " + c.class, "authorize " + c.name, "handler"}
		if c.class == "agent" {
			want = []string{"limit agent", "authorize agent.report", "audit started", "handler", "audit ok"}
		}
		require.Equal(t, want, s.played())
	}
}

func TestWithoutAnActorNothingIsTouched(t *testing.T) {
	t.Parallel()
	for _, ctx := range []context.Context{t.Context(), domain.WithEnvelope(t.Context(), domain.Envelope{RequestID: "r"}), domain.WithActor(t.Context(), domain.Actor{Role: domain.RoleSuperadmin})} {
		for _, c := range doorCalls {
			s := &stub{tb: t, forbidden: true}
			_, err := c.call(ctx, s.service())
			fleetError(t, err, domain.CodeUnauthenticated, "no_actor")
			require.Empty(t, s.played())
			require.Len(t, s.lines("action"), 1)
		}
	}
}

func TestADenialIsAuditedAndReachesNoHandler(t *testing.T) {
	t.Parallel()
	for _, c := range doorCalls {
		s := &stub{tb: t, forbidden: true, authorize: func(domain.Actor, string) (domain.Grant, error) { return domain.Grant{}, nil }}
		_, err := c.call(alice(t), s.service())
		fleetError(t, err, domain.CodeForbidden, "permission_missing")
		require.Equal(t, []string{"limit " + c.class, "authorize " + c.name, "audit denied"}, s.played())
		e := s.trail()[0]
		require.Equal(t, domain.UserID("alice"), e.Actor)
		require.Equal(t, c.name, e.Action)
		require.Equal(t, domain.CodeForbidden, e.Code)
	}
}

func TestALimitedCallReachesNoAuthorizer(t *testing.T) {
	t.Parallel()
	full := domain.Errorf(domain.CodeRateLimited, "rate_limited", "", "too many")
	for _, c := range doorCalls {
		s := &stub{tb: t, forbidden: true, limit: func(domain.UserID, string) error { return full }}
		_, err := c.call(alice(t), s.service())
		require.ErrorIs(t, err, domain.ErrRateLimited)
		want := []string{"limit " + c.class, "audit failed"}
		if c.class == "read" {
			want = want[:1] // only changes leave a trace of their failures
		}
		require.Equal(t, want, s.played())
	}
}

// An outsider learns nothing of the rules: not even that a field is malformed.
func TestInputIsCheckedAfterAuthorization(t *testing.T) {
	t.Parallel()
	reach := domain.ReachNone
	s := &stub{tb: t, forbidden: true, authorize: func(domain.Actor, string) (domain.Grant, error) { return domain.Grant{Reach: reach}, nil }}
	svc := s.service()
	_, err := svc.ForgetImage(alice(t), actions.ForgetImageAction{})
	require.ErrorIs(t, err, domain.ErrForbidden)
	reach = domain.ReachOwn
	_, err = svc.ForgetImage(alice(t), actions.ForgetImageAction{})
	fleetError(t, err, domain.CodeInvalid, "field_required")
	_, err = svc.ReportInventory(alice(t), actions.ReportInventoryAction{})
	require.ErrorIs(t, err, domain.ErrInvalid)
	for _, e := range s.trail()[1:] {
		require.Equal(t, domain.AuditFailed, e.Status, "what is invalid never starts")
	}
}

func TestAnAuthorizerThatFailsNeverAllows(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{errors.New("casbin broke"), domain.Errorf(domain.CodeUnavailable, "policy_stale", "", "")} {
		s := &stub{tb: t, forbidden: true, authorize: func(domain.Actor, string) (domain.Grant, error) {
			return domain.Grant{Reach: domain.ReachAny}, cause
		}}
		_, err := readCall.call(alice(t), s.service())
		require.ErrorIs(t, err, cause)
		require.Equal(t, domain.CodeOf(cause), domain.CodeOf(err))
	}
}

func TestAnErrorCarriesACodeAndTheActionsName(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		errors.New("plain"), context.Canceled, context.DeadlineExceeded, fmt.Errorf("wrapped: %w", domain.NotFound("image", "x")),
		domain.NotFound("image", "x"), &domain.Error{Code: domain.CodeConflict, Op: "store.save"},
	} {
		for _, c := range doorCalls {
			s := &stub{tb: t, handle: func(context.Context) error { return cause }}
			_, err := c.call(alice(t), s.service())
			e, ok := err.(*domain.Error) //nolint:errorlint // the outermost error is the one that counts
			require.True(t, ok, "%T", err)
			require.Equal(t, c.name, e.Op)
			require.Equal(t, domain.CodeOf(cause), e.Code)
			require.ErrorIs(t, err, cause)
		}
	}
}

func TestTheResultOfAFailedCallIsZero(t *testing.T) {
	t.Parallel()
	for _, c := range doorCalls {
		s := &stub{tb: t}
		full, err := c.call(alice(t), s.service())
		require.NoError(t, err)
		s.handle = func(context.Context) error { return errors.New("late") } // the stub returns the full value beside it
		empty, err := c.call(alice(t), s.service())
		require.Error(t, err)
		require.Zero(t, empty)
		require.IsType(t, full, empty)
	}
}

func TestTheStoreIsBoundToTheGrantAndOneClockReading(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	clock.pass(1234567) // nanoseconds
	s := &stub{tb: t, authorize: func(domain.Actor, string) (domain.Grant, error) {
		return domain.Grant{Reach: domain.ReachVisible, Rule: "p, user"}, nil
	}}
	svc := s.service(func(c *service.Config) { c.Now = clock.Now })
	for _, c := range doorCalls {
		_, err := c.call(alice(t), svc)
		require.NoError(t, err)
	}
	require.Len(t, s.units, len(doorCalls))
	for i, u := range s.units {
		require.Equal(t, domain.ReachVisible, u.Scope.Reach)
		require.Equal(t, domain.UserID("alice"), u.Scope.Actor.ID)
		require.Equal(t, 1234000, u.Now.Nanosecond())
		require.Equal(t, i > 0, u.Audit != nil, "reads leave no entry")
		require.Nil(t, u.Tenancy)
	}
	require.Equal(t, "p, user", s.units[1].Audit.Rule)
}

type someTenancy struct{}

func (someTenancy) ScalingGroups(context.Context, string, string) ([]string, error) { return nil, nil }

func TestAnEmbeddersTenancyReachesTheStore(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t}
	_, err := readCall.call(alice(t), s.service(func(c *service.Config) { c.Tenancy = someTenancy{} }))
	require.NoError(t, err)
	require.Equal(t, someTenancy{}, s.units[0].Tenancy)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t}
	for _, c := range []struct {
		cfg service.Config
		on  string
	}{
		{service.Config{Authorizer: s}, "Store"},
		{service.Config{Store: s}, "Authorizer"},
		{service.Config{Store: s, Authorizer: s, Architecture: "x 86"}, "x 86"},
	} {
		svc, err := service.New(c.cfg)
		require.Nil(t, svc)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
		require.Equal(t, c.on, domain.OnOf(err))
	}
	var az port.Authorizer = s
	svc, err := service.New(service.Config{Store: s, Authorizer: az})
	require.NoError(t, err)
	_, err = readCall.call(alice(t), svc)
	require.NoError(t, err, "everything else has a default")
}
