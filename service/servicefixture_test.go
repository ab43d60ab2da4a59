package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
)

// stub is every port that the door knows, without rows: it writes down what is
// called, in its order, and does what a test says. A field that is nil lets
// everything through.
type stub struct {
	repository.Store // nil: what the door does not need

	tb        testing.TB
	forbidden bool // the store is not to be opened

	limit     func(actor domain.UserID, class string) error
	authorize func(a domain.Actor, permission string) (domain.Grant, error)
	record    func(ctx context.Context, e domain.AuditEntry) error
	handle    func(ctx context.Context) error // instead of everything that a handler asks of the store

	logs fleetLog

	mu      sync.Mutex
	tape    []string
	entries []domain.AuditEntry
	units   []repository.Unit
}

// stubImage is the one image of a stub.
var stubImage = domain.Image{
	ID: "01890a5d-ac96-774b-bcce-b302099a8057", Registry: "cr.example.org", Name: "python", Tag: "3.12", Architecture: "x86_64", Status: domain.ImageAlive,
}

// service is a service on the stub; options change its configuration.
func (s *stub) service(options ...func(*service.Config)) *service.ImageService {
	s.tb.Helper()
	cfg := service.Config{
		Store: s, Authorizer: s, Limiter: stubLimiter{s},
		Logger: slog.New(slog.NewJSONHandler(&s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, o := range options {
		o(&cfg)
	}
	svc, err := service.New(cfg)
	require.NoError(s.tb, err)
	return svc
}

func (s *stub) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tape = append(s.tape, fmt.Sprintf(format, args...))
}

// played returns what was called so far and forgets it.
func (s *stub) played() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	tape := s.tape
	s.tape = nil
	return tape
}

// trail returns the entries that were recorded so far.
func (s *stub) trail() []domain.AuditEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]domain.AuditEntry(nil), s.entries...)
}

// lines returns the log so far, each line with the given message.
func (s *stub) lines(message string) []map[string]any {
	s.tb.Helper()
	var list []map[string]any
	for line := range strings.Lines(s.logs.String()) {
		var fields map[string]any
		require.NoError(s.tb, json.Unmarshal([]byte(line), &fields))
		if fields["msg"] == message {
			list = append(list, fields)
		}
	}
	return list
}

// stubLimiter is the limiter of a stub.
type stubLimiter struct{ *stub }

func (s stubLimiter) Take(_ context.Context, actor domain.UserID, class string) error {
	s.note("limit %s", class)
	if s.limit == nil {
		return nil
	}
	return s.limit(actor, class)
}

func (s *stub) Authorize(_ context.Context, a domain.Actor, permission string) (domain.Grant, error) {
	s.note("authorize %s", permission)
	if s.authorize == nil {
		return domain.Grant{Reach: domain.ReachAny, Rule: "stub"}, nil
	}
	return s.authorize(a, permission)
}

func (s *stub) Record(ctx context.Context, e domain.AuditEntry) error {
	s.note("audit %s", e.Status)
	if s.record != nil {
		if err := s.record(ctx, e); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
	return nil
}

func (s *stub) Scoped(u repository.Unit) repository.Scoped {
	s.open(u)
	return stubDB[repository.View]{repository.View{Images: stubImages{s: s}, Agents: stubAgents{s: s}}}
}

func (s *stub) Admin(u repository.Unit) repository.Admin {
	s.open(u)
	return stubDB[repository.AdminView]{repository.AdminView{Images: stubImages{s: s}, Agents: stubAgents{s: s}}}
}

func (s *stub) open(u repository.Unit) {
	if s.forbidden {
		s.tb.Errorf("the store was opened for %s", u.Scope.Reach)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units = append(s.units, u)
}

func (s *stub) Claim(context.Context, repository.IdempotencyClaim, time.Duration) ([]byte, bool, error) {
	s.tb.Error("an idempotency key was claimed")
	return nil, false, nil
}

func (s *stub) Settle(context.Context, repository.IdempotencyClaim, []byte) error {
	s.tb.Error("an idempotency key was settled")
	return nil
}

func (s *stub) handler(ctx context.Context) error {
	s.note("handler")
	if s.handle == nil {
		return nil
	}
	return s.handle(ctx)
}

// stubDB is one view, in transactions as outside them.
type stubDB[V any] struct{ view V }

func (d stubDB[V]) Read() V { return d.view }

func (d stubDB[V]) InTx(ctx context.Context, fn func(context.Context, V) error) error {
	return fn(domain.MarkTx(ctx), d.view)
}

// stubImages is what getting and forgetting an image needs.
type stubImages struct {
	repository.AdminImageRepository
	s *stub
}

func (i stubImages) Find(context.Context, domain.Lookup) ([]domain.Candidate, error) {
	return []domain.Candidate{{Image: stubImage, InReach: true}}, nil
}

func (i stubImages) Detail(ctx context.Context, img domain.Image) (domain.ImageDetail, error) {
	return domain.ImageDetail{Image: img}, i.s.handler(ctx)
}

func (i stubImages) Save(ctx context.Context, img domain.Image) (domain.Image, error) {
	return img, i.s.handler(ctx)
}

// stubAgents is what taking an inventory needs.
type stubAgents struct {
	repository.AdminAgentRepository
	s *stub
}

func (a stubAgents) Replace(ctx context.Context, _ domain.AgentID, inv domain.Inventory) (domain.InventoryChange, error) {
	return domain.InventoryChange{Added: len(inv.Images)}, a.s.handler(ctx)
}

// alice is the context of an actor with an envelope.
func alice(tb testing.TB) context.Context {
	tb.Helper()
	return domain.WithEnvelope(tb.Context(), domain.Envelope{
		Actor: domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"vision"}}, RequestID: "req-1",
	})
}

// The three calls that door tests make: a read, a write and an external effect.
// Each reaches stub.handle.
type doorCall struct {
	name, class string
	call        func(context.Context, *service.ImageService) (result any, err error)
}

var (
	readCall = doorCall{"image.get", "read", func(ctx context.Context, s *service.ImageService) (any, error) {
		return s.GetImage(ctx, actions.GetImageAction{Reference: "python:3.12"})
	}}
	writeCall = doorCall{"image.forget", "write", func(ctx context.Context, s *service.ImageService) (any, error) {
		return s.ForgetImage(ctx, actions.ForgetImageAction{Reference: "python:3.12"})
	}}
	externalCall = doorCall{"agent.report", "agent", func(ctx context.Context, s *service.ImageService) (any, error) {
		return s.ReportInventory(ctx, actions.ReportInventoryAction{AgentID: "a1", Inventory: &domain.Inventory{}})
	}}
	doorCalls = []doorCall{readCall, writeCall, externalCall}
)

// stubClock is a clock that tests move.
type stubClock struct {
	mu  sync.Mutex
	now time.Time
}

func newStubClock() *stubClock {
	return &stubClock{now: time.Date(2026, 1, 31, 12, 30, 0, 0, time.UTC)}
}

func (c *stubClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stubClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
