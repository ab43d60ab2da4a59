package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var transactions = []sentence{
	{"what fn does is stored when it returns nil, and can be read before by fn alone", commitStores},
	{"an error takes back everything and comes back as it is", errorRollsBack},
	{"a panic takes back everything and goes on", panicRollsBack},
	{"a caller that gives up takes back everything", cancelRollsBack},
	{"an error of one call does not become a success of the transaction", errorSpoilsTransaction},
	{"every write is taken back", everyWriteRollsBack},
	{"all rows of a unit are of one time", oneTime},
	{"transactions that wait for each other both get through", transactionsThatMeet},
	{"transactions of one unit and of many work at the same time", manyTransactions},
}

var errBoom = errors.New("boom")

// newSubject makes one of everything.
func newSubject(t *testing.T, st repository.Store) subject {
	t.Helper()
	return newSubjectIn(t, st, "")
}

// newSubjectIn makes one of everything in a project, which has all of it to
// itself.
func newSubjectIn(t *testing.T, st repository.Store, project string) subject {
	t.Helper()
	s := subject{
		reg:   AddRegistry(t, st, Registry{Project: project, Global: true, Projects: []string{"ml"}}),
		agent: domain.AgentID("a1" + project), alias: "short" + project,
	}
	s.img = AddImage(t, st, s.reg, domain.Image{Labels: map[string]string{"k": "v"}})
	AddAlias(t, st, s.img, s.alias)
	AddAgent(t, st, domain.Agent{ID: s.agent})
	Install(t, st, s.agent, s.img)
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default"})
	return s
}

// everythingStored is all that the ports show, to compare before and after.
func everythingStored(t *testing.T, st repository.Store) string {
	t.Helper()
	view := root(st).Read()
	images, _, err := view.Images.List(t.Context(), everything(), page)
	aliases, _, err2 := view.Aliases.List(t.Context(), domain.Filter{}, page)
	registries, _, err3 := view.Registries.List(t.Context(), domain.Filter{}, page)
	agents, _, err4 := view.Agents.List(t.Context(), domain.Filter{}, page)
	grants, _, err5 := view.Tenancy.List(t.Context(), domain.Filter{}, page)
	entries, _, err6 := view.Audit.List(t.Context(), domain.Filter{}, page)
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	var held []any
	for _, a := range agents {
		held = append(held, must(view.Agents.Installed(t.Context(), a.ID))(t))
	}
	return show([]any{images, aliases, registries, agents, held, grants, entries})
}

func commitStores(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	img := s.img
	img.Forget()
	mustTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
		if !domain.InTx(ctx) {
			t.Error("the context of fn is not marked")
		}
		if _, err := tx.Images.Save(ctx, img); err != nil {
			return err
		}
		got, err := tx.Images.Get(ctx, img.ID)
		if err != nil || got.Status != domain.ImageForgotten {
			t.Errorf("fn reads %s, %v", got.Status, err)
		}
		if got := stored(t, st, img.ID); got.Status != domain.ImageAlive { // t's context: somebody else
			t.Errorf("others read %s before it is committed", got.Status)
		}
		return nil
	})
	if got := stored(t, st, img.ID); got.Status != domain.ImageForgotten {
		t.Errorf("stored is %s", got.Status)
	}
}

// change1 is some changes that touch several tables.
func (s subject) change1(ctx context.Context, tx repository.View) error {
	img := s.img
	img.OperatorLabels = map[string]string{"new": "label"}
	if _, err := tx.Images.Save(ctx, img); err != nil {
		return err
	}
	if _, err := tx.Aliases.Create(ctx, "new", img.ID); err != nil {
		return err
	}
	return second(tx.Agents.Replace(ctx, s.agent, domain.Inventory{}))
}

func errorRollsBack(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	before := everythingStored(t, st)
	coded := domain.Errorf(domain.CodePrecondition, "made_up", "thing", "told to the user")
	for _, want := range []error{errBoom, coded, fmt.Errorf("wrapped: %w", domain.NotFound("image", "x"))} {
		u, entry := audited(alice)
		err := inTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error {
			if err := s.change1(ctx, tx); err != nil {
				t.Error(err)
			}
			return want
		})
		if !errors.Is(err, want) || domain.CodeOf(err) != domain.CodeOf(want) || domain.ReasonOf(err) != domain.ReasonOf(want) {
			t.Errorf("%v comes back as %v", want, err)
		}
		wantSame(t, "what is stored", everythingStored(t, st), before)
		checkNoEntry(t, st, entry.ID)
	}
}

func panicRollsBack(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	before := everythingStored(t, st)
	for range 3 { // often enough to run out of connections that are not given back
		func() {
			defer func() {
				if got := recover(); got != errBoom { //nolint:errorlint // the very value
					t.Errorf("recovered %v", got)
				}
			}()
			u, _ := audited(alice)
			err := inTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error {
				if err := s.change1(ctx, tx); err != nil {
					t.Error(err)
				}
				panic(errBoom)
			})
			t.Errorf("InTx returned %v", err)
		}()
		wantSame(t, "what is stored", everythingStored(t, st), before)
	}
	save(t, whole(st), s.img)
}

func cancelRollsBack(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	before := everythingStored(t, st)
	for name, result := range map[string]func(context.Context) error{
		"and says so": func(ctx context.Context) error { return ctx.Err() },
		"unnoticed":   func(context.Context) error { return nil },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		u, _ := audited(alice)
		err := st.Scoped(u).InTx(ctx, func(ctx context.Context, tx repository.View) error {
			if err := s.change1(ctx, tx); err != nil {
				t.Error(err)
			}
			cancel()
			return result(ctx)
		})
		wantError(t, "given up "+name, err, domain.CodeCanceled, "")
		wantSame(t, "what is stored", everythingStored(t, st), before)
	}
	save(t, whole(st), s.img)
}

func errorSpoilsTransaction(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	other := AddImage(t, st, s.reg, domain.Image{Name: "other"})
	// Some engines go on after a failed statement and some cannot. Either all of
	// it is stored and InTx says so, or nothing is and InTx says that.
	err := inTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
		if _, err := tx.Aliases.Create(ctx, "before", s.img.ID); err != nil {
			return err
		}
		_, err := tx.Aliases.Create(ctx, s.alias, other.ID)
		wantError(t, "a taken alias", err, domain.CodeConflict, "alias_taken")
		_, _ = tx.Aliases.Create(ctx, "after", s.img.ID)
		return nil
	})
	want := []string{"after", "before", "short"}
	if err != nil {
		want = []string{"short"}
	}
	wantSame(t, fmt.Sprintf("aliases after %v", err), aliasNames(t, whole(st)), want)
}

func everyWriteRollsBack(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	before := everythingStored(t, st)
	for name, write := range s.writes() {
		err := inTx(t, whole(st), func(ctx context.Context, tx repository.View) error {
			if err := write(ctx, tx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return errBoom
		})
		if !errors.Is(err, errBoom) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, write := range s.adminWrites() {
		err := inTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
			if err := write(ctx, tx); err != nil && name != "Registries.Delete" { // it has an image
				t.Errorf("%s: %v", name, err)
			}
			return errBoom
		})
		if !errors.Is(err, errBoom) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantSame(t, "what is stored", everythingStored(t, st), before)
}
