package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// fleetPolicy is the default policy with a role that no domain limits, and one
// that inherits from superadmin.
const fleetPolicy = `
p, officer, role.*, any
p, officer, key.*, any
p, officer, access.*, any
p, officer, image.get, any
p, officer, image.forget, visible
g, root, superadmin
`

// The actors of access tests. The admin is of the domain default, as alice and
// bob are.
var (
	fleetAdmin   = domain.Actor{ID: "ann", Role: domain.RoleAdmin, Domain: "default"}
	fleetOfficer = domain.Actor{ID: "olga", Role: "officer", Domain: "hq"}
)

// withRoles decides by the store's roles. Its clock makes every check read them
// anew; fresh off: it keeps what it has read, as a process does for a moment.
func withRoles(tb testing.TB, f *fleet, fresh *atomic.Bool) func(*service.Config) {
	tb.Helper()
	var ns atomic.Int64
	az, err := rbac.New(rbac.Config{
		Permissions: service.Permissions(), Policy: rbac.DefaultPolicy() + fleetPolicy, Rows: app.AccessRows(f.store),
		Now: func() time.Time {
			if fresh == nil || fresh.Load() {
				ns.Add(int64(10 * time.Second))
			}
			return time.Unix(0, ns.Load())
		},
	})
	require.NoError(tb, err)
	return withAuthorizer(az)
}

// newAccess is a fleet that decides by the roles of its store.
func newAccess(tb testing.TB, options ...func(*service.Config)) *fleet {
	tb.Helper()
	f := newFleet(tb)
	f.ImageService = f.again(append(options, withRoles(tb, f, nil))...)
	return f
}

func ruleOf(permission string, reach domain.Reach, home string) domain.RoleRule {
	return domain.RoleRule{Permission: permission, Reach: reach, Domain: home}
}

func (f *fleet) makeRole(who context.Context, name domain.Role, rules ...domain.RoleRule) error {
	return fleetErr(f.CreateRole(who, actions.CreateRoleAction{Name: name, Rules: rules}))
}

func (f *fleet) bind(who context.Context, user domain.UserID, role domain.Role, home string) error {
	return fleetErr(f.BindRole(who, actions.BindRoleAction{Binding: domain.Binding{User: user, Role: role, Domain: home}}))
}

func (f *fleet) unbind(who context.Context, user domain.UserID, role domain.Role, home string) error {
	return fleetErr(f.UnbindRole(who, actions.UnbindRoleAction{Binding: domain.Binding{User: user, Role: role, Domain: home}}))
}

// may reports how far a permission reaches for an actor.
func (f *fleet) may(a domain.Actor, permission string) domain.Reach {
	f.tb.Helper()
	res, err := f.Explain(f.root, actions.ExplainAction{Permission: permission, Actor: &a})
	require.NoError(f.tb, err)
	return res.Decision.Grant.Reach
}

