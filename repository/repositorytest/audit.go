package repositorytest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
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
	about := func(name string, s subject) string {
		switch topic, _, _ := strings.Cut(name, "."); {
		case name == "Images.Sync", name == "Images.Clear": // not each of thousands
			return string(s.reg.ID)
		case topic == "Images", topic == "Aliases": // an alias is about its image
			return string(s.img.ID)
		case name == "Registries.Create", topic == "Tenancy":
			return "" // something
		case topic == "Registries", topic == "Saves":
			return string(s.reg.ID)
		case topic == "Builds":
			return "" // a number
		case name == "Agents.Create":
			return "new"
		}
		return string(s.agent)
	}
	check := func(name string, s subject, e domain.AuditEntry) {
		t.Helper()
		got, want := entryNow(t, st, e.ID).Target, about(name, s)
		if len(got) == 0 || want != "" && !slices.Contains(got, want) {
			t.Errorf("%s touched %q, want %q among them", name, got, want)
		}
	}
	for name := range (subject{}).writes() {
		if name == "Saves.Release" {
			continue // of a place that nobody has
		}
		s := newSubjectIn(t, st, name)
		u, e := audited(alice)
		mustTx(t, st.Scoped(u), s.writes()[name])
		check(name, s, e)
	}
	for name := range (subject{}).adminWrites() {
		s := newSubjectIn(t, st, name)
		if name == "Registries.Delete" {
			tryDelete(t, whole(st), s.img.ID)
		}
		u, e := audited(admin)
		mustTx(t, st.Admin(u), s.adminWrites()[name])
		check(name, s, e)
	}
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
	mustTx(t, whole(st), s.change1)
	if got := entries(t, whole(st)); len(got) != 0 {
		t.Errorf("entries %v", got)
	}
}
