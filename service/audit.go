package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"regexp"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

const auditParamsLimit = 4 << 10

// audited keeps the trail. A change of our rows leaves its entry in its own
// transaction (the store writes it); an external effect is recorded before and
// finished here; denials, and failures of anything but reads, are written here,
// repeats within a minute into one entry.
func audited(log *slog.Logger, store repository.AuditLog) Middleware {
	return func(next Invoke) Invoke {
		return func(ctx context.Context, c *Call) error {
			if c.Spec.Effect != actions.Read {
				c.audit = entryOf(c)
			}
			err := next(ctx, c)
			e, ok := closing(c, err)
			if !ok {
				return err
			}
			// The caller may be gone; the trail must not be.
			wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
			defer cancel()
			if werr := store.Record(wctx, e); werr != nil {
				log.ErrorContext(ctx, "audit entry lost", "action", c.Spec.Name, "actor", string(c.Actor.ID), "err", werr)
			}
			return err
		}
	}
}

func entryOf(c *Call) *domain.AuditEntry {
	status := domain.AuditOK
	if c.Spec.Effect.External() {
		status = domain.AuditStarted
	}
	return &domain.AuditEntry{
		ID: domain.NewID[domain.AuditID](), At: c.Start, Actor: c.Actor.ID, Role: c.Actor.Role, Domain: c.Actor.Domain,
		Action: c.Spec.Name, Status: status, Params: paramsOf(c.Action), Count: 1, ReqID: c.RequestID,
	}
}

// closing returns the entry to write after the call, false for none.
func closing(c *Call, err error) (domain.AuditEntry, bool) {
	if err == nil {
		if !c.began {
			return domain.AuditEntry{}, false
		}
		e := *c.audit
		e.Status, e.Count = domain.AuditOK, 0
		return e, true
	}
	code := domain.CodeOf(err)
	if c.began {
		e := *c.audit
		e.Status, e.Code, e.Reason, e.Count = domain.AuditFailed, code, domain.ReasonOf(err), 0
		return e, true
	}
	denied := code == domain.CodeForbidden
	if !denied && c.Spec.Effect == actions.Read {
		return domain.AuditEntry{}, false
	}
	e := c.audit
	if e == nil {
		e = entryOf(c)
	}
	e.Status, e.Code, e.Reason = domain.AuditFailed, code, domain.ReasonOf(err)
	if denied {
		e.Status = domain.AuditDenied
	}
	e.ID = repeatID(*e)
	return *e, true
}

// repeatID is the same for the same refusal within a minute, so that a caller
// in a loop fills a counter and not the table.
func repeatID(e domain.AuditEntry) domain.AuditID {
	h := sha256.New()
	for _, s := range []string{string(e.Actor), e.Action, string(e.Status), string(e.Code), e.Reason, string(e.Params), e.At.Truncate(time.Minute).String()} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	s := hex.EncodeToString(h.Sum(nil)[:16])
	// The shape of an id, version 8: made by a rule of our own (RFC 9562, 5.8).
	return domain.AuditID(s[:8] + "-" + s[8:12] + "-8" + s[13:16] + "-8" + s[17:20] + "-" + s[20:32])
}

// inURL finds credentials where they must not be, and are refused: in a URL.
var inURL = regexp.MustCompile(`://[^/@\s"]+@`)

// paramsOf is the action as JSON: secrets redact themselves, and what is too
// long is replaced by its size, so that a row stays small.
func paramsOf(a actions.Action) json.RawMessage {
	b, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	b = inURL.ReplaceAll(b, []byte("://***@"))
	if len(b) > auditParamsLimit {
		b, _ = json.Marshal(map[string]int{"omitted_bytes": len(b)})
	}
	return b
}
