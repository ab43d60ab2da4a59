package service

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// settleTimeout bounds what must still be written after a call was canceled.
const settleTimeout = 5 * time.Second

// compose folds the list once, outermost first.
func compose(list ...Middleware) Invoke {
	invoke := Invoke(func(ctx context.Context, c *Call) error { return c.handler(ctx, c) })
	for i := len(list) - 1; i >= 0; i-- {
		invoke = list[i](invoke)
	}
	return invoke
}

// coded is the last thing on the way out: a panic becomes internal, and every
// error carries a code and the action's name.
func coded(log *slog.Logger, now func() time.Time) Middleware {
	return func(next Invoke) Invoke {
		next = recovered(log)(next)
		return func(ctx context.Context, c *Call) error {
			c.Start = now().UTC().Truncate(time.Microsecond)
			if err := next(ctx, c); err != nil {
				return domain.Wrap(c.Spec.Name, err)
			}
			return nil
		}
	}
}

// recovered turns a panic into an internal error. It stands twice: outermost
// for the observers, and below them, so that a panic further in still leaves a
// log line, an audit entry and a span.
func recovered(log *slog.Logger) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) (err error) {
			defer func() {
				if p := recover(); p != nil {
					log.ErrorContext(ctx, "panic", "action", c.Spec.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
					err = &domain.Error{Code: domain.CodeInternal, Reason: "panic", Err: fmt.Errorf("panic: %v", p)}
				}
			}()
			return next(ctx, c)
		}
	}
}

// logged writes one line per call: who, what, how it ended. Never the action's
// content.
func logged(log *slog.Logger, now func() time.Time) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			err := next(ctx, c)
			level := levelOf(c, err)
			if !log.Enabled(ctx, level) {
				return err
			}
			attrs := []slog.Attr{
				slog.String("action", c.Spec.Name), slog.String("actor", string(c.Actor.ID)),
				slog.Duration("took", now().Sub(c.Start)),
			}
			if c.RequestID != "" {
				attrs = append(attrs, slog.String("request_id", c.RequestID))
			}
			if err != nil {
				attrs = append(attrs, slog.String("code", string(domain.CodeOf(err))), slog.String("reason", domain.ReasonOf(err)), slog.Any("err", err))
			}
			log.LogAttrs(ctx, level, "action", attrs...)
			return err
		}
	}
}

func levelOf(c *Call, err error) slog.Level {
	switch {
	case err != nil && domain.CodeOf(err) == domain.CodeInternal:
		return slog.LevelError
	case err != nil:
		return slog.LevelWarn
	case c.Spec.Effect == actions.Read:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// authenticated is the one reader of the envelope.
func authenticated(next Invoke) Invoke {
	return func(ctx context.Context, c *Call) error {
		e, ok := domain.EnvelopeFrom(ctx)
		if !ok || e.Actor.ID == "" {
			return domain.Errorf(domain.CodeUnauthenticated, "no_actor", "", "authentication is required")
		}
		if len(e.IdempotencyKey) > 255 {
			return domain.Invalid("idempotency_key_invalid", "idempotency key", "an idempotency key has at most 255 characters")
		}
		c.Actor, c.RequestID, c.idempotencyKey = e.Actor, e.RequestID, e.IdempotencyKey
		return next(ctx, c)
	}
}

func limited(l port.Limiter) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			if attemptFrom(ctx) == nil { // a task was counted when it was submitted
				if err := l.Take(ctx, c.Actor.ID, c.Spec.Effect.String()); err != nil {
					return err
				}
			}
			return next(ctx, c)
		}
	}
}

func authorized(az port.Authorizer) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			if !c.Actor.InScope(c.Spec.Requires()) {
				return domain.Errorf(domain.CodeForbidden, "scope_too_small", c.Spec.Requires(), "the scopes of your key leave out the permission %s", c.Spec.Requires())
			}
			g, err := az.Authorize(ctx, c.Actor, c.Spec.Requires())
			if err != nil {
				return domain.Wrap("authorize", err)
			}
			if g.Reach == domain.ReachNone {
				return domain.Errorf(domain.CodeForbidden, "permission_missing", c.Spec.Requires(), "you lack the permission %s", c.Spec.Requires())
			}
			if c.wholeStore && g.Reach != domain.ReachAny {
				return domain.Errorf(domain.CodeForbidden, "reach_too_small", c.Spec.Requires(), "%s needs a grant over everything; yours reaches: %s", c.Spec.Name, g.Reach)
			}
			c.Grant = g
			if c.audit != nil {
				c.audit.Rule = g.Rule
			}
			return next(ctx, c)
		}
	}
}

// validated comes after authorization: an outsider learns nothing of the rules.
func validated(next Invoke) Invoke {
	return func(ctx context.Context, c *Call) error {
		if err := c.Action.Validate(); err != nil {
			return err
		}
		if err := actions.CheckTexts(c.Action); err != nil {
			return err
		}
		return next(ctx, c)
	}
}

func bounded(t Timeouts) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			d := c.Spec.Timeout
			if d == 0 {
				d = t.of(c.Spec.Effect)
			}
			if d <= 0 {
				return next(ctx, c)
			}
			ctx, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			return next(ctx, c)
		}
	}
}

// begun records that an external effect is about to start; without that record
// it does not.
func begun(log repository.AuditLog) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			if c.Spec.Effect.External() && c.audit != nil {
				if err := log.Record(ctx, *c.audit); err != nil {
					return domain.Wrap("audit", err)
				}
				c.began = true
			}
			return next(ctx, c)
		}
	}
}

// Rates returns what tells callers what is left of their limits, for the headers
// of transports. A limiter without the method Left tells nothing.
func Rates(l port.Limiter) func(ctx context.Context, e actions.Effect) (limit, remaining int, reset time.Duration, ok bool) {
	teller, can := l.(interface {
		Left(actor domain.UserID, class string) (limit, remaining int, reset time.Duration, ok bool)
	})
	return func(ctx context.Context, e actions.Effect) (int, int, time.Duration, bool) {
		env, known := domain.EnvelopeFrom(ctx)
		if !can || !known {
			return 0, 0, 0, false
		}
		return teller.Left(env.Actor.ID, e.String())
	}
}
