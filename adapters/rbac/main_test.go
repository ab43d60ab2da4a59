package rbac_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

// permissions is the list that the default policy is written for.
var permissions = []string{
	"image.get", "image.list", "image.forget", "image.restore", "image.purge", "image.modify", "image.scan", "image.untag",
	"image.installed_agents", "image.clear", "image.use", "image.set_limit", "image.clear_limit",
	"alias.create", "alias.delete", "alias.search", "reference.parse",
	"agent.purge_images", "agent.preload_images", "agent.unload_images", "agent.register", "agent.modify", "agent.remove",
	"agent.list", "agent.report",
	"scaling_group.allow", "scaling_group.disallow", "scaling_group.list",
	"registry.create", "registry.modify", "registry.delete", "registry.list", "registry.allow", "registry.disallow",
	"registry.associate", "registry.disassociate", "registry.rescan",
	"audit.search", "access.explain", "task.get", "task.list", "task.cancel", "task.retry", "agent.intents", "agent.drop_intents",
	"access.who_can", "role.modify", "role.create", "role.delete", "role.get", "role.list", "role.bind", "role.unbind", "role.bindings",
	"key.create", "key.list", "key.revoke",
	"remote.list", "remote.tags", "remote.digest", "remote.tag_info", "remote.size", "remote.remove", "image.push", "image.pull", "image.save", "registry.credential",
	"build_task.create", "build_task.get", "build_task.list", "build_task.delete", "model.create", "model.get", "model.list", "model.delete",
	"pipeline.create", "pipeline.get", "pipeline.list", "pipeline.delete",
	"build.image", "build.get", "build.list", "build.rename", "build.delete",
}

// rows are Rows in memory.
type rows struct {
	mu       sync.Mutex
	policy   rbac.Policy
	revision int64
	err      error         // what Revision returns
	loadErr  error         // what Load returns
	hang     chan struct{} // Revision waits for it to close, or for its context

	asked, loaded atomic.Int64
}

func (r *rows) set(p rbac.Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policy = p
	r.revision++
}

func (r *rows) fail(revision, load error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.loadErr = revision, load
}

func (r *rows) Revision(ctx context.Context) (int64, error) {
	r.asked.Add(1)
	r.mu.Lock()
	hang := r.hang
	r.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revision, r.err
}

func (r *rows) Load(context.Context) (rbac.Policy, error) {
	r.loaded.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loadErr != nil {
		return rbac.Policy{}, r.loadErr
	}
	return r.policy, nil
}

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time       { return time.Unix(0, c.ns.Load()) }
func (c *clock) pass(d time.Duration) { c.ns.Add(int64(d)) }
func (c *clock) cfg(r rbac.Rows) rbac.Config {
	return rbac.Config{Permissions: permissions, Rows: r, Now: c.Now}
}

func mustNew(tb testing.TB, cfg rbac.Config) *rbac.Authorizer {
	tb.Helper()
	a, err := rbac.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// want checks one decision.
func want(tb testing.TB, a *rbac.Authorizer, actor domain.Actor, permission string, reach domain.Reach) {
	tb.Helper()
	got, err := a.Authorize(tb.Context(), actor, permission)
	if err != nil || got.Reach != reach {
		tb.Errorf("Authorize(%+v, %s) = %s (%s), %v; want %s", actor, permission, got.Reach, got.Rule, err, reach)
	}
}

// wantCode checks that a decision fails, and grants nothing.
func wantCode(tb testing.TB, a *rbac.Authorizer, actor domain.Actor, permission string, code domain.Code) {
	tb.Helper()
	got, err := a.Authorize(tb.Context(), actor, permission)
	if domain.CodeOf(err) != code || got != (domain.Grant{}) {
		tb.Errorf("Authorize(%+v, %s) = %+v, %v; want %s", actor, permission, got, err, code)
	}
}
