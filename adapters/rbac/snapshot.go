package rbac

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/wharf-project/wharf/domain"
)

// snapshot is one revision of the whole policy. Only its cache of tables grows.
type snapshot struct {
	engine   *engine
	revision int64
	shards   map[string]map[domain.Role][]*rule // domain ("" for all), role
	links    map[domain.Role][]domain.Role
	known    map[domain.Role]bool
	bindings []Binding
	bound    map[member]int // to sets; 0 for users without a binding
	sets     [][]domain.Role

	mu     sync.RWMutex
	tables map[key]*slot
}

// member is a user while of a domain.
type member struct {
	user   domain.UserID
	domain string
}

// key names a table. It is made of what the policy knows only: names that
// actors bring and no rule mentions all share one.
type key struct {
	domain string
	role   domain.Role
	set    int
}

type slot struct {
	once  sync.Once
	table table
	err   error
}

// maxTables bounds the cache; beyond it, a table taken at random goes.
const maxTables = 4096

func newSnapshot(e *engine, revision int64, parts ...draft) *snapshot {
	s := &snapshot{
		engine: e, revision: revision, sets: [][]domain.Role{nil}, tables: map[key]*slot{},
		shards: map[string]map[domain.Role][]*rule{}, links: map[domain.Role][]domain.Role{},
		known: map[domain.Role]bool{}, bound: map[member]int{},
	}
	for _, d := range parts {
		for i := range d.rules {
			r := &d.rules[i]
			if s.shards[r.Domain] == nil {
				s.shards[r.Domain] = map[domain.Role][]*rule{}
			}
			s.shards[r.Domain][r.Role] = append(s.shards[r.Domain][r.Role], r)
			s.known[r.Role] = true
		}
		for _, l := range d.links {
			s.links[l.Role] = append(s.links[l.Role], l.Parent)
			s.known[l.Role] = true
		}
		s.bindings = append(s.bindings, d.bindings...)
		s.bind(d.bindings)
	}
	return s
}

// bind gives every user's roles, per domain, the number of their set.
func (s *snapshot) bind(bindings []Binding) {
	roles := map[member]map[domain.Role]bool{}
	for _, b := range bindings {
		m := member{b.User, b.Domain}
		if roles[m] == nil {
			roles[m] = map[domain.Role]bool{}
		}
		roles[m][b.Role] = true
	}
	numbers := map[string]int{}
	for m, own := range roles {
		all := maps.Clone(own)
		maps.Copy(all, roles[member{user: m.user}]) // what holds everywhere
		set := slices.Sorted(maps.Keys(all))
		var name strings.Builder
		for _, r := range set {
			name.WriteString(string(r) + ",") // no role has a comma
		}
		if numbers[name.String()] == 0 {
			numbers[name.String()] = len(s.sets)
			s.sets = append(s.sets, set)
		}
		s.bound[m] = numbers[name.String()]
	}
}

func (s *snapshot) keyOf(a *domain.Actor) key {
	k := key{role: a.Role, domain: a.Domain}
	set, ok := s.bound[member{a.ID, a.Domain}]
	if !ok {
		set = s.bound[member{user: a.ID}]
	}
	k.set = set
	if !s.known[k.role] {
		k.role = ""
	}
	if s.shards[k.domain] == nil {
		k.domain = ""
	}
	return k
}

// table returns the answers for an actor. However many ask at once, it is made
// once; they wait, as it takes less than a millisecond.
func (s *snapshot) table(a *domain.Actor) (table, error) {
	k := s.keyOf(a)
	s.mu.RLock()
	f := s.tables[k]
	s.mu.RUnlock()
	if f == nil {
		f = s.slot(k)
	}
	f.once.Do(func() {
		f.err = domain.Internal("rbac.table", errors.New("evaluation panicked")) // stays if it does
		f.table, f.err = s.make(k)
	})
	return f.table, f.err
}

func (s *snapshot) slot(k key) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.tables[k]; f != nil {
		return f
	}
	if len(s.tables) >= maxTables {
		for old := range s.tables {
			delete(s.tables, old)
			break
		}
	}
	f := &slot{}
	// The caller's strings may be cut from a larger buffer; do not keep it.
	s.tables[key{strings.Clone(k.domain), domain.Role(strings.Clone(string(k.role))), k.set}] = f
	return f
}

// make evaluates one table: from the roles in effect it follows the links, and
// takes the rules on the way, those for all domains and those for this one.
func (s *snapshot) make(k key) (table, error) {
	roles := slices.Clone(s.sets[k.set])
	if k.role != "" {
		roles = append(roles, k.role)
	}
	var rules []*rule
	var links []Link
	seen := map[domain.Role]bool{}
	for queue := slices.Clone(roles); len(queue) > 0; queue = queue[1:] {
		role := queue[0]
		if seen[role] {
			continue
		}
		seen[role] = true
		rules = append(rules, s.shards[""][role]...)
		if k.domain != "" {
			rules = append(rules, s.shards[k.domain][role]...)
		}
		for _, parent := range s.links[role] {
			links = append(links, Link{Role: role, Parent: parent})
		}
		queue = append(queue, s.links[role]...)
	}
	return s.engine.evaluate(rules, links, roles)
}
