package bunstore

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// maxAttempts bounds how often a transaction that could not be serialized runs.
const maxAttempts = 5

// Scoped returns the store as the unit's scope reaches it.
func (s *Store) Scoped(u repository.Unit) repository.Scoped {
	u.Now = stored(u.Now)
	return &unit[repository.View]{store: s, unit: u, view: (*session).view}
}

// Admin returns the whole store. It is for grants over everything: the scope
// is widened to reach any.
func (s *Store) Admin(u repository.Unit) repository.Admin {
	u.Scope.Reach, u.Now = domain.ReachAny, stored(u.Now)
	return &unit[repository.AdminView]{store: s, unit: u, view: (*session).adminView}
}

// unit is one call's way into the store. Transactions of one unit may run at
// the same time.
type unit[V any] struct {
	store *Store
	unit  repository.Unit
	view  func(*session) V
	mu    sync.Mutex // guards unit.Audit.Target
}

func (u *unit[V]) Read() V {
	return u.view(&session{store: u.store, db: u.store.read, unit: u.unit})
}

func (u *unit[V]) InTx(ctx context.Context, fn func(ctx context.Context, tx V) error) error {
	if err := domain.RefuseInTx(ctx, "InTx"); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := u.once(ctx, fn)
		if err == nil || !isSerialization(err) || attempt == maxAttempts {
			return translate("transaction", err)
		}
		// Rivals that wait equally long meet again.
		wait := time.Duration(attempt)*5*time.Millisecond + rand.N(10*time.Millisecond)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return translate("transaction", ctx.Err())
		}
	}
}

func (u *unit[V]) once(ctx context.Context, fn func(ctx context.Context, tx V) error) error {
	tx, err := u.store.write.BeginTx(ctx, nil)
	if err != nil {
		return translate("begin", err)
	}
	done := false
	defer func() { // an error, and a panic on its way up
		if !done {
			_ = tx.Rollback()
		}
	}()
	s := &session{store: u.store, db: tx, unit: u.unit, inTx: true}
	if err := fn(domain.MarkTx(ctx), u.view(s)); err != nil {
		return err
	}
	if entry := u.entry(); entry != nil {
		if err := s.audit(ctx, *entry, s.touched, false); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return translate("commit", err)
	}
	done = true
	u.remember(s.touched)
	return nil
}

// entry copies the unit's entry: another transaction of the unit may be adding
// to it.
func (u *unit[V]) entry() *domain.AuditEntry {
	if u.unit.Audit == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	e := *u.unit.Audit
	e.Target = nil // the touched ids of each transaction are written by it
	return &e
}

// remember leaves the touched ids in the entry, for whoever finishes it.
func (u *unit[V]) remember(ids []string) {
	if u.unit.Audit == nil || len(ids) == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if !slices.Contains(u.unit.Audit.Target, id) {
			u.unit.Audit.Target = append(u.unit.Audit.Target, id)
		}
	}
}

// session is what the repositories of one view share: a connection or a
// transaction, and the unit it works for.
type session struct {
	store   *Store
	db      bun.IDB
	unit    repository.Unit
	inTx    bool
	touched []string
}

func (s *session) view() repository.View {
	return repository.View{
		Images: (*images)(s), Saves: (*saves)(s), Aliases: (*aliases)(s), Registries: (*registries)(s),
		Agents: (*agents)(s), Tenancy: (*tenancy)(s), Audit: (*audits)(s), Tasks: (*tasks)(s),
		Access: (*access)(s), Keys: (*keys)(s), Builds: (*builds)(s),
	}
}

func (s *session) adminView() repository.AdminView {
	return repository.AdminView{
		View: s.view(), Images: (*images)(s), Registries: (*registries)(s), Agents: (*agents)(s), Tenancy: (*tenancy)(s),
	}
}

// reading refuses a read past an open transaction: it would not see what the
// transaction did, and on a small pool it would wait for it.
func (s *session) reading(ctx context.Context, op string) error {
	if s.inTx {
		return nil
	}
	return domain.RefuseInTx(ctx, "store."+op)
}

// writing refuses a write outside a transaction: it would leave no audit.
func (s *session) writing(op string) error {
	if s.inTx {
		return nil
	}
	return &domain.Error{Code: domain.CodeInternal, Reason: "outside_transaction", Op: "store." + op}
}

// touch notes the id of a row that the transaction changed.
func (s *session) touch(id string) { s.touched = append(s.touched, id) }

func (s *session) actor() domain.Actor { return s.unit.Scope.Actor }

func (s *session) any() bool { return s.unit.Scope.Reach == domain.ReachAny }
