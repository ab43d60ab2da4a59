package repositorytest

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var audits = []sentence{
	{"an entry is written with the change, with what it touched", entryWithChange},
	{"every write touches what it is about", everyWriteTouches},
	{"a transaction that changes nothing leaves its entry too", entryWithoutChange},
	{"two transactions of one unit share one entry with the targets of both", entryOfTwoTransactions},
	{"a unit without an entry leaves none", noEntry},
	{"an entry that cannot be written takes the change back", entryOrNothing},
}

// audited is a unit of reach any that leaves an entry.
func audited(actor domain.Actor) (repository.Unit, domain.AuditEntry) {
	e := newEntry(actor)
	u := unit(domain.ReachAny, actor)
	u.Audit = &e
	return u, e
}

func entryNow(t *testing.T, st repository.Store, id domain.AuditID) domain.AuditEntry {
	t.Helper()
	all := entries(t, whole(st))
	i := slices.IndexFunc(all, func(e domain.AuditEntry) bool { return e.ID == id })
	if i < 0 {
		t.Fatalf("there is no entry %s", id)
	}
	return all[i]
}

func checkNoEntry(t *testing.T, st repository.Store, id domain.AuditID) {
	t.Helper()
	if slices.ContainsFunc(entries(t, whole(st)), func(e domain.AuditEntry) bool { return e.ID == id }) {
		t.Error("there is an entry")
	}
}

func entryWithChange(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	other := AddImage(t, st, s.reg, domain.Image{Name: "other"})
	u, e := audited(alice)
	e.Params, e.Rule, e.ReqID = json.RawMessage(`{"reference": "it's", "n": [1, null]}`), "p, user, image.*, own", "req 1"
	u.Audit = &e
	mustTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error {
		for _, img := range []domain.Image{s.img, other, s.img} { // twice is once
			if _, err := tx.Images.Save(ctx, must(tx.Images.Get(ctx, img.ID))(t)); err != nil {
				return err
			}
		}
		return nil
	})
	got := entryNow(t, st, e.ID)
	want := e
	want.Target = sorted([]domain.Image{s.img, other}, func(i domain.Image) string { return string(i.ID) })
	got.Target = sorted(got.Target, func(s string) string { return s })
	checkParams(t, got.Params, e.Params)
	got.Params, want.Params = nil, nil
	wantSame(t, "the entry", got, want)
	if got.At.Location() != time.UTC {
		t.Errorf("the entry is of %s", got.At)
	}
}

// checkParams compares JSON by what it says: engines may write it anew.
func checkParams(t *testing.T, got, want json.RawMessage) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &g); err != nil {
		t.Errorf("params %q: %v", got, err)
	}
	wantSame(t, "params", g, w)
}

