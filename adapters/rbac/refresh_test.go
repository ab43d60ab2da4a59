package rbac_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

var (
	alice = domain.Actor{ID: "alice", Role: "user", Domain: "a"}
	bound = rbac.Policy{Bindings: []rbac.Binding{{User: "alice", Role: "monitor"}}}
)

func TestRevocationHoldsWithinTheBound(t *testing.T) {
	for _, step := range []time.Duration{100 * time.Millisecond, 700 * time.Millisecond, 1999 * time.Millisecond, 5 * time.Second} {
		c, r := newClock(), &rows{policy: bound}
		a := mustNew(t, c.cfg(r))
		want(t, a, alice, "audit.search", domain.ReachAny)
		c.pass(300 * time.Millisecond)
		r.set(rbac.Policy{})
		var waited time.Duration
		for waited < 2*time.Second {
			c.pass(step)
			waited += step
			if g, err := a.Authorize(t.Context(), alice, "audit.search"); err == nil && g.Reach == domain.ReachNone {
				break
			}
		}
		if waited > max(step, time.Second+step) {
			t.Errorf("a check every %s: revoked after %s", step, waited)
		}
		want(t, a, alice, "audit.search", domain.ReachNone)
	}
}

func TestGrantAndRevocationAgain(t *testing.T) {
	c, r := newClock(), &rows{}
	a := mustNew(t, c.cfg(r))
	for range 3 {
		want(t, a, alice, "audit.search", domain.ReachNone)
		r.set(bound)
		c.pass(2 * time.Second)
		want(t, a, alice, "audit.search", domain.ReachAny)
		r.set(rbac.Policy{})
		c.pass(2 * time.Second)
	}
	want(t, a, alice, "audit.search", domain.ReachNone)
	c.pass(-time.Hour) // a clock set back must not freeze the view
	r.set(bound)
	want(t, a, alice, "audit.search", domain.ReachAny)
}

func TestRowsAreAskedRarely(t *testing.T) {
	c, r := newClock(), &rows{policy: bound}
	a := mustNew(t, c.cfg(r))
	if n := r.asked.Load(); n != 0 {
		t.Errorf("New asked the rows %d times", n)
	}
	for range 40 { // 10 seconds
		for range 100 {
			want(t, a, alice, "audit.search", domain.ReachAny)
		}
		c.pass(250 * time.Millisecond)
	}
	if asked, loaded := r.asked.Load(), r.loaded.Load(); asked != 10 || loaded != 1 {
		t.Errorf("in 10 seconds asked %d times and loaded %d times; want 10 and 1", asked, loaded)
	}
	if n := a.Builds(); n != 1 {
		t.Errorf("made %d tables, want 1: an unchanged revision keeps them", n)
	}
}

func TestFailingRowsKeepTheLastPolicyThenFailClosed(t *testing.T) {
	broken := errors.New("no route to host")
	for name, fail := range map[string]func(*rows){
		"revision": func(r *rows) { r.fail(broken, nil) },
		"load":     func(r *rows) { r.set(rbac.Policy{}); r.fail(nil, broken) },
	} {
		t.Run(name, func(t *testing.T) {
			c, r := newClock(), &rows{policy: bound}
			a := mustNew(t, c.cfg(r))
			want(t, a, alice, "audit.search", domain.ReachAny)
			fail(r)
			for range 29 {
				c.pass(time.Second)
				want(t, a, alice, "audit.search", domain.ReachAny)
				want(t, a, alice, "image.modify", domain.ReachNone)
			}
			c.pass(time.Second)
			for range 3 {
				wantCode(t, a, alice, "audit.search", domain.CodeUnavailable)
				wantCode(t, a, domain.Actor{Role: "superadmin"}, "image.get", domain.CodeUnavailable)
			}
			if asked := r.asked.Load(); asked > 31 {
				t.Errorf("asked %d times in 30 seconds", asked)
			}
			r.fail(nil, nil)
			r.set(rbac.Policy{})
			c.pass(time.Second)
			want(t, a, alice, "audit.search", domain.ReachNone)
		})
	}
}

