package fleet

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// Reasons of errors; callers may rely on them. A node's own come through as they
// are.
const (
	reasonUnavailable = "agent_unavailable"   // unavailable: the node is not there, silent, or stopping
	reasonReply       = "agent_reply_invalid" // unavailable: its answer is torn or makes no sense
	reasonBusy        = "agent_busy"          // rate_limited: too much waits on the node
	reasonAsk         = "agent_ask_invalid"   // unavailable: the node does not understand the ask
	reasonTooLarge    = "inventory_too_large" // precondition: more than one answer can carry
)

// failure is an error on the wire: what the end user may read, and when to try
// again.
type failure struct {
	Problem domain.Problem `json:"problem"`
	RetryMS int64          `json:"retry_ms,omitempty"`
}

func failureOf(err error) *failure {
	p := *domain.ProblemOf(err)
	p.On, p.Message = plain(p.On, longestOn), plain(p.Message, longestMessage)
	return &failure{Problem: p, RetryMS: max(domain.RetryAfterOf(err).Milliseconds(), 0)}
}

const (
	longestOn      = 1024
	longestMessage = 4096
)

var reasonForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// sound refuses codes and reasons that callers could not branch on.
func (f *failure) sound() bool {
	return slices.Contains(domain.Codes(), f.Problem.Code) && reasonForm.MatchString(f.Problem.Reason) && f.RetryMS >= 0
}

// error is the failure of a node as the manager's caller gets it. Its text is
// foreign: no control characters, no more than a screen.
func (f *failure) error(id domain.AgentID, op string) error {
	const longest = time.Hour
	return &domain.Error{
		Code: f.Problem.Code, Reason: f.Problem.Reason,
		On: plain(f.Problem.On, longestOn), Message: plain(f.Problem.Message, longestMessage),
		RetryAfter: time.Duration(min(f.RetryMS, longest.Milliseconds())) * time.Millisecond,
		Op:         "fleet: " + op + " on " + string(id),
	}
}

// plain makes foreign text safe to show, at most longest bytes of it.
func plain(s string, longest int) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, s)
}

// connectionError is the border between the connection's errors and the port's.
func connectionError(on domain.AgentID, op string, err error) error {
	e := unavailable(on, op, "NATS cannot be reached, and through it no agent")
	if errors.Is(err, nats.ErrMaxPayload) {
		e = domain.Invalid("request_too_large", string(on), "the request is larger than NATS is set up to carry")
		e.Op = "fleet: " + op
	}
	e.Err = err
	return e
}

func unavailable(on domain.AgentID, op, format string, args ...any) *domain.Error {
	e := domain.Errorf(domain.CodeUnavailable, reasonUnavailable, string(on), format, args...)
	e.Op = "fleet: " + op
	return e
}

func invalidReply(on domain.AgentID, op string, err error) error {
	e := domain.Errorf(domain.CodeUnavailable, reasonReply, string(on), "the answer of the agent %s is torn or makes no sense; try again, and see that both ends run one version", on)
	e.Op, e.Err = "fleet: "+op, err
	return e
}

func contextError(ctx context.Context, on domain.AgentID, op string) error {
	return &domain.Error{Code: domain.CodeOf(ctx.Err()), On: string(on), Op: "fleet: " + op, Err: ctx.Err()}
}

// refusal is what a node answers without doing anything.
func refusal(code domain.Code, reason string, on domain.AgentID, format string, args ...any) error {
	return domain.Errorf(code, reason, string(on), format, args...)
}

func stopping(on domain.AgentID) error {
	return refusal(domain.CodeUnavailable, reasonUnavailable, on, "the agent %s is stopping", on)
}
