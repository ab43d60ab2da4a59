package domain

import (
	"context"
	"slices"
)

// Role names a set of permissions. The four below are the default ones; an
// installation may define more.
type Role string

// The roles of the default policy.
const (
	RoleSuperadmin Role = "superadmin" // everything, everywhere
	RoleAdmin      Role = "admin"      // reads one domain, and shares there what it has
	RoleMonitor    Role = "monitor"    // reads everything, changes nothing
	RoleUser       Role = "user"       // what is visible, and their own images
)

// Actor is who calls: a person, or a machine ("agent:<id>", "webhook:<registry>",
// "system"). Domain and Projects are the embedder's names; both may be empty.
type Actor struct {
	ID       UserID   `json:"id"`
	Role     Role     `json:"role"`
	Domain   string   `json:"domain,omitempty"`
	Projects []string `json:"projects,omitempty"`
	// Scopes narrow what the actor may do to the permissions that one of these
	// patterns covers, whatever its roles grant; none: no narrowing.
	Scopes []string `json:"scopes,omitempty"`
}

// InProject reports whether the actor belongs to project.
func (a Actor) InProject(project string) bool { return slices.Contains(a.Projects, project) }

// Envelope is what travels beside an action: who calls, and how the call is
// identified. It is set by the transport's authentication or by the embedder.
type Envelope struct {
	Actor Actor
	// RequestID appears in logs and audit; empty: none.
	RequestID string
	// IdempotencyKey makes a write run once: the same key from the same actor
	// gives the stored result. 1-255 characters; empty: none.
	IdempotencyKey string
}

type envelopeKey struct{}

// WithEnvelope returns a context that carries e; it replaces an earlier one.
func WithEnvelope(ctx context.Context, e Envelope) context.Context {
	return context.WithValue(ctx, envelopeKey{}, &e)
}

// WithActor is WithEnvelope for a call that has only an actor; an envelope that
// is already there keeps its other fields.
func WithActor(ctx context.Context, a Actor) context.Context {
	e, _ := EnvelopeFrom(ctx)
	e.Actor = a
	return WithEnvelope(ctx, e)
}

// WithIdempotencyKey adds a key to the envelope of ctx, which keeps its other
// fields.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	e, _ := EnvelopeFrom(ctx)
	e.IdempotencyKey = key
	return WithEnvelope(ctx, e)
}

// EnvelopeFrom returns the envelope of ctx, false when there is none.
func EnvelopeFrom(ctx context.Context) (Envelope, bool) {
	e, ok := ctx.Value(envelopeKey{}).(*Envelope)
	if !ok {
		return Envelope{}, false
	}
	return *e, true
}
