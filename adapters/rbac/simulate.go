package rbac

import (
	"context"
	"maps"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// Simulate compares what rows mean before and after a change; see
// [port.Simulator]. Nothing changes.
func (a *Authorizer) Simulate(ctx context.Context, before, after domain.PolicyRows, limit int) (domain.Flips, error) {
	if _, err := a.Policy(domain.PolicyRows{}); err != nil {
		return domain.Flips{}, err
	}
	old, now := a.snapshotOf(before), a.snapshotOf(after)
	s := newSpread(FromRows(before), FromRows(after), old, now)
	res := domain.Flips{Flips: []domain.Flip{}}
	for _, who := range s.subjects() {
		for _, name := range s.sortedDomains() {
			if err := ctx.Err(); err != nil {
				return domain.Flips{}, domain.Wrap("rbac.Simulate", err)
			}
			flips, err := a.flips(who, name, old, now)
			if err != nil {
				return domain.Flips{}, err
			}
			res.Flips = append(res.Flips, flips...)
			if len(res.Flips) > limit {
				res.Flips, res.Truncated = res.Flips[:limit], true
				return res, nil
			}
		}
	}
	return res, nil
}

// flips are the decisions about one actor that differ.
func (a *Authorizer) flips(who domain.Actor, name string, old, now *snapshot) ([]domain.Flip, error) {
	who.Domain = name
	was, err := old.table(&who)
	if err != nil {
		return nil, err
	}
	is, err := now.table(&who)
	if err != nil {
		return nil, err
	}
	var list []domain.Flip
	for i, permission := range a.engine.names {
		f := domain.Flip{Role: who.Role, User: who.ID, Domain: name, Permission: permission, Before: grantOf(was[i]), After: grantOf(is[i])}
		if f.Before.Reach != f.After.Reach {
			list = append(list, f)
		}
	}
	return list, nil
}

func grantOf(r *rule) domain.Grant {
	if r == nil {
		return domain.Grant{}
	}
	return domain.Grant{Reach: r.Reach, Rule: r.text}
}

// spread is how far a change can be felt: looking at every decision there is
// would take minutes where a change touches one role.
type spread struct {
	roles   map[domain.Role]bool
	users   map[domain.UserID]bool
	domains map[string]bool
}

func newSpread(before, after Policy, old, now *snapshot) *spread {
	s := &spread{roles: map[domain.Role]bool{}, users: map[domain.UserID]bool{}, domains: map[string]bool{}}
	for _, r := range differ(before.Rules, after.Rules) {
		s.roles[r.Role] = true
		s.domains[r.Domain] = true
	}
	for _, l := range differ(before.Links, after.Links) {
		s.roles[l.Role] = true
		s.domains[""] = true
	}
	for _, snap := range []*snapshot{old, now} {
		heirs := snap.heirs()
		for _, role := range slices.Collect(maps.Keys(s.roles)) {
			for _, heir := range closure(role, func(r domain.Role) []domain.Role { return heirs[r] }) {
				s.roles[heir] = true
			}
		}
	}
	for _, b := range differ(before.Bindings, after.Bindings) {
		s.users[b.User] = true
		s.domains[b.Domain] = true
	}
	for _, b := range slices.Concat(before.Bindings, after.Bindings) {
		if s.roles[b.Role] {
			s.users[b.User] = true
		}
	}
	if s.domains[""] { // it can be felt everywhere
		for _, b := range slices.Concat(before.Bindings, after.Bindings) {
			s.domains[b.Domain] = true
		}
		for _, name := range append(old.domains(), now.domains()...) {
			s.domains[name] = true
		}
	}
	return s
}

func (s *spread) sortedDomains() []string { return slices.Sorted(maps.Keys(s.domains)) }

// subjects are the roles, then the users by what their bindings grant.
func (s *spread) subjects() []domain.Actor {
	list := make([]domain.Actor, 0, len(s.roles)+len(s.users))
	for _, r := range slices.Sorted(maps.Keys(s.roles)) {
		list = append(list, domain.Actor{Role: r})
	}
	for _, u := range slices.Sorted(maps.Keys(s.users)) {
		list = append(list, domain.Actor{ID: u})
	}
	return list
}

// differ returns what only one of two lists has.
func differ[T comparable](a, b []T) []T {
	in := func(list []T) map[T]bool {
		m := make(map[T]bool, len(list))
		for _, v := range list {
			m[v] = true
		}
		return m
	}
	inA, inB := in(a), in(b)
	var out []T
	for _, v := range a {
		if !inB[v] {
			out = append(out, v)
		}
	}
	for _, v := range b {
		if !inA[v] {
			out = append(out, v)
		}
	}
	return out
}
