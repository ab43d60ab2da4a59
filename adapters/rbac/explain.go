package rbac

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Explain returns the grant that Authorize gives, and why: the rule and its
// role, or the roles that would allow it, the narrowest first. Errors are those
// of Authorize.
func (a *Authorizer) Explain(ctx context.Context, actor domain.Actor, permission string) (domain.Decision, error) {
	r, snap, err := a.decide(ctx, actor, permission)
	if err != nil {
		return domain.Decision{}, err
	}
	d := domain.Decision{Permission: permission, Actor: actor, Revision: snap.revision}
	if r == nil {
		d.Missing = snap.missing(&actor, permission)
		return d, nil
	}
	d.Grant = domain.Grant{Reach: r.Reach, Rule: r.text}
	d.Role = r.Role
	return d, nil
}

// missing names the roles whose own rules grant a permission in the actor's
// domain. Machine roles are no advice for people.
func (s *snapshot) missing(a *domain.Actor, permission string) string {
	reach := map[domain.Role]domain.Reach{}
	for _, name := range []string{"", a.Domain} {
		for role, rules := range s.shards[name] {
			for _, r := range rules {
				if domain.Covers(r.Permission, permission) && !isMachine(role) {
					reach[role] = max(reach[role], r.Reach)
				}
			}
		}
	}
	nearest := slices.SortedFunc(maps.Keys(reach), func(x, y domain.Role) int {
		return cmp.Or(cmp.Compare(reach[x], reach[y]), cmp.Compare(x, y))
	})
	const most = 5
	var names []string
	for _, role := range nearest[:min(len(nearest), most)] {
		names = append(names, fmt.Sprintf("%s (reach %s)", role, reach[role]))
	}
	if more := len(nearest) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	has := "the actor has " + s.rolesOf(a)
	if len(names) == 0 {
		return fmt.Sprintf("no role has %s; %s", permission, has)
	}
	return fmt.Sprintf("%s needs the role %s; %s", permission, strings.Join(names, " or "), has)
}

// rolesOf tells which roles the actor has, and whether the policy knows theirs.
func (s *snapshot) rolesOf(a *domain.Actor) string {
	var roles []string
	switch {
	case a.Role == "":
	case s.known[a.Role]:
		roles = append(roles, string(a.Role))
	default:
		roles = append(roles, domain.Quote(string(a.Role))+", which no rule knows")
	}
	for _, r := range s.sets[s.keyOf(a).set] {
		if r != a.Role {
			roles = append(roles, string(r)+" (bound)")
		}
	}
	if len(roles) == 0 {
		return "no role"
	}
	return strings.Join(roles, " and ")
}

func isMachine(r domain.Role) bool { return r == RoleSystem || r == RoleAgent || r == RoleWebhook }
