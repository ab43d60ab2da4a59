package repositorytest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// patience bounds what could hang when a store is wrong.
const patience = 20 * time.Second

var (
	alice = domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"web", "ml"}}
	bob   = domain.Actor{ID: "bob", Role: domain.RoleUser, Domain: "default", Projects: []string{"ops"}}
	admin = domain.Actor{ID: "root", Role: domain.RoleSuperadmin}
)

func unit(reach domain.Reach, actor domain.Actor) repository.Unit {
	return repository.Unit{Scope: domain.Scope{Reach: reach, Actor: actor}, Now: Now}
}

// as is the store as an actor's grant reaches it.
func as(st repository.Store, reach domain.Reach, actor domain.Actor) repository.Scoped {
	return st.Scoped(unit(reach, actor))
}

func root(st repository.Store) repository.Admin { return rootAt(st, Now) }

func rootAt(st repository.Store, now time.Time) repository.Admin {
	u := unit(domain.ReachAny, admin)
	u.Now = now
	return st.Admin(u)
}

// whole is the store as a scoped handler of an admin has it.
func whole(st repository.Store) repository.Scoped { return as(st, domain.ReachAny, admin) }

// narrow are the reaches that hide rows.
var narrow = []domain.Reach{domain.ReachOwn, domain.ReachVisible}

// must takes the answer of a call that has to work: must(call(…))(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// mustTx runs a transaction that has to work.
func mustTx[V any](tb testing.TB, db repository.DB[V], fn func(ctx context.Context, tx V) error) {
	tb.Helper()
	if err := inTx(tb, db, fn); err != nil {
		tb.Fatal(err)
	}
}

// inTx runs a transaction and gives up on one that hangs.
func inTx[V any](tb testing.TB, db repository.DB[V], fn func(ctx context.Context, tx V) error) error {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	return db.InTx(ctx, fn)
}

// wantError reports an error of another code or reason; an empty reason is any.
func wantError(t *testing.T, op string, err error, code domain.Code, reason string) {
	t.Helper()
	if domain.CodeOf(err) != code || reason != "" && domain.ReasonOf(err) != reason {
		t.Errorf("%s: %v; want %s %s", op, err, code, reason)
	}
}

// wantSame reports how two values differ. A nil list or map equals an empty one
// only with the option for it.
func wantSame(t *testing.T, what string, got, want any, opts ...gocmp.Option) {
	t.Helper()
	if d := gocmp.Diff(want, got, opts...); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

func idOf(img domain.Image) domain.ImageID { return img.ID }

// sorted applies f to every element and sorts what comes out. It is never nil.
func sorted[T any, K cmp.Ordered](list []T, f func(T) K) []K {
	out := make([]K, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	slices.Sort(out)
	return out
}

func sortedIDs(images ...domain.Image) []domain.ImageID { return sorted(images, idOf) }

// listed is the ids of all images that a query finds.
func listed(tb testing.TB, db repository.Scoped, q domain.ImageQuery) []domain.ImageID {
	tb.Helper()
	list, _, err := db.Read().Images.List(tb.Context(), q, domain.Page{Limit: domain.MaxPageSize})
	if err != nil {
		tb.Fatal(err)
	}
	return sorted(list, func(d domain.ImageDetail) domain.ImageID { return d.ID })
}

// everything is a query for images of every status.
func everything() domain.ImageQuery { return domain.ImageQuery{Statuses: domain.ImageStatuses()} }

// stored is an image as the store has it now.
func stored(tb testing.TB, st repository.Store, id domain.ImageID) domain.Image {
	tb.Helper()
	return must(root(st).Read().Images.Get(tb.Context(), id))(tb)
}
