package rbac_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

var (
	_ port.Authorizer = (*rbac.Authorizer)(nil)
	_ port.Explainer  = (*rbac.Authorizer)(nil)
)

func TestContract(t *testing.T) {
	t.Run("configured policy", func(t *testing.T) {
		porttest.RunAuthorizer(t, porttest.AuthorizerHarness{
			New: func(tb testing.TB, g porttest.Grants) port.Authorizer {
				var csv strings.Builder
				for _, r := range rulesOf(g) {
					fmt.Fprintf(&csv, "p, %s, %s, %s\n", r.Role, r.Permission, r.Reach)
				}
				return mustNew(tb, rbac.Config{Permissions: namesIn(g), Policy: csv.String()})
			},
			Failing: func(tb testing.TB, g porttest.Grants) port.Authorizer {
				broken := strings.Replace(rbac.Model(), "covers(", "nothing(", 1)
				a, err := rbac.NewWithModel(rbac.Config{Permissions: namesIn(g), Policy: "p, root, *, any"}, broken)
				if err != nil {
					tb.Fatal(err)
				}
				return a
			},
		})
	})
	t.Run("rows", func(t *testing.T) {
		porttest.RunAuthorizer(t, porttest.AuthorizerHarness{
			New: func(tb testing.TB, g porttest.Grants) port.Authorizer {
				r := &rows{policy: rbac.Policy{Rules: rulesOf(g)}}
				return mustNew(tb, rbac.Config{Permissions: namesIn(g), Policy: "# none", Rows: r})
			},
			Failing: func(tb testing.TB, g porttest.Grants) port.Authorizer {
				r := &rows{policy: rbac.Policy{Rules: rulesOf(g)}, err: errors.New("no route to host")}
				return mustNew(tb, rbac.Config{Permissions: namesIn(g), Policy: "p, root, *, any", Rows: r})
			},
		})
	})
}

func rulesOf(g porttest.Grants) (rules []rbac.Rule) {
	for role, permissions := range g {
		for p, reach := range permissions {
			if reach != domain.ReachNone {
				rules = append(rules, rbac.Rule{Role: role, Permission: p, Reach: reach})
			}
		}
	}
	return rules
}

func namesIn(g porttest.Grants) []string {
	names := map[string]bool{}
	for _, permissions := range g {
		for p := range permissions {
			names[p] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
