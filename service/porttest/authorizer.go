package porttest

import (
	"context"
	"fmt"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// AllowAll lets everybody do everything, with reach any. It is for tests of
// what comes after authorization; it does not pass [RunAuthorizer].
type AllowAll struct{}

// Authorize grants reach any.
func (AllowAll) Authorize(context.Context, domain.Actor, string) (domain.Grant, error) {
	return domain.Grant{Reach: domain.ReachAny, Rule: "porttest.AllowAll"}, nil
}

// DenyAll lets nobody do anything. It does not pass [RunAuthorizer].
type DenyAll struct{}

// Authorize grants nothing.
func (DenyAll) Authorize(context.Context, domain.Actor, string) (domain.Grant, error) {
	return domain.Grant{}, nil
}

// Grants is an Authorizer made of what each role may do. The permissions that
// exist are those that some role names; reach none names one and grants nothing.
// It looks at the actor's role only. Do not change it while it is in use.
type Grants map[domain.Role]map[string]domain.Reach

var _ port.Authorizer = Grants(nil)

// Authorize looks the grant up. Errors: internal for a permission that no role
// names.
func (g Grants) Authorize(_ context.Context, a domain.Actor, permission string) (domain.Grant, error) {
	if !g.names(permission) {
		return domain.Grant{}, domain.Internal("porttest.Grants", fmt.Errorf("no such permission: %s", domain.Quote(permission)))
	}
	reach := g[a.Role][permission]
	if reach == domain.ReachNone {
		return domain.Grant{}, nil
	}
	return domain.Grant{Reach: reach, Rule: fmt.Sprintf("%s %s %s", a.Role, permission, reach)}, nil
}

func (g Grants) names(permission string) bool {
	for _, permissions := range g {
		if _, ok := permissions[permission]; ok {
			return true
		}
	}
	return false
}
