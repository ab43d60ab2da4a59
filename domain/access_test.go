package domain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestCoversKnowsThreeFormsOfPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, permission string
		want                bool
	}{
		{"image.get", "image.get", true}, {"image.get", "image.gets", false}, {"image.get", "image", false}, {"image.get", "IMAGE.GET", false},
		{"image.*", "image.get", true}, {"image.*", "images.get", false}, {"image.*", "image", true}, {"image.*", "agent.get", false},
		{"*", "image.get", true}, {"*", "", true}, {"im*", "image.get", false}, {"*.get", "image.get", false}, {".*", "image.get", false}, {"", "image.get", false},
		{"image.*", "image.*", true}, {"*", "image.*", true}, {"*", "*", true}, {"image.*", "*", false}, {"image.get", "image.*", false}, {"image.get", "*", false},
	} {
		require.Equal(t, c.want, domain.Covers(c.pattern, c.permission), "%s, %s", c.pattern, c.permission)
	}
}

func TestScopesNarrowAndNoScopesDoNot(t *testing.T) {
	t.Parallel()
	require.True(t, domain.Actor{}.InScope("image.get"))
	require.True(t, domain.Actor{Scopes: []string{}}.InScope("image.get"))
	a := domain.Actor{Scopes: []string{"image.*", "task.get"}}
	for p, want := range map[string]bool{"image.get": true, "task.get": true, "task.list": false, "": false, "*": false, "image.*": true, "task.*": false} {
		require.Equal(t, want, a.InScope(p), p)
	}
	b, err := json.Marshal(domain.Actor{ID: "u"})
	require.NoError(t, err)
	require.NotContains(t, string(b), "scopes", "what was stored before there were scopes reads the same")
}

func TestRolesAndBindingsAreChecked(t *testing.T) {
	t.Parallel()
	good := domain.RoleRule{Permission: "image.get", Reach: domain.ReachOwn, Domain: "d"}
	require.NoError(t, domain.PolicyRole{Name: "a.B_c-1:d", Rules: []domain.RoleRule{good}}.Check())
	require.NoError(t, domain.PolicyRole{Name: "a", Inherits: []domain.Role{"user"}}.Check())
	for reason, r := range map[string]domain.PolicyRole{
		"role_invalid":   {Name: "a b", Rules: []domain.RoleRule{good}},
		"role_empty":     {Name: "a"},
		"role_cycle":     {Name: "a", Inherits: []domain.Role{"b", "a"}},
		"role_too_large": {Name: "a", Rules: make([]domain.RoleRule, domain.MaxRoleRules+1)},
		"reach_invalid":  {Name: "a", Rules: []domain.RoleRule{good, {Permission: "image.get", Reach: 4}}},
		"name_invalid":   {Name: "a", Rules: []domain.RoleRule{{Permission: "image.get", Reach: domain.ReachOwn, Domain: "*"}}},
		"field_required": {Name: "a", Rules: []domain.RoleRule{{Reach: domain.ReachOwn}}},
	} {
		require.Equal(t, reason, domain.ReasonOf(r.Check()))
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(r.Check()))
	}
	require.NoError(t, domain.Binding{User: "u", Role: "r"}.Check())
	for _, b := range []domain.Binding{{Role: "r"}, {User: "u"}, {User: "u u", Role: "r"}, {User: "u", Role: "r", Domain: "*"}, {User: "u", Role: "r", Domain: "a b"}} {
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(b.Check()), "%+v", b)
	}
	for _, r := range []domain.Role{"", "é", "a,b", "a\n", domain.Role(strings.Repeat("a", 65))} {
		require.False(t, domain.IsRole(r), r)
	}
	require.True(t, domain.IsRole(domain.Role(strings.Repeat("a", 64))))
}

func TestARoleIsAtHomeWhereAllItsRulesAre(t *testing.T) {
	t.Parallel()
	in := func(names ...string) domain.PolicyRole {
		r := domain.PolicyRole{Name: "r"}
		for _, n := range names {
			r.Rules = append(r.Rules, domain.RoleRule{Permission: "*", Reach: domain.ReachOwn, Domain: n})
		}
		return r
	}
	require.Equal(t, "d", in("d", "d").Home())
	require.Empty(t, in("d", "e").Home())
	require.Empty(t, in("d", "").Home())
	require.Empty(t, in("", "d").Home())
	require.Empty(t, in().Home())
}

func TestAChangeThatIsThoughtOfLeavesTheRowsAlone(t *testing.T) {
	t.Parallel()
	get, list := domain.RoleRule{Permission: "image.get", Reach: domain.ReachOwn}, domain.RoleRule{Permission: "image.list", Reach: domain.ReachOwn}
	bob, eve := domain.Binding{User: "bob", Role: "r"}, domain.Binding{User: "eve", Role: "r"}
	rows := domain.PolicyRows{Roles: []domain.PolicyRole{{Name: "r", Rules: []domain.RoleRule{get}}}, Bindings: []domain.RoleBinding{{Binding: bob}}}
	before, err := json.Marshal(rows)
	require.NoError(t, err)
	got, err := rows.With(domain.PolicyChange{
		AddRules: []domain.RuleOf{{Role: "r", RoleRule: list}, {Role: "new", RoleRule: get}}, RemoveRules: []domain.RuleOf{{Role: "r", RoleRule: get}},
		AddBindings: []domain.Binding{eve}, RemoveBindings: []domain.Binding{bob},
	})
	require.NoError(t, err)
	require.Equal(t, domain.PolicyRows{
		Roles:    []domain.PolicyRole{{Name: "r", Rules: []domain.RoleRule{list}}, {Name: "new", Rules: []domain.RoleRule{get}}},
		Bindings: []domain.RoleBinding{{Binding: eve}},
	}, got)
	after, err := json.Marshal(rows)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	_, err = rows.With(domain.PolicyChange{RemoveRules: []domain.RuleOf{{Role: "r", RoleRule: list}}})
	require.Equal(t, "rule_not_found", domain.ReasonOf(err))
	_, err = rows.With(domain.PolicyChange{RemoveBindings: []domain.Binding{eve}})
	require.Equal(t, "binding_not_found", domain.ReasonOf(err))
}

func TestInheritanceIsFollowedAlsoInCircles(t *testing.T) {
	t.Parallel()
	rows := domain.PolicyRows{Roles: []domain.PolicyRole{
		{Name: "a", Inherits: []domain.Role{"b", "user"}}, {Name: "b", Inherits: []domain.Role{"c"}}, {Name: "c", Inherits: []domain.Role{"b"}},
	}}
	for _, c := range []struct {
		from, to domain.Role
		want     bool
	}{{"a", "c", true}, {"a", "user", true}, {"c", "a", false}, {"b", "b", true}, {"user", "a", false}} {
		require.Equal(t, c.want, rows.Reaches(c.from, c.to), "%s to %s", c.from, c.to)
	}
	require.Equal(t, []domain.Role{"a", "c"}, rows.HeirsOf("b"))
}
