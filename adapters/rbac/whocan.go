package rbac

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// WhoCan returns the roles that have a permission, and the users bound to them,
// by the policy in force; see [port.Searcher]. Errors are those of Authorize.
func (a *Authorizer) WhoCan(ctx context.Context, q domain.AccessQuery) (domain.Holders, error) {
	if _, ok := a.engine.index[q.Permission]; !ok {
		return domain.Holders{}, domain.Internal("rbac.WhoCan", fmt.Errorf("no such permission: %s", domain.Quote(q.Permission)))
	}
	snap, err := a.current(ctx)
	if err != nil {
		return domain.Holders{}, err
	}
	list := snap.holders(q)
	res := domain.Holders{Holders: list, Revision: snap.revision}
	if q.Limit > 0 && len(list) > q.Limit {
		res.Holders, res.Truncated = list[:q.Limit], true
	}
	return res, nil
}

// grants are the widest rule of each role that has a permission, by the domain
// that the rule is for.
type grants map[string]map[domain.Role]*rule

// in returns the rule that decides for a role in one domain, nil for none.
func (g grants) in(name string, role domain.Role) *rule {
	r := g[""][role]
	if name != "" {
		r = wider(r, g[name][role])
	}
	return r
}

// wider is the order of [engine.evaluate].
func wider(a, b *rule) *rule {
	if a == nil || b != nil && cmp.Or(cmp.Compare(b.Reach, a.Reach), cmp.Compare(len(b.Permission), len(a.Permission))) > 0 {
		return b
	}
	return a
}

// granting finds the rules for a permission and hands them on to those who
// inherit: much cheaper than asking casbin about every role.
func (s *snapshot) granting(permission string) grants {
	heirs := s.heirs()
	all := grants{}
	for name, roles := range s.shards {
		all[name] = map[domain.Role]*rule{}
		for role, rules := range roles {
			var best *rule
			for _, r := range rules {
				if domain.Covers(r.Permission, permission) {
					best = wider(best, r)
				}
			}
			if best == nil {
				continue
			}
			for _, heir := range closure(role, func(r domain.Role) []domain.Role { return heirs[r] }) {
				all[name][heir] = wider(all[name][heir], best)
			}
		}
	}
	return all
}

func (s *snapshot) holders(q domain.AccessQuery) []domain.Holder {
	all, names := s.granting(q.Permission), s.domains()
	list := []domain.Holder{}
	// add lists what a role gives: in one domain, or in each that matters.
	add := func(role domain.Role, user domain.UserID, limit string) {
		hold := func(r *rule, name string) {
			list = append(list, domain.Holder{
				Role: role, User: user, Domain: name, Reach: r.Reach, Rule: r.text, NeedsProject: q.Project != "" && r.Reach != domain.ReachAny,
			})
		}
		if name := cmp.Or(limit, q.Domain); name != "" {
			if r := all.in(name, role); r != nil {
				hold(r, cmp.Or(limit, r.Domain))
			}
			return
		}
		everywhere := all.in("", role)
		if everywhere != nil {
			hold(everywhere, "")
		}
		for _, name := range names {
			if r := all[name][role]; name != "" && r != nil && (everywhere == nil || r.Reach > everywhere.Reach) {
				hold(r, name)
			}
		}
	}
	for role := range s.known {
		add(role, "", "")
	}
	for _, b := range s.bindings {
		if b.Domain == "" || q.Domain == "" || b.Domain == q.Domain {
			add(b.Role, b.User, b.Domain)
		}
	}
	slices.SortFunc(list, func(x, y domain.Holder) int {
		return cmp.Or(cmp.Compare(x.User, y.User), cmp.Compare(x.Role, y.Role), cmp.Compare(x.Domain, y.Domain))
	})
	return slices.Compact(list) // the same binding twice is one
}
