package oci

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// grant is a token, or the way to one: done is closed when token or err is set.
type grant struct {
	key    string   // the scope that it was asked for
	wanted []string // that scope as the registry names it
	mates  []string // further scopes that were asked for with it

	done    chan struct{}
	token   string
	renewAt time.Time // zero: never
	err     error

	proved atomic.Bool // one of the mates was accepted
}

// ask is a wish for a grant.
type ask struct {
	key     string
	wanted  []string
	batch   bool   // ask for the scopes that come next as well
	refused *grant // what the registry did not accept; any other will do
}

// pingKey stands for the question how to authorize, which is answered once like
// a grant that never ends.
const pingKey = ""

// grant returns a valid grant for the wish, from the cache, from another call
// that is getting it, or from the token server.
func (a *authority) grant(ctx context.Context, w ask) (*grant, error) {
	for {
		a.mu.Lock()
		g := a.grants[w.key]
		mine := g == nil || g == w.refused || g.due(time.Now())
		if mine {
			g = a.open(w)
		}
		a.mu.Unlock()
		if mine {
			a.fill(ctx, g)
			return g, g.err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-g.done:
		}
		switch {
		case g.err == nil && g.covers(w.key):
			return g, nil
		case g.err != nil && !errors.Is(g.err, context.Canceled) && !errors.Is(g.err, context.DeadlineExceeded):
			return nil, g.err
		}
		// Whoever was getting it gave up, or got less than was asked for: our turn.
	}
}

// open makes a grant and puts it where the others will find and await it. The
// caller holds the lock.
func (a *authority) open(w ask) *grant {
	g := &grant{key: w.key, wanted: w.wanted, done: make(chan struct{})}
	if w.batch && !a.alone {
		g.mates = a.mates(w.key, w.refused)
	}
	a.grants[g.key] = g
	for _, scope := range g.mates {
		a.grants[scope] = g
	}
	return g
}

// fill gets what the grant stands for. A failure is told to those who wait for
// it and then forgotten.
func (a *authority) fill(ctx context.Context, g *grant) {
	defer close(g.done)
	asked := g.mates
	if g.key == pingKey {
		g.err = a.ping(ctx)
	} else {
		g.err = a.fetch(ctx, g)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, scope := range slices.Concat(asked, []string{g.key}) {
		if a.grants[scope] == g && (g.err != nil || !g.covers(scope)) {
			delete(a.grants, scope)
		}
	}
}

// due reports whether the grant should be replaced. One that is on its way is
// not.
func (g *grant) due(now time.Time) bool {
	select {
	case <-g.done:
		return !g.renewAt.IsZero() && !now.Before(g.renewAt)
	default:
		return false
	}
}

func (g *grant) covers(scope string) bool {
	return scope == g.key || slices.Contains(g.mates, scope)
}

// proves notes that a token for many scopes was good for one that was not the
// first: the server honours such requests.
func (c credential) proves(scope string, a answer) {
	if a.succeeded() && c.grant != nil && scope != c.grant.key {
		c.grant.proved.Store(true)
	}
}

// mayBatch tells whether the renewal of a refused credential should ask for many
// scopes: not when the token may have been refused for being one of many.
func (c credential) mayBatch(scope string) bool {
	return c.grant == nil || scope == c.grant.key || c.grant.proved.Load()
}

// compare notes what a successful renewal shows: a token of its own was accepted
// where one of many was not.
func (a *authority) compare(scope string, used, renewed credential, ans answer) {
	if ans.succeeded() && !used.mayBatch(scope) && renewed.grant != nil && len(renewed.grant.mates) == 0 {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.alone = true
		for _, mate := range used.grant.mates {
			if a.grants[mate] == used.grant {
				delete(a.grants, mate)
			}
		}
	}
	renewed.proves(scope, ans)
}

// Scopes, as token servers name them.
const scopeCatalog = "registry:catalog:*"

// scopeActionPush tells a scope that lets push.
const scopeActionPush = ":pull,push"

func scopePull(repo string) string   { return "repository:" + repo + ":pull" }
func scopeDelete(repo string) string { return "repository:" + repo + ":pull,delete" }

func scopePush(repo string) string { return "repository:" + repo + scopeActionPush }

// scopeMount is the right to push to a repository what another one has.
func scopeMount(repo, from string) string { return scopePush(repo) + " " + scopePull(from) }

// Bounds of a token for many repositories. It lists them all, and servers take
// request headers of 8 KiB: so many bytes of scopes make a token of about six.
const (
	maxMates     = 64
	maxMateBytes = 4000
	mateOverhead = 45 // what a token says of a scope beyond its text
)

// mates returns the scopes to ask for together with one: those that come next
// and have no token, or the refused one. The caller holds the lock.
func (a *authority) mates(key string, refused *grant) []string {
	repo, found := strings.CutPrefix(key, "repository:")
	repo, pull := strings.CutSuffix(repo, ":pull")
	at, known := a.place[repo]
	if !found || !pull || !known {
		return nil
	}
	now, left := time.Now(), maxMateBytes
	var mates []string
	for _, next := range a.order[at+1 : min(len(a.order), at+1+2*maxMates)] {
		scope := scopePull(next)
		if g := a.grants[scope]; g != nil && g != refused && !g.due(now) {
			continue
		}
		if left -= len(scope) + mateOverhead; left < 0 || len(mates) == maxMates {
			break
		}
		mates = append(mates, scope)
	}
	return mates
}

// expect adds repositories to those that will be asked about.
func (a *authority) expect(repos []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range repos {
		if _, known := a.place[r]; !known {
			a.place[r] = len(a.order)
			a.order = append(a.order, r)
		}
	}
}

// restart forgets what was expected: a new listing begins.
func (a *authority) restart() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.order, a.place = nil, map[string]int{}
}
