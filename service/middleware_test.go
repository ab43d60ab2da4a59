package service_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// requirePanic checks that a panic became a coded error that tells an end user
// nothing, and a log line that tells an operator where.
func requirePanic(t *testing.T, s *stub, name string, result any, err error) {
	t.Helper()
	fleetError(t, err, domain.CodeInternal, "panic")
	require.Equal(t, "internal error", domain.MessageOf(err))
	require.Zero(t, result)
	lines := s.lines("panic")
	require.Len(t, lines, 1)
	require.Equal(t, name, lines[0]["action"])
	require.Equal(t, "boom", lines[0]["panic"])
	require.Contains(t, lines[0]["stack"], "middleware_test.go")
}

func TestAPanicBehindTheObserversIsLoggedAndAudited(t *testing.T) {
	t.Parallel()
	for place, arm := range map[string]func(*stub){
		"limiter":    func(s *stub) { s.limit = func(domain.UserID, string) error { panic("boom") } },
		"authorizer": func(s *stub) { s.authorize = func(domain.Actor, string) (domain.Grant, error) { panic("boom") } },
		"handler":    func(s *stub) { s.handle = func(context.Context) error { panic("boom") } },
	} {
		for _, c := range doorCalls {
			t.Run(place+" of "+c.name, func(t *testing.T) {
				t.Parallel()
				s := &stub{tb: t}
				arm(s)
				result, err := c.call(alice(t), s.service())
				requirePanic(t, s, c.name, result, err)

				lines := s.lines("action")
				require.Len(t, lines, 1, "the log tells how the call ended")
				require.Equal(t, "internal", lines[0]["code"])
				require.Equal(t, "ERROR", lines[0]["level"])
				if c.class == "read" {
					require.Empty(t, s.trail())
					return
				}
				trail := s.trail()
				e := trail[len(trail)-1]
				require.Equal(t, domain.AuditFailed, e.Status)
				require.Equal(t, "panic", e.Reason)
				require.Equal(t, domain.UserID("alice"), e.Actor)
			})
		}
	}
}

func TestAPanicOfTheEmbeddersMiddlewareIsAnErrorToo(t *testing.T) {
	t.Parallel()
	early := func(service.Invoke) service.Invoke {
		return func(context.Context, *service.Call) error { panic("boom") }
	}
	late := func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			_ = next(ctx, c)
			panic("boom")
		}
	}
	for _, c := range doorCalls {
		s := &stub{tb: t, forbidden: true}
		result, err := c.call(alice(t), s.service(func(cfg *service.Config) { cfg.Middleware = []service.Middleware{early} }))
		requirePanic(t, s, c.name, result, err)
		require.Empty(t, s.played(), "it stands outside everything")

		s = &stub{tb: t}
		result, err = c.call(alice(t), s.service(func(cfg *service.Config) { cfg.Middleware = []service.Middleware{late} }))
		requirePanic(t, s, c.name, result, err)
		require.Len(t, s.lines("action"), 1)
	}
}

func TestAPanicOfTheAuditLogIsAnErrorToo(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t, record: func(context.Context, domain.AuditEntry) error { panic("boom") }}
	result, err := externalCall.call(alice(t), s.service())
	require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
	require.Zero(t, result)
	require.NotContains(t, s.played(), "handler")
}

// A middleware of the embedder sees every outcome, and can stop a call, but not
// change its result.
func TestTheEmbeddersMiddlewareSeesEveryOutcome(t *testing.T) {
	t.Parallel()
	var seen []string
	observe := func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			require.Nil(t, c.Result())
			require.False(t, c.Start.IsZero())
			err := next(ctx, c)
			_, got := c.Result().(actions.GetImageResult)
			seen = append(seen, strings.Join([]string{c.Spec.Name, string(c.Actor.ID), c.RequestID, c.Grant.Reach.String(), string(domain.CodeOf(err))}, " "))
			require.Equal(t, err == nil, got)
			return err
		}
	}
	s := &stub{tb: t}
	svc := s.service(func(cfg *service.Config) { cfg.Middleware = []service.Middleware{observe} })
	_, err := readCall.call(alice(t), svc)
	require.NoError(t, err)
	_, err = readCall.call(t.Context(), svc)
	require.Error(t, err)
	s.handle = func(context.Context) error { return domain.NotFound("image", "x") }
	_, err = readCall.call(alice(t), svc)
	require.Error(t, err)
	s.authorize = func(domain.Actor, string) (domain.Grant, error) { return domain.Grant{}, nil }
	_, err = readCall.call(alice(t), svc)
	require.Error(t, err)
	require.Equal(t, []string{
		"image.get alice req-1 any ", "image.get   none unauthenticated", "image.get alice req-1 any not_found", "image.get alice req-1 none forbidden",
	}, seen)

	stop := func(service.Invoke) service.Invoke {
		return func(context.Context, *service.Call) error { return errors.New("closed for today") }
	}
	s.played()
	_, err = readCall.call(alice(t), s.service(func(cfg *service.Config) { cfg.Middleware = []service.Middleware{stop} }))
	require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
	require.Empty(t, s.played())
}

