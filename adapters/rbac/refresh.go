package rbac

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// held is a view of the rows and when it was last known to be the newest.
type held struct {
	snap    *snapshot
	checked time.Time // zero: never
}

// failure is the end of the last try to read the rows, when it failed.
type failure struct {
	at  time.Time
	err error
}

// patience is what one reading of the rows may take.
const patience = 2 * time.Second

// current returns a view that is good enough to decide by. Within Refresh it
// costs a comparison. Then one check asks for the revision while the others go
// on with what is there; once that is older than [Bound] they wait for it.
func (a *Authorizer) current(ctx context.Context) (*snapshot, error) {
	h := a.held.Load()
	if a.rows == nil {
		return h.snap, nil
	}
	asked := a.now()
	age := since(asked, h.checked)
	if age < a.refresh {
		return h.snap, nil
	}
	if a.serves(age) {
		select {
		case a.gate <- struct{}{}:
		default:
			return h.snap, nil
		}
	} else {
		select {
		case a.gate <- struct{}{}:
		case <-ctx.Done():
			return nil, domain.Wrap("rbac.refresh", ctx.Err())
		}
	}
	defer func() { <-a.gate }()
	// Who waited takes what another check has read meanwhile: a slow database
	// answers the whole queue once, not one by one.
	if newer := a.held.Load(); newer != h && asked.Sub(newer.checked) < Bound {
		return newer.snap, nil
	}
	return a.renew(ctx)
}

// renew reads the rows if they changed. The caller holds the gate.
func (a *Authorizer) renew(ctx context.Context) (*snapshot, error) {
	h := a.held.Load()
	if f := a.failed.Load(); f == nil || since(a.now(), f.at) >= a.refresh {
		began := a.now() // before reading: what is read is at least this new
		snap, err := a.read(ctx, h)
		if err == nil {
			a.held.Store(&held{snap: snap, checked: began})
			a.failed.Store(nil)
			return snap, nil
		}
		// A caller that gives up says nothing about the rows, and must not
		// be able to make an old policy last longer.
		if ctx.Err() != nil {
			return nil, domain.Wrap("rbac.refresh", ctx.Err())
		}
		a.log.WarnContext(ctx, "policy rows cannot be read", slog.Any("error", err), slog.Time("last_good", h.checked))
		a.failed.Store(&failure{at: a.now(), err: err})
	}
	if a.serves(since(a.now(), h.checked)) {
		return h.snap, nil
	}
	return nil, &domain.Error{
		Code: domain.CodeUnavailable, Reason: "policy_unavailable", Message: "access rights cannot be read at the moment",
		RetryAfter: a.refresh, Op: "rbac.refresh", Err: a.failed.Load().err,
	}
}

// serves reports whether a view of this age may be used without asking again.
func (a *Authorizer) serves(age time.Duration) bool {
	return age < Bound || age < MaxStale && a.failed.Load() != nil
}

func (a *Authorizer) read(ctx context.Context, h *held) (*snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	revision, err := a.rows.Revision(ctx)
	if err != nil {
		return nil, err
	}
	if !h.checked.IsZero() && revision == h.snap.revision {
		return h.snap, nil
	}
	// Rows that change between the two readings carry another revision, so the
	// next check loads them again.
	p, err := a.rows.Load(ctx)
	if err != nil {
		return nil, err
	}
	extra, errs := a.judge(p)
	for _, err := range errs[:min(len(errs), 20)] {
		a.log.WarnContext(ctx, "policy row left out", slog.Any("error", err), slog.Int("left_out", len(errs)))
	}
	return newSnapshot(a.engine, revision, a.base, extra), nil
}

// judge splits rows into those in order and the errors of the others.
func (a *Authorizer) judge(p Policy) (draft, []error) {
	return checker{permissions: a.engine.names, known: maps.Clone(a.known), guarded: a.guarded}.accept(draftOf(p))
}

// Check tells whoever writes rows whether all of them together are in order.
// Errors: invalid, reason policy_invalid, for the first that is not. Reading
// leaves such a row out, so that no row can take everybody's rights away.
func (a *Authorizer) Check(p Policy) error {
	if _, errs := a.judge(p); len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// since is the age of t; for ever when t is unset or the clock went back.
func since(now, t time.Time) time.Duration {
	d := now.Sub(t)
	if t.IsZero() || d < 0 {
		return math.MaxInt64
	}
	return d
}