func everyWriteTouches(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	img, reg, agent := string(s.img.ID), string(s.reg.ID), string(s.agent)
	wants := map[string]string{
		"Images.Save": img, "Images.Delete": img, "Images.Unheld": img, "Images.MarkMissing": img, "Images.Used": img,
		"Aliases.Create": img, "Aliases.Delete": img, "Agents.Replace": agent,
		"Images.Clear": reg, "Images.Sync": reg, "Registries.Save": reg, "Registries.Allow": reg, "Registries.Disallow": reg, "Registries.Associate": reg,
		"Registries.Disassociate": reg, "Agents.Create": "new", "Agents.Save": agent, "Agents.Delete": agent, "Agents.Hold": agent, "Agents.Drop": agent,
		"Registries.Create": "", "Tenancy.Allow": "", "Tenancy.Disallow": "", "Registries.Delete": "",
	}
	check := func(name string, e domain.AuditEntry) {
		t.Helper()
		want, known := wants[name]
		if !known {
			t.Errorf("%s: what should it touch?", name)
		}
		if got := entryNow(t, st, e.ID); len(got.Target) == 0 || want != "" && !slices.Contains(got.Target, want) {
			t.Errorf("%s touched %q, want %q among them", name, got.Target, want)
		}
	}
	for name, write := range s.writes() {
		s = s.again(t, st)
		wants["Aliases.Create"], wants["Aliases.Delete"] = string(s.img.ID), string(s.img.ID)
		for _, n := range []string{"Images.Save", "Images.Delete", "Images.Unheld", "Images.MarkMissing", "Images.Used"} {
			wants[n] = string(s.img.ID)
		}
		write = s.writes()[name]
		u, e := audited(alice)
		mustTx(t, st.Scoped(u), write)
		check(name, e)
	}
	s = s.again(t, st)
	for name, write := range s.adminWrites() {
		if name == "Registries.Delete" { // it has images
			continue
		}
		u, e := audited(admin)
		if err := inTx(t, st.Admin(u), func(ctx context.Context, tx repository.AdminView) error {
			if _, err := tx.Agents.Get(ctx, s.agent); err != nil { // deleted before
				if err := tx.Agents.Create(ctx, newAgent(domain.Agent{ID: s.agent})); err != nil {
					return err
				}
			}
			if r, err := tx.Registries.Get(ctx, s.reg.ID); err == nil {
				s.reg.Revision = r.Revision
			}
			return write(ctx, tx)
		}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		check(name, e)
	}
}

// again makes the subject whole after a write.
func (s subject) again(t *testing.T, st repository.Store) subject {
	t.Helper()
	for _, alias := range aliasNames(t, whole(st)) {
		mustTx(t, whole(st), func(ctx context.Context, tx repository.View) error { return second(tx.Aliases.Delete(ctx, alias)) })
	}
	s.img = syncAs(t, root(st), seen(s.reg, domain.Image{Labels: map[string]string{"k": "v"}}))[0].Image
	AddAlias(t, st, s.img, s.alias)
	Install(t, st, s.agent, s.img)
	return s
}

func entryWithoutChange(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	u, e := audited(alice)
	mustTx(t, st.Scoped(u), func(ctx context.Context, tx repository.View) error { return second(tx.Images.Get(ctx, s.img.ID)) })
	wantSame(t, "the entry", entryNow(t, st, e.ID), e)
}

func entryOfTwoTransactions(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	other := AddImage(t, st, s.reg, domain.Image{Name: "other"})
	u, e := audited(alice)
	db := st.Scoped(u)
	for _, img := range []domain.Image{s.img, other} {
		mustTx(t, db, func(ctx context.Context, tx repository.View) error { return second(tx.Images.Save(ctx, img)) })
	}
	mustTx(t, db, func(ctx context.Context, tx repository.View) error { return second(tx.Images.Get(ctx, s.img.ID)) }) // touches nothing
	err := inTx(t, db, func(ctx context.Context, tx repository.View) error {
		if err := tx.Images.Used(ctx, s.img.ID, Now); err != nil {
			return err
		}
		return errBoom
	})
	if err == nil {
		t.Error("no error")
	}
	got := entryNow(t, st, e.ID)
	want := e
	want.Target = sorted([]domain.Image{s.img, other}, func(i domain.Image) string { return string(i.ID) })
	got.Target = sorted(got.Target, func(s string) string { return s })
	wantSame(t, "the entry of one call", got, want)
	if n := len(entries(t, whole(st))); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

func noEntry(t *testing.T, st repository.Store) {
	s := newSubject(t, st) // by units without one
	for _, write := range []call{s.change1} {
		mustTx(t, whole(st), write)
	}
	if got := entries(t, whole(st)); len(got) != 0 {
		t.Errorf("entries %v", got)
	}
}

func entryOrNothing(t *testing.T, st repository.Store) {
	s := newSubject(t, st)
	before := everythingStored(t, st)
	u, _ := audited(alice)
	ctx, cancel := context.WithCancel(t.Context())
	err := st.Scoped(u).InTx(ctx, func(ctx context.Context, tx repository.View) error {
		defer cancel() // when fn is through and only the entry is left
		return s.change1(ctx, tx)
	})
	wantError(t, "InTx", err, domain.CodeCanceled, "")
	wantSame(t, "what is stored", everythingStored(t, st), before)
}