func TestOneLineIsLoggedPerCall(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t}
	svc := s.service()
	for _, c := range doorCalls {
		_, err := c.call(alice(t), svc)
		require.NoError(t, err)
	}
	s.handle = func(context.Context) error { return domain.NotFound("image", "x") }
	_, err := readCall.call(alice(t), svc)
	require.Error(t, err)
	s.handle = func(context.Context) error { return errors.New("disk on fire") }
	_, err = readCall.call(alice(t), svc)
	require.Error(t, err)

	lines := s.lines("action")
	var levels []any
	for _, l := range lines {
		levels = append(levels, l["level"])
		require.Equal(t, "alice", l["actor"])
		require.Equal(t, "req-1", l["request_id"])
		require.Contains(t, l, "took")
	}
	require.Equal(t, []any{"DEBUG", "INFO", "INFO", "WARN", "ERROR"}, levels)
	require.Equal(t, "image_not_found", lines[3]["reason"])
	require.Contains(t, lines[4]["err"], "disk on fire", "operators read the cause")
}

func TestALevelThatIsOffCostsNoLine(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t}
	svc := s.service(func(c *service.Config) { c.Logger = slog.New(slog.NewJSONHandler(&s.logs, nil)) })
	_, err := readCall.call(alice(t), svc)
	require.NoError(t, err)
	require.Empty(t, s.logs.String())
}

func TestEveryCallHasTheDeadlineOfItsEffect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeouts service.Timeouts
		want     [3]time.Duration // read, write, agent; 0 is none
	}{
		"the defaults": {service.Timeouts{}, [3]time.Duration{30 * time.Second, 30 * time.Second, 0}},
		"their own":    {service.Timeouts{Read: time.Second, Write: time.Minute, Agent: time.Hour}, [3]time.Duration{time.Second, time.Minute, time.Hour}},
		"none":         {service.Timeouts{Read: -1, Write: -1, Agent: -1}, [3]time.Duration{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var left [3]time.Duration
				n := 0
				s := &stub{tb: t, handle: func(ctx context.Context) error {
					if at, ok := ctx.Deadline(); ok {
						left[n] = time.Until(at)
					}
					n++
					return nil
				}}
				svc := s.service(func(cfg *service.Config) { cfg.Timeouts = c.timeouts })
				for _, call := range doorCalls {
					_, err := call.call(alice(t), svc)
					require.NoError(t, err)
				}
				require.Equal(t, c.want, left)
			})
		})
	}
}

func TestACallThatTakesTooLongIsATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stub{tb: t, handle: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		start := time.Now()
		_, err := writeCall.call(alice(t), s.service())
		require.Equal(t, domain.CodeTimeout, domain.CodeOf(err))
		require.Equal(t, 30*time.Second, time.Since(start))
		require.Equal(t, domain.CodeTimeout, s.trail()[0].Code, "the deadline of the call is not that of its trail")
		require.EqualValues(t, 30*time.Second, s.lines("action")[0]["took"])
	})
}

func TestACallerThatGivesUpIsCanceled(t *testing.T) {
	t.Parallel()
	for _, c := range doorCalls {
		ctx, cancel := context.WithCancel(alice(t))
		s := &stub{tb: t, handle: func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}}
		_, err := c.call(ctx, s.service())
		require.Equal(t, domain.CodeCanceled, domain.CodeOf(err))
	}
}

func TestAnIdempotencyKeyThatIsTooLongIsInvalid(t *testing.T) {
	t.Parallel()
	for _, c := range doorCalls {
		s := &stub{tb: t, forbidden: true}
		ctx := domain.WithEnvelope(t.Context(), domain.Envelope{Actor: domain.Actor{ID: "alice"}, IdempotencyKey: strings.Repeat("k", 256)})
		_, err := c.call(ctx, s.service())
		fleetError(t, err, domain.CodeInvalid, "idempotency_key_invalid")
		require.Empty(t, s.played())
	}
}
