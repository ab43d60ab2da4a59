package service

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// Call is one action on its way through the door, as middleware sees it. Actor
// and Grant are set by the door's own middleware on the way in.
type Call struct {
	Spec      actions.Spec
	Action    actions.Action
	Actor     domain.Actor
	RequestID string
	Grant     domain.Grant
	Start     time.Time // one clock reading per call, microseconds, UTC

	wholeStore     bool // refused unless the grant is over everything
	idempotencyKey string
	audit          *domain.AuditEntry // nil for reads
	began          bool               // a started entry was recorded
	handler        Invoke
	result         func() any // boxed only for who asks: results can be large
}

// Result returns what the handler gave, nil before it ran and after an error.
// Middleware may read it; nothing can replace it.
func (c *Call) Result() any {
	if c.result == nil {
		return nil
	}
	return c.result()
}

// Invoke is the rest of the way to the handler.
type Invoke func(ctx context.Context, c *Call) error

// Middleware wraps the way to the handler of every action. It may stop a call
// with an error; it must call next at most once.
type Middleware func(next Invoke) Invoke

// door is the one way to a handler.
type door struct {
	invoke  Invoke
	store   repository.Store
	tenancy port.Tenancy

	resolutions port.Resolutions // nil: nothing is remembered
}

// run brings an action through the door. It is the only caller of handlers.
func run[A actions.Action, R any](ctx context.Context, d *door, a A, h func(context.Context, *Call) (R, error)) (R, error) {
	return enter(ctx, d, &Call{Spec: a.Spec(), Action: a, wholeStore: reachesAll(a)}, h)
}

// reachesAll reports whether a scoped action, as it is filled in, does what only
// a grant over everything may.
func reachesAll(a actions.Action) bool {
	may, says := a.(interface{ ReachesAll() bool })
	return says && may.ReachesAll()
}

func enter[R any](ctx context.Context, d *door, c *Call, h func(context.Context, *Call) (R, error)) (R, error) {
	var res R
	c.handler = func(ctx context.Context, c *Call) (err error) {
		if c.idempotencyKey != "" && c.Spec.Effect != actions.Read {
			res, err = once(ctx, d, c, h)
		} else {
			res, err = h(ctx, c)
		}
		if err == nil {
			c.result = func() any { return res }
		}
		return err
	}
	if err := d.invoke(ctx, c); err != nil {
		var zero R
		return zero, err
	}
	return res, nil
}

// scoped runs a handler with the store as the call's grant reaches it.
func scoped[A actions.Action, R any](ctx context.Context, d *door, a A, h func(context.Context, repository.Scoped, A) (R, error)) (R, error) {
	return run(ctx, d, a, func(ctx context.Context, c *Call) (R, error) {
		return h(ctx, d.scopedFor(c), a)
	})
}

// scopedFor is the store of scoped, for the handlers that are about the caller
// and so come through run.
func (d *door) scopedFor(c *Call) repository.Scoped {
	u := d.unit(c)
	return remembering(d.resolutions, c, u, d.store.Scoped(u))
}

// admin runs a handler with the whole store, for grants over everything only.
func admin[A actions.Action, R any](ctx context.Context, d *door, a A, h func(context.Context, repository.Admin, A) (R, error)) (R, error) {
	c := &Call{Spec: a.Spec(), Action: a, wholeStore: true}
	return enter(ctx, d, c, func(ctx context.Context, c *Call) (R, error) {
		db := d.store.Admin(d.unit(c))
		if d.resolutions != nil && c.Spec.Effect != actions.Read {
			db = forgetting[repository.AdminView]{db, d.resolutions}
		}
		return h(ctx, db, a)
	})
}

func (d *door) unit(c *Call) repository.Unit {
	u := repository.Unit{Scope: domain.Scope{Reach: c.Grant.Reach, Actor: c.Actor}, Audit: c.audit, Now: c.Start}
	if d.tenancy != nil {
		u.Tenancy = d.tenancy
	}
	return u
}
