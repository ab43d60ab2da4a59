package repositorytest_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// fault is one broken promise and the sentence, as "topic: says", that has to
// see it.
type fault struct {
	seenBy string
	in     func(repository.Store) repository.Store
}

// broken is a store with parts replaced; nil parts are as they were.
type broken struct {
	repository.Store
	unit   func(repository.Unit) repository.Unit
	view   func(repository.Unit, *repository.View)
	admin  func(repository.Unit, *repository.AdminView)
	inTx   wrapTx
	claim  func(result []byte, done bool, err error) ([]byte, bool, error)
	record func(domain.AuditEntry) domain.AuditEntry
}

// wrapTx runs a transaction: begin is the real one, around fn.
type wrapTx func(ctx context.Context, begin func(fn func(context.Context) error) error, fn func(context.Context) error) error

func (b broken) Scoped(u repository.Unit) repository.Scoped {
	u = b.edit(u)
	return brokenDB[repository.View]{b.Store.Scoped(u), func(v repository.View) repository.View {
		if b.view != nil {
			b.view(u, &v)
		}
		return v
	}, b.inTx}
}

func (b broken) Admin(u repository.Unit) repository.Admin {
	u = b.edit(u)
	return brokenDB[repository.AdminView]{b.Store.Admin(u), func(v repository.AdminView) repository.AdminView {
		if b.view != nil {
			b.view(u, &v.View)
		}
		if b.admin != nil {
			b.admin(u, &v)
		}
		return v
	}, b.inTx}
}

func (b broken) edit(u repository.Unit) repository.Unit {
	if b.unit != nil {
		return b.unit(u)
	}
	return u
}

func (b broken) Claim(ctx context.Context, c repository.IdempotencyClaim, busy time.Duration) ([]byte, bool, error) {
	result, done, err := b.Store.Claim(ctx, c, busy)
	if b.claim != nil {
		return b.claim(result, done, err)
	}
	return result, done, err
}

func (b broken) Record(ctx context.Context, e domain.AuditEntry) error {
	if b.record != nil {
		e = b.record(e)
	}
	return b.Store.Record(ctx, e)
}

type brokenDB[V any] struct {
	repository.DB[V]
	view func(V) V
	wrap wrapTx
}

func (d brokenDB[V]) Read() V { return d.view(d.DB.Read()) }

func (d brokenDB[V]) InTx(ctx context.Context, fn func(ctx context.Context, tx V) error) error {
	if d.wrap == nil {
		return d.DB.InTx(ctx, func(ctx context.Context, tx V) error { return fn(ctx, d.view(tx)) })
	}
	var view V
	return d.wrap(ctx, func(inner func(context.Context) error) error {
		return d.DB.InTx(ctx, func(ctx context.Context, tx V) error {
			view = d.view(tx)
			return inner(ctx)
		})
	}, func(ctx context.Context) error { return fn(ctx, view) })
}

// whole is the store as reach any has it.
func whole(st repository.Store) repository.View {
	return st.Scoped(repository.Unit{Scope: domain.Scope{Reach: domain.ReachAny}}).Read()
}

// ofUnit breaks what calls bring.
func ofUnit(edit func(*repository.Unit)) func(repository.Store) repository.Store {
	return func(st repository.Store) repository.Store {
		return broken{Store: st, unit: func(u repository.Unit) repository.Unit {
			edit(&u)
			return u
		}}
	}
}

// ofView breaks repositories, of admins too where they are the same.
func ofView(edit func(st repository.Store, v *repository.View)) func(repository.Store) repository.Store {
	return func(st repository.Store) repository.Store {
		return broken{Store: st, view: func(_ repository.Unit, v *repository.View) { edit(st, v) }}
	}
}

// ofAdmin breaks repositories of admins.
func ofAdmin(edit func(v *repository.AdminView)) func(repository.Store) repository.Store {
	return func(st repository.Store) repository.Store {
		return broken{Store: st, admin: func(_ repository.Unit, v *repository.AdminView) { edit(v) }}
	}
}

// ofQuery breaks what lists of images look for.
func ofQuery(edit func(*domain.ImageQuery, *domain.Page)) func(repository.Store) repository.Store {
	return ofView(func(_ repository.Store, v *repository.View) { v.Images = lists{v.Images, edit} })
}

type lists struct {
	repository.ImageRepository
	edit func(*domain.ImageQuery, *domain.Page)
}

func (l lists) List(ctx context.Context, q domain.ImageQuery, p domain.Page) ([]domain.ImageDetail, domain.PageInfo, error) {
	l.edit(&q, &p)
	return l.ImageRepository.List(ctx, q, p)
}

// leaves edits every leaf of a filter.
func leaves(f domain.Filter, edit func(*domain.Filter)) domain.Filter {
	var parts [2][]domain.Filter
	for i, list := range [][]domain.Filter{f.And, f.Or} {
		for _, p := range list {
			parts[i] = append(parts[i], leaves(p, edit))
		}
	}
	f.And, f.Or = parts[0], parts[1]
	if f.Not != nil {
		not := leaves(*f.Not, edit)
		f.Not = &not
	}
	edit(&f)
	return f
}

func commitsAnyway(_ context.Context, begin func(func(context.Context) error) error, fn func(context.Context) error) error {
	var failed error
	return errors.Join(begin(func(ctx context.Context) error {
		failed = fn(ctx)
		return nil
	}), failed)
}

func commitsPanics(_ context.Context, begin func(func(context.Context) error) error, fn func(context.Context) error) error {
	var panicked any
	err := begin(func(ctx context.Context) error {
		defer func() { panicked = recover() }()
		return fn(ctx)
	})
	if panicked != nil {
		panic(panicked)
	}
	return err
}

func unmarked(ctx context.Context, begin func(func(context.Context) error) error, fn func(context.Context) error) error {
	return begin(func(context.Context) error { return fn(ctx) })
}

func recodes(from, to domain.Code, err error) error {
	if domain.CodeOf(err) == from {
		return &domain.Error{Code: to, Err: errors.New(err.Error())}
	}
	return err
}

func folded(f *domain.Filter) { f.Value = strings.ToLower(f.Value) }

func wild(f *domain.Filter) {
	if f.Op == domain.Contains && f.Value == "%" {
		f.Value = ""
	}
}