func TestACustomRoleGrantsToWhoIsBoundToIt(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	made, err := f.CreateRole(f.root, actions.CreateRoleAction{Name: "scanner", Rules: []domain.RoleRule{ruleOf("image.scan", domain.ReachAny, "")}, Inherits: []domain.Role{"monitor"}})
	require.NoError(t, err)
	require.Equal(t, int64(1), made.Role.Revision)
	require.Equal(t, domain.ReachNone, f.may(fleetBob, "image.scan"))
	for _, changed := range []bool{true, false} { // twice is once
		res, err := f.BindRole(f.root, actions.BindRoleAction{Binding: domain.Binding{User: "bob", Role: "scanner", Domain: "default"}})
		require.NoError(t, err)
		require.Equal(t, changed, res.Changed)
	}
	elsewhere := fleetBob
	elsewhere.Domain = "elsewhere"
	require.Equal(t, domain.ReachAny, f.may(fleetBob, "image.scan"))
	require.Equal(t, domain.ReachAny, f.may(fleetBob, "audit.search"), "inherited")
	require.Equal(t, domain.ReachNone, f.may(elsewhere, "image.scan"))
	require.Equal(t, domain.ReachNone, f.may(fleetAlice, "image.scan"))

	got, err := f.GetRole(f.root, actions.GetRoleAction{Name: "scanner"})
	require.NoError(t, err)
	require.Equal(t, made.Role, got.Role)
	list, err := f.ListRoleBindings(f.root, actions.ListRoleBindingsAction{Where: domain.Where("role", domain.Eq, "scanner")})
	require.NoError(t, err)
	require.Equal(t, domain.Binding{User: "bob", Role: "scanner", Domain: "default"}, list.Bindings[0].Binding)
	require.Equal(t, domain.UserID("root"), list.Bindings[0].CreatedBy)
	require.Contains(t, f.audit("role.bind")[0].Target, "scanner")

	_, err = f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "scanner", Inherits: domain.Clear[[]domain.Role](), Revision: 2})
	fleetError(t, err, domain.CodeConflict, "revision_changed")
	changed, err := f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "scanner", Inherits: domain.Clear[[]domain.Role](), Revision: 1})
	require.NoError(t, err)
	require.Equal(t, made.Role.Rules, changed.Role.Rules, "what is absent stays")
	require.Equal(t, domain.ReachNone, f.may(fleetBob, "audit.search"))
	require.NoError(t, f.unbind(f.root, "bob", "scanner", "default"))
	require.Equal(t, domain.ReachNone, f.may(fleetBob, "image.scan"))
}

func TestBuiltInAndReservedRolesStayAsTheyAreConfigured(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	rule := ruleOf("image.get", domain.ReachOwn, "")
	for _, name := range []domain.Role{"superadmin", "system", "agent", "webhook", "root"} {
		fleetError(t, f.makeRole(f.root, name, rule), domain.CodeInvalid, "role_reserved")
		fleetError(t, f.bind(f.root, "eve", name, ""), domain.CodeInvalid, "role_reserved")
		fleetError(t, f.bind(f.root, "eve", name, "default"), domain.CodeInvalid, "role_reserved")
		_, err := f.CreateRole(f.root, actions.CreateRoleAction{Name: "mole", Inherits: []domain.Role{name}})
		fleetError(t, err, domain.CodeInvalid, "role_reserved")
		_, err = f.ModifyRole(f.root, actions.ModifyRoleAction{Name: name, Rules: domain.Set([]domain.RoleRule{rule})})
		fleetError(t, err, domain.CodeInvalid, "role_reserved")
		_, err = f.DeleteRole(f.root, actions.DeleteRoleAction{Name: name, Force: true})
		fleetError(t, err, domain.CodeInvalid, "role_reserved")
		_, err = f.SimulateAccess(f.root, actions.SimulateAccessAction{PolicyChange: domain.PolicyChange{AddBindings: []domain.Binding{{User: "eve", Role: name}}}})
		fleetError(t, err, domain.CodeInvalid, "role_reserved")
		_, err = f.CreateKey(f.root, actions.CreateKeyAction{Name: "k", User: "eve", Role: name})
		fleetError(t, err, domain.CodeInvalid, "role_reserved")
	}
	for _, name := range []domain.Role{"user", "admin", "monitor", "officer"} {
		fleetError(t, f.makeRole(f.root, name, rule), domain.CodeConflict, "role_exists")
		_, err := f.ModifyRole(f.root, actions.ModifyRoleAction{Name: name, Rules: domain.Set([]domain.RoleRule{rule})})
		fleetError(t, err, domain.CodePrecondition, "role_built_in")
		_, err = f.DeleteRole(f.root, actions.DeleteRoleAction{Name: name})
		fleetError(t, err, domain.CodePrecondition, "role_built_in")
		got, err := f.GetRole(f.root, actions.GetRoleAction{Name: name})
		require.NoError(t, err)
		require.True(t, got.Role.BuiltIn)
		require.NotEmpty(t, got.Role.Rules)
		require.NoError(t, f.bind(f.root, "eve", name, ""), "it can be given")
	}
	rows, err := f.store.PolicyRows(t.Context())
	require.NoError(t, err)
	require.Empty(t, rows.Roles)
	require.Len(t, rows.Bindings, 4)
}

