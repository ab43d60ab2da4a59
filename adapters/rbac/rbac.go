package rbac

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/casbin/casbin/v2/model"

	"github.com/wharf-project/wharf/domain"
)

const (
	// Bound is how long a revoked right can go on holding in any process while
	// the rows can be read.
	Bound = 2 * time.Second
	// MaxStale is how long the last good policy serves when the rows cannot be
	// read; afterwards every check is unavailable.
	MaxStale = 30 * time.Second
)

// Config says what an [Authorizer] decides by. Permissions is required.
type Config struct {
	// Permissions is the closed list of all there are ("image.get").
	Permissions []string
	// Policy is CSV in the form of [DefaultPolicy]; empty: that one.
	Policy string
	// Rows adds roles and bindings from a database; nil: there are none. A row
	// that is not in order is left out and logged; it cannot stop the others.
	Rows Rows
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Refresh is how often at most the rows' revision is asked; 0: one second,
	// at most [Bound].
	Refresh time.Duration
	// Logger is told of rows left out and of failed reads; nil: nobody is.
	Logger *slog.Logger
}

// Authorizer decides by roles. It starts no goroutine: when a check finds its
// view of the rows too old, it reads them itself. Safe for concurrent use.
type Authorizer struct {
	engine  *engine
	base    draft
	known   map[domain.Role]bool // the roles of base
	guarded map[domain.Role]bool // superadmin, the machines, and who inherits from them

	rows    Rows
	now     func() time.Time
	refresh time.Duration
	log     *slog.Logger

	held   atomic.Pointer[held]
	failed atomic.Pointer[failure]
	gate   chan struct{} // held by the one check that reads the rows
}

// New makes an Authorizer. It reads no rows: the first check does. Errors:
// invalid, reason policy_invalid, naming the line.
func New(cfg Config) (*Authorizer, error) {
	return newAuthorizer(cfg, modelText)
}

// Default is New with the embedded policy and no rows.
func Default(permissions []string) (*Authorizer, error) {
	return New(Config{Permissions: permissions})
}

func newAuthorizer(cfg Config, modelText string) (*Authorizer, error) {
	if err := checkPermissions(cfg.Permissions); err != nil {
		return nil, err
	}
	if cfg.Policy == "" {
		cfg.Policy = defaultPolicy
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = time.Second
	}
	if cfg.Refresh < 0 || cfg.Refresh > Bound {
		return nil, domain.Invalid("refresh_invalid", "refresh", "the policy is refreshed at least every %s: %s", Bound, cfg.Refresh)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := model.NewModelFromString(modelText)
	if err != nil {
		return nil, domain.Internal("rbac.New", err)
	}
	d, err := readCSV(cfg.Policy)
	if err != nil {
		return nil, err
	}
	a := &Authorizer{
		engine: newEngine(cfg.Permissions, m), known: map[domain.Role]bool{},
		rows: cfg.Rows, now: cfg.Now, refresh: cfg.Refresh, log: cfg.Logger, gate: make(chan struct{}, 1),
	}
	base, errs := checker{permissions: cfg.Permissions, known: a.known}.accept(d)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	a.base, a.guarded = base, guardedBy(base.links)
	a.held.Store(&held{snap: newSnapshot(a.engine, 0, base)})
	return a, nil
}

// Authorize returns what the actor may do with a permission: the widest grant
// among all roles in effect, the zero Grant when there is none. Errors:
// internal for a permission that is not in the list or when casbin fails;
// unavailable when the rows cannot be read for longer than [MaxStale]; canceled
// and timeout when ctx ends first. With an error the Grant is zero.
func (a *Authorizer) Authorize(ctx context.Context, actor domain.Actor, permission string) (domain.Grant, error) {
	r, _, err := a.decide(ctx, actor, permission)
	if err != nil || r == nil {
		return domain.Grant{}, err
	}
	return domain.Grant{Reach: r.Reach, Rule: r.text}, nil
}

// decide finds the rule that decides, nil for none, and the view it is from.
func (a *Authorizer) decide(ctx context.Context, actor domain.Actor, permission string) (*rule, *snapshot, error) {
	i, ok := a.engine.index[permission]
	if !ok {
		return nil, nil, domain.Internal("rbac.Authorize", fmt.Errorf("no such permission: %s", domain.Quote(permission)))
	}
	snap, err := a.current(ctx)
	if err != nil {
		return nil, nil, err
	}
	t, err := snap.table(&actor)
	if err != nil {
		return nil, nil, err
	}
	return t[i], snap, nil
}

// guardedBy returns the roles that only the configured policy may give.
func guardedBy(links []link) map[domain.Role]bool {
	g := map[domain.Role]bool{domain.RoleSuperadmin: true, RoleSystem: true, RoleAgent: true, RoleWebhook: true}
	for n := 0; n != len(g); {
		n = len(g)
		for _, l := range links {
			if g[l.Parent] {
				g[l.Role] = true
			}
		}
	}
	return g
}

func checkPermissions(names []string) error {
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		kind, verb, _ := strings.Cut(n, ".")
		if !isWord(kind) || !isWord(verb) {
			return invalid("permissions", "a permission is kind.verb, of a-z, 0-9 and '_': %s", domain.Quote(n))
		}
		if seen[n] {
			return invalid("permissions", "%s is listed twice", n)
		}
		seen[n] = true
	}
	if len(names) == 0 {
		return invalid("permissions", "the list is empty")
	}
	return nil
}

func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
