package service_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func TestAnAdminGivesWhatItHasInItsDomainAndNothingElse(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	ann := f.as(fleetAdmin)
	require.NoError(t, f.makeRole(f.root, "auditor", ruleOf("audit.search", domain.ReachAny, "")))
	require.NoError(t, f.makeRole(f.root, "theirs", ruleOf("image.get", domain.ReachOwn, "other")))
	for what, c := range map[string]struct {
		rule   domain.RoleRule
		reason string
	}{
		"what it has":                {ruleOf("image.get", domain.ReachVisible, "default"), ""},
		"less than it has":           {ruleOf("image.*", domain.ReachOwn, "default"), "grant_not_held"}, // image.scan
		"one of them":                {ruleOf("image.forget", domain.ReachOwn, "default"), ""},
		"more than it has":           {ruleOf("image.get", domain.ReachAny, "default"), "grant_not_held"},
		"what it has not":            {ruleOf("image.scan", domain.ReachOwn, "default"), "grant_not_held"},
		"all of a kind that it has":  {ruleOf("key.*", domain.ReachOwn, "default"), ""},
		"everything":                 {ruleOf("*", domain.ReachOwn, "default"), "grant_not_held"},
		"to everybody":               {ruleOf("image.get", domain.ReachVisible, ""), "domain_out_of_reach"},
		"to those of another domain": {ruleOf("image.get", domain.ReachVisible, "other"), "domain_out_of_reach"},
	} {
		err := f.makeRole(ann, "new", c.rule)
		if c.reason == "" {
			require.NoError(t, err, what)
			_, err = f.DeleteRole(ann, actions.DeleteRoleAction{Name: "new"})
			require.NoError(t, err, what)
			continue
		}
		fleetError(t, err, domain.CodeForbidden, c.reason)
	}
	_, err := f.CreateRole(ann, actions.CreateRoleAction{Name: "new", Rules: []domain.RoleRule{ruleOf("image.get", domain.ReachOwn, "default")}, Inherits: []domain.Role{"monitor"}})
	fleetError(t, err, domain.CodeForbidden, "domain_out_of_reach")
	_, err = f.CreateRole(ann, actions.CreateRoleAction{Name: "new", Rules: []domain.RoleRule{ruleOf("image.get", domain.ReachOwn, "default")}, Inherits: []domain.Role{"auditor"}})
	fleetError(t, err, domain.CodeNotFound, "role_not_found")

	require.NoError(t, f.bind(ann, "bob", "admin", "default"), "another admin of the domain")
	fleetError(t, f.bind(ann, "bob", "admin", ""), domain.CodeForbidden, "domain_out_of_reach")
	fleetError(t, f.bind(ann, "bob", "admin", "other"), domain.CodeForbidden, "domain_out_of_reach")
	fleetError(t, f.bind(ann, "bob", "monitor", "default"), domain.CodeForbidden, "grant_not_held")
	for _, name := range []domain.Role{"auditor", "theirs", "nobody"} { // roles that it may not know of are no roles
		fleetError(t, f.bind(ann, "bob", name, "default"), domain.CodeNotFound, "role_not_found")
		_, err := f.GetRole(ann, actions.GetRoleAction{Name: name})
		fleetError(t, err, domain.CodeNotFound, "role_not_found")
		_, err = f.DeleteRole(ann, actions.DeleteRoleAction{Name: name})
		fleetError(t, err, domain.CodeNotFound, "role_not_found")
		_, err = f.ModifyRole(ann, actions.ModifyRoleAction{Name: name, Rules: domain.Set([]domain.RoleRule{ruleOf("image.get", domain.ReachOwn, "default")})})
		fleetError(t, err, domain.CodeNotFound, "role_not_found")
	}
	require.NoError(t, f.bind(f.root, "carl", "auditor", "default"))
	require.NoError(t, f.bind(f.root, "carl", "auditor", ""))
	require.NoError(t, f.unbind(ann, "carl", "auditor", "default"), "it takes from its domain what it cannot give")
	fleetError(t, f.unbind(ann, "carl", "auditor", ""), domain.CodeForbidden, "domain_out_of_reach")
	list, err := f.ListRoleBindings(ann, actions.ListRoleBindingsAction{})
	require.NoError(t, err)
	require.Len(t, list.Bindings, 1)

	homeless := fleetAdmin
	homeless.Domain = ""
	fleetError(t, f.makeRole(f.as(homeless), "new", ruleOf("image.get", domain.ReachOwn, "")), domain.CodeForbidden, "domain_out_of_reach")
}