func TestRolesThatAreNotInOrderAreRefused(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	require.NoError(t, f.makeRole(f.root, "a", ruleOf("image.get", domain.ReachOwn, "")))
	_, err := f.CreateRole(f.root, actions.CreateRoleAction{Name: "b", Inherits: []domain.Role{"a"}})
	require.NoError(t, err)
	for _, pattern := range []string{"image.steal", "im*", "*.get", "image", ".*", "image.get ", "IMAGE.GET"} {
		fleetError(t, f.makeRole(f.root, "c", ruleOf(pattern, domain.ReachOwn, "")), domain.CodeInvalid, "permission_unknown")
	}
	fleetError(t, f.makeRole(f.root, "c"), domain.CodeInvalid, "role_empty")
	fleetError(t, f.makeRole(f.root, "a", ruleOf("*", domain.ReachOwn, "")), domain.CodeConflict, "role_exists")
	_, err = f.CreateRole(f.root, actions.CreateRoleAction{Name: "c", Inherits: []domain.Role{"nobody"}})
	fleetError(t, err, domain.CodeNotFound, "role_not_found")
	_, err = f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "a", Inherits: domain.Set([]domain.Role{"b"})})
	fleetError(t, err, domain.CodeInvalid, "role_cycle")
	_, err = f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "a", Rules: domain.Clear[[]domain.RoleRule]()})
	fleetError(t, err, domain.CodeInvalid, "role_empty")
	_, err = f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "nobody"})
	fleetError(t, err, domain.CodeNotFound, "role_not_found")
	fleetError(t, f.bind(f.root, "bob", "nobody", ""), domain.CodeNotFound, "role_not_found")

	without := &fleet{ImageService: f.again(), tb: t, root: f.root} // an authorizer that takes no roles from anywhere
	fleetError(t, without.makeRole(f.root, "c", ruleOf("image.get", domain.ReachOwn, "")), domain.CodePrecondition, "roles_unavailable")
	_, err = without.WhoCan(f.root, actions.WhoCanAction{Permission: "image.get"})
	fleetError(t, err, domain.CodePrecondition, "who_can_unavailable")
}

func TestARoleInUseIsDeletedWithItsBindingsOnRequestOnly(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	require.NoError(t, f.makeRole(f.root, "a", ruleOf("image.get", domain.ReachOwn, "")))
	require.NoError(t, f.bind(f.root, "bob", "a", ""))
	require.NoError(t, f.bind(f.root, "bob", "a", "default"))
	_, err := f.CreateRole(f.root, actions.CreateRoleAction{Name: "b", Inherits: []domain.Role{"a", "user"}})
	require.NoError(t, err)
	plan, err := f.DeleteRole(f.root, actions.DeleteRoleAction{Name: "a", DryRun: true})
	require.NoError(t, err)
	require.Len(t, plan.Bindings, 2)
	require.Equal(t, []domain.Role{"b"}, plan.InheritedBy)

	_, err = f.DeleteRole(f.root, actions.DeleteRoleAction{Name: "a"})
	fleetError(t, err, domain.CodePrecondition, "role_in_use")
	require.Contains(t, domain.MessageOf(err), "bob (default)")
	_, err = f.DeleteRole(f.root, actions.DeleteRoleAction{Name: "a", Force: true})
	fleetError(t, err, domain.CodePrecondition, "role_in_use")
	require.Contains(t, domain.MessageOf(err), "the role b")
	_, err = f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "b", Inherits: domain.Set([]domain.Role{"user"})})
	require.NoError(t, err)
	_, err = f.DeleteRole(f.root, actions.DeleteRoleAction{Name: "a"})
	fleetError(t, err, domain.CodePrecondition, "role_in_use")
	res, err := f.DeleteRole(f.root, actions.DeleteRoleAction{Name: "a", Force: true})
	require.NoError(t, err)
	require.Len(t, res.Bindings, 2)
	rows, err := f.store.PolicyRows(t.Context())
	require.NoError(t, err)
	require.Empty(t, rows.Bindings, "a role of that name that somebody makes later is nobody's")
	_, err = f.DeleteRole(f.root, actions.DeleteRoleAction{Name: "a", Force: true})
	fleetError(t, err, domain.CodeNotFound, "role_not_found")
}
