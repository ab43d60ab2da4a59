package repositorytest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var records = []sentence{
	{"a recorded entry comes back as it was", recordRoundTrip},
	{"repeats of an entry are counted in one, and the last of them tells how it ended", recordsCoalesce},
	{"an entry that was recorded at the start is finished by the transaction", recordThenTransaction},
	{"an entry of a transaction is finished by recording", transactionThenRecord},
	{"entries that are recorded at once are all counted", recordsRace},
	{"what callers send cannot keep an entry from being written", recordOfAnything},
}

func recordRoundTrip(t *testing.T, st repository.Store) {
	want := domain.AuditEntry{
		ID: domain.NewID[domain.AuditID](), At: Now.Add(time.Microsecond), Actor: "agent:a1", Role: "it's", Domain: "default", Action: "image.purge",
		Status: domain.AuditDenied, Code: domain.CodeForbidden, Reason: "image_out_of_reach", Rule: `p, "user", *`, Target: []string{"a", "b"},
		Params: json.RawMessage(`{"a":"\\ % é"}`), Count: 3, ReqID: "r",
	}
	bare := domain.AuditEntry{ID: domain.NewID[domain.AuditID](), At: Now, Action: "x", Status: domain.AuditOK, Count: 1}
	record(t, st, want)
	record(t, st, bare)
	got := entryNow(t, st, want.ID)
	checkParams(t, got.Params, want.Params)
	got.Params, want.Params = nil, nil
	wantSame(t, "the entry", got, want)
	got = entryNow(t, st, bare.ID)
	if len(got.Params) != 0 || len(got.Target) != 0 {
		t.Errorf("params %q and targets %q of nothing", got.Params, got.Target)
	}
	got.Params, got.Target = nil, nil
	wantSame(t, "the bare entry", got, bare)
}

func recordsCoalesce(t *testing.T, st repository.Store) {
	first := newEntry(alice)
	first.Status, first.Code, first.Reason, first.Target = domain.AuditDenied, domain.CodeForbidden, "first", []string{"a", "b"}
	second := first
	second.At, second.Status, second.Code, second.Reason, second.Count = Now.Add(time.Second), domain.AuditFailed, domain.CodeConflict, "second", 4
	second.Target = []string{"b", "c"}
	other := newEntry(alice)
	for _, e := range []domain.AuditEntry{first, other, second} {
		record(t, st, e)
	}
	want := second
	want.At, want.Count, want.Target = Now, 5, []string{"a", "b", "c"} // when it began, how often it was, and all it was about
	wantSame(t, "the entry", entryNow(t, st, first.ID), want)
	wantSame(t, "the other", entryNow(t, st, other.ID), other)
}

func recordThenTransaction(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	u, e := audited(alice)
	u.Audit.Status, e.Status = domain.AuditStarted, domain.AuditStarted
	record(t, st, e)
	mustTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error { return second(tx.Images.Save(ctx, s.img)) })
	got := entryNow(t, st, e.ID)
	if len(entries(t, whole(st))) != 1 || got.Status != domain.AuditStarted || got.Count != 1 || len(got.Target) != 1 || got.Target[0] != string(s.img.ID) {
		t.Errorf("after the transaction: %+v", got)
	}
}

func transactionThenRecord(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	u, e := audited(alice)
	u.Audit.Status = domain.AuditStarted
	mustTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error { return second(tx.Images.Save(ctx, s.img)) })
	e.Status, e.Code, e.Reason, e.Count, e.Target = domain.AuditFailed, domain.CodeTimeout, "timeout", 0, []string{string(s.img.ID)}
	record(t, st, e)
	e.Count = 1
	wantSame(t, "the entry", entryNow(t, st, e.ID), e)
}

func recordsRace(t *testing.T, st repository.Store) {
	e := newEntry(alice)
	e.Status, e.Target = domain.AuditDenied, []string{"a"}
	for _, err := range atOnce(12, func(int) error { return st.Record(t.Context(), e) }) {
		if err != nil {
			t.Error(err)
		}
	}
	e.Count = 12
	wantSame(t, "the entry", entryNow(t, st, e.ID), e)
}

func recordOfAnything(t *testing.T, st repository.Store) {
	for what, spoil := range map[string]func(*domain.AuditEntry){
		"an actor of no text":     func(e *domain.AuditEntry) { e.Actor = "a\x00\xff" },
		"a role of no text":       func(e *domain.AuditEntry) { e.Role = "a\x00\xff" },
		"a domain of no text":     func(e *domain.AuditEntry) { e.Domain = "a\x00\xff" },
		"a request of no text":    func(e *domain.AuditEntry) { e.ReqID = "a\x00\xff" },
		"a target of no text":     func(e *domain.AuditEntry) { e.Target = []string{"a\x00\xff"} },
		"a long target":           func(e *domain.AuditEntry) { e.Target = []string{noise(255)} }, // the longest name
		"a target that is twice":  func(e *domain.AuditEntry) { e.Target = []string{"a", "b", "a"} },
		"many targets":            func(e *domain.AuditEntry) { e.Target = strings.Split(noise(9000), "") },
		"params with NUL":         func(e *domain.AuditEntry) { e.Params = json.RawMessage(`{"a\u0000":"\u0000"}`) },
		"params that are no JSON": func(e *domain.AuditEntry) { e.Params = json.RawMessage(`{`) },
		"params with half a pair": func(e *domain.AuditEntry) { e.Params = json.RawMessage(`"\ud800"`) },
		"params with big numbers": func(e *domain.AuditEntry) { e.Params = json.RawMessage(`[1e999, 123456789012345678901234567890]`) },
	} {
		e := newEntry(alice)
		spoil(&e)
		if err := st.Record(t.Context(), e); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		entryNow(t, st, e.ID)
	}
	u, e := audited(alice)
	e.Actor, u.Audit = "a\x00\xff", &e
	mustTx(t, st.Scoped(u), func(context.Context, repository.View) error { return nil })
	entryNow(t, st, e.ID)
}
