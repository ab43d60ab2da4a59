package service_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// fleetFlaky is a store whose n-th call is refused: every call of a repository
// counts, every begin and commit of a transaction, and every entry of the trail.
type fleetFlaky struct {
	repository.Store

	mu    sync.Mutex
	calls []string
	fail  int // 0: never
}

// arm starts to count anew; the n-th call from now on fails.
func (f *fleetFlaky) arm(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.fail = nil, n
}

// made is the calls since arm.
func (f *fleetFlaky) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fleetFlaky) tick(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, op)
	if len(f.calls) != f.fail {
		return nil
	}
	return &domain.Error{
		Code: domain.CodeUnavailable, Reason: "database_unavailable", On: op, Op: "store." + op,
		Message: "the database does not answer", Err: fmt.Errorf("call %d", f.fail),
	}
}

func fleetCall[T any](f *fleetFlaky, op string, do func() (T, error)) (T, error) {
	if err := f.tick(op); err != nil {
		var zero T
		return zero, err
	}
	return do()
}

func fleetPage[T any](f *fleetFlaky, op string, do func() ([]T, domain.PageInfo, error)) ([]T, domain.PageInfo, error) {
	if err := f.tick(op); err != nil {
		return nil, domain.PageInfo{}, err
	}
	return do()
}

func (f *fleetFlaky) Record(ctx context.Context, e domain.AuditEntry) error {
	if err := f.tick("audit.record"); err != nil {
		return err
	}
	return f.Store.Record(ctx, e)
}

func (f *fleetFlaky) Claim(ctx context.Context, c repository.IdempotencyClaim, busy time.Duration) ([]byte, bool, error) {
	if err := f.tick("idempotency.claim"); err != nil {
		return nil, false, err
	}
	return f.Store.Claim(ctx, c, busy)
}

func (f *fleetFlaky) Settle(ctx context.Context, c repository.IdempotencyClaim, result []byte) error {
	if err := f.tick("idempotency.settle"); err != nil {
		return err
	}
	return f.Store.Settle(ctx, c, result)
}

func (f *fleetFlaky) Scoped(u repository.Unit) repository.Scoped {
	return fleetFlakyDB[repository.View]{f, f.Store.Scoped(u), f.view}
}

func (f *fleetFlaky) Admin(u repository.Unit) repository.Admin {
	return fleetFlakyDB[repository.AdminView]{f, f.Store.Admin(u), f.adminView}
}

type fleetFlakyDB[V any] struct {
	f    *fleetFlaky
	db   repository.DB[V]
	wrap func(V) V
}

func (d fleetFlakyDB[V]) Read() V { return d.wrap(d.db.Read()) }

func (d fleetFlakyDB[V]) InTx(ctx context.Context, fn func(ctx context.Context, tx V) error) error {
	if err := d.f.tick("begin"); err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx V) error {
		if err := fn(ctx, d.wrap(tx)); err != nil {
			return err
		}
		return d.f.tick("commit")
	})
}

func (f *fleetFlaky) view(v repository.View) repository.View {
	return repository.View{
		Saves: fleetFlakySaves{f, v.Saves}, Images: fleetFlakyImages{f: f, ImageRepository: v.Images}, Aliases: fleetFlakyAliases{f, v.Aliases},
		Registries: fleetFlakyRegistries{f: f, RegistryRepository: v.Registries}, Agents: fleetFlakyAgents{f: f, AgentRepository: v.Agents},
		Tenancy: fleetFlakyTenancy{f: f, TenancyRepository: v.Tenancy}, Audit: v.Audit,
		Access: fleetFlakyAccess{f, v.Access}, Keys: fleetFlakyKeys{f, v.Keys}, Builds: fleetFlakyBuilds{f, v.Builds},
	}
}

func (f *fleetFlaky) adminView(v repository.AdminView) repository.AdminView {
	return repository.AdminView{
		View:       f.view(v.View),
		Images:     fleetFlakyImages{f: f, ImageRepository: v.Images, admin: v.Images},
		Registries: fleetFlakyRegistries{f: f, RegistryRepository: v.Registries, admin: v.Registries},
		Agents:     fleetFlakyAgents{f: f, AgentRepository: v.Agents, admin: v.Agents},
		Tenancy:    fleetFlakyTenancy{f: f, TenancyRepository: v.Tenancy, admin: v.Tenancy},
	}
}

type fleetFlakyAliases struct {
	f *fleetFlaky
	repository.AliasRepository
}

func (r fleetFlakyAliases) Create(ctx context.Context, alias string, id domain.ImageID) (domain.Alias, error) {
	return fleetCall(r.f, "aliases.create", func() (domain.Alias, error) { return r.AliasRepository.Create(ctx, alias, id) })
}

func (r fleetFlakyAliases) Get(ctx context.Context, alias string) (domain.Alias, error) {
	return fleetCall(r.f, "aliases.get", func() (domain.Alias, error) { return r.AliasRepository.Get(ctx, alias) })
}

func (r fleetFlakyAliases) Delete(ctx context.Context, alias string) (domain.Alias, error) {
	return fleetCall(r.f, "aliases.delete", func() (domain.Alias, error) { return r.AliasRepository.Delete(ctx, alias) })
}

type fleetFlakyTenancy struct {
	f *fleetFlaky
	repository.TenancyRepository
	admin repository.AdminTenancyRepository
}

func (r fleetFlakyTenancy) Allow(ctx context.Context, g domain.ScalingGroupGrant) (bool, error) {
	return fleetCall(r.f, "tenancy.allow", func() (bool, error) { return r.admin.Allow(ctx, g) })
}

func (r fleetFlakyTenancy) Disallow(ctx context.Context, g domain.ScalingGroupGrant) (bool, error) {
	return fleetCall(r.f, "tenancy.disallow", func() (bool, error) { return r.admin.Disallow(ctx, g) })
}
