package repositorytest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var endings = []sentence{
	{"a caller that gave up is told canceled by every call", canceledCalls},
	{"a caller whose time is over is told timeout by every call", lateCalls},
	{"a store that is closed is unavailable", closedStore},
}

func canceledCalls(t *testing.T, st repository.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newSubject(t, st)
	before := everythingStored(t, st)
	checkEnded(ctx, t, st, s, domain.CodeCanceled)
	wantSame(t, "what is stored", everythingStored(t, st), before)
}

func lateCalls(t *testing.T, st repository.Store) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s := newSubject(t, st)
	before := everythingStored(t, st)
	checkEnded(ctx, t, st, s, domain.CodeTimeout)
	wantSame(t, "what is stored", everythingStored(t, st), before)
}

// checkEnded makes every call with a context that has ended, or on a store
// that has.
func checkEnded(ctx context.Context, t *testing.T, st repository.Store, s subject, want domain.Code) {
	t.Helper()
	for reach, db := range map[string]repository.Scoped{"any": whole(st), "visible": as(st, domain.ReachVisible, alice)} {
		for name, read := range s.reads() {
			wantError(t, reach+", "+name, read(ctx, db.Read()), want, "")
		}
	}
	for name, read := range s.adminReads() {
		wantError(t, name, read(ctx, root(st).Read()), want, "")
	}
	u, _ := audited(alice)
	wantError(t, "InTx", st.Scoped(u).InTx(ctx, s.change1), want, "")
	wantError(t, "InTx of an admin", root(st).InTx(ctx, s.adminWrites()["Images.Clear"]), want, "")
	wantError(t, "Record", st.Record(ctx, newEntry(alice)), want, "")
	_, _, err := st.Claim(ctx, newClaim(), busy)
	wantError(t, "Claim", err, want, "")
	wantError(t, "Settle", st.Settle(ctx, newClaim(), []byte("{}")), want, "")
	wantError(t, "giving a claim back", st.Settle(ctx, newClaim(), nil), want, "")
	if want == domain.CodeUnavailable {
		return
	}
	// It may also end in the middle of a transaction.
	for name, write := range s.writes() {
		err := inTx(t, whole(st), func(_ context.Context, tx repository.View) error { return write(domain.MarkTx(ctx), tx) })
		wantError(t, name, err, want, "")
	}
}

func closedStore(t *testing.T, st repository.Store) {
	c, ok := st.(io.Closer)
	if !ok {
		t.Skip("this store cannot be closed")
	}
	s := newSubject(t, st)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	checkEnded(t.Context(), t, st, s, domain.CodeUnavailable)
}