// What a token grants over own and visible rows, it grants in the token's
// domain: an officer of hq cannot give it to other domains.
func TestWhatATokenGrantsEndsAtItsDomain(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	olga := f.as(fleetOfficer)
	require.NoError(t, f.makeRole(olga, "getter", ruleOf("image.get", domain.ReachAny, "")), "a grant over everything holds everywhere")
	require.NoError(t, f.makeRole(olga, "forgetter", ruleOf("image.forget", domain.ReachVisible, "hq")))
	for _, home := range []string{"", "default"} {
		fleetError(t, f.makeRole(olga, "new", ruleOf("image.forget", domain.ReachOwn, home)), domain.CodeForbidden, "grant_not_held")
	}
	require.NoError(t, f.bind(olga, "bob", "forgetter", ""), "the rule ends there by itself")
	fleetError(t, f.bind(olga, "bob", "user", ""), domain.CodeForbidden, "grant_not_held")
	require.NoError(t, f.bind(f.root, "olga", "user", ""), "bound everywhere")
	require.NoError(t, f.makeRole(olga, "new", ruleOf("image.forget", domain.ReachOwn, "")))
	fleetError(t, f.makeRole(olga, "newer", ruleOf("image.forget", domain.ReachVisible, "default")), domain.CodeForbidden, "grant_not_held")
	require.NoError(t, f.bind(olga, "bob", "user", ""))
}

func TestWhoCannotGiveARoleDoesNotChangeItEither(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	olga := f.as(fleetOfficer)
	require.NoError(t, f.makeRole(f.root, "scanner", ruleOf("image.scan", domain.ReachAny, "")))
	_, err := f.ModifyRole(olga, actions.ModifyRoleAction{Name: "scanner", Rules: domain.Set([]domain.RoleRule{ruleOf("image.get", domain.ReachAny, "")})})
	fleetError(t, err, domain.CodeForbidden, "grant_not_held")
	_, err = f.DeleteRole(olga, actions.DeleteRoleAction{Name: "scanner", DryRun: true})
	fleetError(t, err, domain.CodeForbidden, "grant_not_held")
	_, err = f.CreateRole(olga, actions.CreateRoleAction{Name: "heir", Inherits: []domain.Role{"scanner"}})
	fleetError(t, err, domain.CodeForbidden, "grant_not_held")
	require.NoError(t, f.makeRole(olga, "mine", ruleOf("image.get", domain.ReachAny, "")))
	_, err = f.ModifyRole(olga, actions.ModifyRoleAction{Name: "mine", Inherits: domain.Set([]domain.Role{"scanner"})})
	fleetError(t, err, domain.CodeForbidden, "grant_not_held")
}

// A process may know roles and rights of a moment ago. What is given away is
// judged by what is in the store when it is given.
func TestTheGuardJudgesByTheRowsOfItsTransaction(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	var fresh atomic.Bool
	fresh.Store(true)
	stale := &fleet{ImageService: f.again(withRoles(t, f, &fresh)), tb: t, root: f.root}
	ann := f.as(fleetAdmin)
	require.NoError(t, f.makeRole(ann, "getter", ruleOf("image.get", domain.ReachVisible, "default")))
	require.NoError(t, f.bind(f.root, "bob", "admin", "default"))
	bob := f.as(fleetBob)
	require.NoError(t, stale.bind(bob, "carl", "getter", "default"))
	fresh.Store(false)

	_, err := f.ModifyRole(f.root, actions.ModifyRoleAction{Name: "getter", Rules: domain.Set([]domain.RoleRule{ruleOf("image.scan", domain.ReachAny, "default")})})
	require.NoError(t, err)
	fleetError(t, stale.bind(ann, "dora", "getter", "default"), domain.CodeForbidden, "grant_not_held")
	require.NoError(t, f.unbind(f.root, "bob", "admin", "default"))
	fleetError(t, stale.bind(bob, "dora", "user", "default"), domain.CodeForbidden, "permission_missing")
	fleetError(t, stale.makeRole(bob, "new", ruleOf("image.get", domain.ReachOwn, "default")), domain.CodeForbidden, "permission_missing")
}