func TestNothingIsAllowedBeforeTheFirstLoad(t *testing.T) {
	c, r := newClock(), &rows{err: errors.New("no route to host")}
	a := mustNew(t, c.cfg(r))
	wantCode(t, a, domain.Actor{Role: "superadmin"}, "image.get", domain.CodeUnavailable)
	r.fail(nil, nil)
	wantCode(t, a, domain.Actor{Role: "superadmin"}, "image.get", domain.CodeUnavailable) // not asked again at once
	c.pass(time.Second)
	want(t, a, domain.Actor{Role: "superadmin"}, "image.get", domain.ReachAny)
}

func TestACallerThatGivesUpIsNoFailureOfTheRows(t *testing.T) {
	c, r := newClock(), &rows{policy: bound}
	a := mustNew(t, c.cfg(r))
	want(t, a, alice, "audit.search", domain.ReachAny)
	r.hang = make(chan struct{})
	c.pass(3 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if g, err := a.Authorize(ctx, alice, "audit.search"); domain.CodeOf(err) != domain.CodeCanceled || g != (domain.Grant{}) {
			t.Errorf("with an ended context: %+v, %v; want canceled", g, err)
		}
	}
	close(r.hang)
	r.set(rbac.Policy{})
	want(t, a, alice, "audit.search", domain.ReachNone) // at once: no failure is on record
}

// Under synctest the clock is time.Now, and time passes when all are waiting.
func TestHangingRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rows{policy: bound}
		a := mustNew(t, rbac.Config{Permissions: permissions, Rows: r})
		want(t, a, alice, "audit.search", domain.ReachAny)
		r.hang = make(chan struct{})

		time.Sleep(1500 * time.Millisecond)
		go func() { _, _ = a.Authorize(t.Context(), alice, "audit.search") }() // goes to ask
		synctest.Wait()
		began := time.Now()
		want(t, a, alice, "audit.search", domain.ReachAny)
		if d := time.Since(began); d != 0 {
			t.Errorf("within the bound a check waited %s for another's reading", d)
		}

		time.Sleep(time.Second) // beyond the bound: wait, but not for ever, and all at once
		began = time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { want(t, a, alice, "audit.search", domain.ReachAny) })
		}
		wg.Wait()
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("100 checks waited %s", d)
		}

		time.Sleep(30 * time.Second)
		wantCode(t, a, alice, "audit.search", domain.CodeUnavailable)
		close(r.hang)
		time.Sleep(time.Second)
		want(t, a, alice, "audit.search", domain.ReachAny)
	})
}

// A slow database answers a waiting crowd once, not one by one.
func TestSlowRowsAnswerTheQueueOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rows{policy: bound, hang: make(chan struct{})}
		a := mustNew(t, rbac.Config{Permissions: permissions, Rows: r})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { want(t, a, alice, "audit.search", domain.ReachAny) })
		}
		time.Sleep(1800 * time.Millisecond)
		close(r.hang)
		wg.Wait()
		if n := r.asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

func TestChecksDuringReloads(t *testing.T) {
	c, r := newClock(), &rows{}
	a := mustNew(t, c.cfg(r))
	want(t, a, alice, "image.get", domain.ReachVisible)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stop.Load() {
				want(t, a, alice, "image.get", domain.ReachVisible)
				want(t, a, alice, "image.modify", domain.ReachNone)
				g, err := a.Authorize(t.Context(), alice, "image.scan")
				if err != nil || g.Reach != domain.ReachNone && g.Reach != domain.ReachAny {
					t.Errorf("image.scan: %+v, %v", g, err)
				}
				if _, err := a.Explain(t.Context(), alice, "image.scan"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	scan := rbac.Policy{Rules: []rbac.Rule{{Role: "user", Permission: "image.scan", Reach: domain.ReachAny}}}
	for i := range 200 {
		if i%2 == 0 {
			r.set(scan)
		} else {
			r.set(rbac.Policy{})
		}
		c.pass(2 * time.Second)
		want(t, a, alice, "image.scan", []domain.Reach{domain.ReachAny, domain.ReachNone}[i%2])
	}
	stop.Store(true)
	wg.Wait()
}