func TestACallerLimitedToADomainAsksAboutItOnly(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	ann := f.as(fleetAdmin)
	require.NoError(t, f.makeRole(ann, "getter", ruleOf("image.get", domain.ReachVisible, "default")))
	require.NoError(t, f.bind(ann, "bob", "getter", "default"))
	require.NoError(t, f.bind(f.root, "carl", "user", "other"))
	for _, home := range []string{"", "default"} {
		res, err := f.WhoCan(ann, actions.WhoCanAction{Permission: "image.get", Domain: home})
		require.NoError(t, err)
		text := fleetJSON(t, res)
		require.Contains(t, text, `"user":"bob"`)
		require.NotContains(t, text, "carl")
		require.False(t, res.Truncated)
	}
	_, err := f.WhoCan(ann, actions.WhoCanAction{Permission: "image.get", Domain: "other"})
	fleetError(t, err, domain.CodeForbidden, "domain_out_of_reach")
	_, err = f.WhoCan(f.root, actions.WhoCanAction{Permission: "image.steal"})
	fleetError(t, err, domain.CodeInvalid, "permission_unknown")
	few, err := f.WhoCan(f.root, actions.WhoCanAction{Permission: "image.get", Limit: 2})
	require.NoError(t, err)
	require.Len(t, few.Holders, 2)
	require.True(t, few.Truncated)

	change := func(c domain.PolicyChange) actions.SimulateAccessAction {
		return actions.SimulateAccessAction{PolicyChange: c}
	}
	got, err := f.SimulateAccess(ann, change(domain.PolicyChange{
		RemoveRules: []domain.RuleOf{{Role: "getter", RoleRule: ruleOf("image.get", domain.ReachVisible, "default")}},
		AddRules:    []domain.RuleOf{{Role: "getter", RoleRule: ruleOf("image.scan", domain.ReachAny, "default")}},
		AddBindings: []domain.Binding{{User: "dora", Role: "getter", Domain: "default"}},
	}))
	require.NoError(t, err, "thinking of more than one has is free")
	var flips []string
	for _, x := range got.Flips {
		flips = append(flips, string(x.Role)+string(x.User)+" "+x.Domain+" "+x.Permission+" "+x.Before.Reach.String()+" "+x.After.Reach.String())
	}
	require.Equal(t, []string{
		"getter default image.get visible none", "getter default image.scan none any", "bob default image.get visible none", "bob default image.scan none any", "dora default image.scan none any",
	}, flips)
	require.Equal(t, domain.ReachNone, f.may(fleetBob, "image.scan"), "nothing has changed")
	for _, c := range []domain.PolicyChange{
		{AddRules: []domain.RuleOf{{Role: "getter", RoleRule: ruleOf("image.get", domain.ReachOwn, "")}}},
		{AddBindings: []domain.Binding{{User: "dora", Role: "getter", Domain: "other"}}},
		{RemoveBindings: []domain.Binding{{User: "carl", Role: "user", Domain: "other"}}},
	} {
		_, err := f.SimulateAccess(ann, change(c))
		fleetError(t, err, domain.CodeForbidden, "domain_out_of_reach")
	}
	for reason, c := range map[string]domain.PolicyChange{
		"rule_not_found":    {RemoveRules: []domain.RuleOf{{Role: "getter", RoleRule: ruleOf("image.get", domain.ReachOwn, "default")}}},
		"binding_not_found": {RemoveBindings: []domain.Binding{{User: "carl", Role: "getter", Domain: "default"}}},
		"role_not_found":    {AddBindings: []domain.Binding{{User: "carl", Role: "nobody", Domain: "default"}}},
	} {
		_, err := f.SimulateAccess(f.root, change(c))
		fleetError(t, err, domain.CodeNotFound, reason)
	}
	_, err = f.SimulateAccess(f.root, change(domain.PolicyChange{AddRules: []domain.RuleOf{{Role: "user", RoleRule: ruleOf("image.get", domain.ReachAny, "")}}}))
	fleetError(t, err, domain.CodePrecondition, "role_built_in")
	_, err = f.SimulateAccess(f.as(fleetBob), change(domain.PolicyChange{AddBindings: []domain.Binding{{User: "bob", Role: "user"}}}))
	fleetError(t, err, domain.CodeForbidden, "permission_missing")
}
