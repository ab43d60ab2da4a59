package graphql_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
)

// An absent field stays, null clears it: also where a variable is the one that
// is absent or null.
func TestAVariableThatIsNotGivenClearsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	img := s.stock(domain.Image{Name: "python"})[0]
	const fields = ` image { operator_labels { key value } custom_limits { key min max } size_bytes } } }`
	inside := `mutation($id: ID!, $labels: [KVPairInput!], $size: BigInt, $limits: [ResourceLimitInput!]) {
		modify_image_by_id(input: {image_id: $id, modifier: {labels: $labels, size_bytes: $size, resource_limits: $limits}}) {` + fields
	whole := `mutation($i: ModifyImageByIDInput!) { modify_image_by_id(input: $i) {` + fields
	change := func(query string, vars map[string]any) map[string]any {
		t.Helper()
		return s.must("root", query, vars)["modify_image_by_id"].(map[string]any)["image"].(map[string]any)
	}
	team := []any{map[string]any{"key": "team", "value": "web"}}
	cpu := []any{map[string]any{"key": "cpu", "min": "2", "max": nil}}

	got := change(inside, map[string]any{"id": img.ID, "labels": team, "limits": []any{map[string]any{"key": "cpu", "min": "2"}}})
	require.Equal(t, team, got["operator_labels"])
	require.Equal(t, cpu, got["custom_limits"])
	got = change(inside, map[string]any{"id": img.ID, "size": 1<<53 + 1})
	require.Equal(t, json.Number("9007199254740993"), got["size_bytes"])
	require.Equal(t, team, got["operator_labels"], "absent")
	require.Equal(t, cpu, got["custom_limits"], "absent")
	got = change(inside, map[string]any{"id": img.ID, "labels": nil})
	require.Empty(t, got["operator_labels"], "null")
	require.Equal(t, cpu, got["custom_limits"])
	got = change(whole, map[string]any{"i": map[string]any{"image_id": img.ID, "modifier": map[string]any{"labels": team[0]}}})
	require.Equal(t, team, got["operator_labels"], "one pair stands for a list")
	got = change(whole, map[string]any{"i": map[string]any{"image_id": img.ID, "modifier": map[string]any{"resource_limits": nil}}})
	require.Equal(t, team, got["operator_labels"])
	require.Empty(t, got["custom_limits"])
	got = change(`mutation { modify_image_by_id(input: {image_id: "`+string(img.ID)+`", modifier: {labels: null, size_bytes: 7}}) {`+fields, nil)
	require.Empty(t, got["operator_labels"], "a literal")

	for name, c := range map[string]struct {
		vars   map[string]any
		reason string
	}{
		"nothing":            {map[string]any{}, "modifier_empty"},
		"a label twice":      {map[string]any{"labels": []any{team[0], team[0]}}, "input_invalid"},
		"no pair":            {map[string]any{"labels": "x"}, "variable_invalid"},
		"a size too large":   {map[string]any{"size": json.Number("99999999999999999999")}, "input_invalid"},
		"a size with a part": {map[string]any{"size": 1.5}, "input_invalid"},
		"a size in words":    {map[string]any{"size": "many"}, "input_invalid"},
		"a negative size":    {map[string]any{"size": -1}, "modifier_invalid"},
		"a limit of nothing": {map[string]any{"limits": []any{map[string]any{"key": "cpu"}}}, "limit_invalid"},
		"a limit with more":  {map[string]any{"limits": []any{map[string]any{"key": "cpu", "least": 1}}}, "variable_invalid"},
	} {
		c.vars["id"] = img.ID
		a := s.ask("root", inside, c.vars)
		require.Equal(t, []any{c.reason}, a.reasons(), "%s: %s", name, a.raw)
		require.Equal(t, "invalid", a.Errors[0].Extensions["code"])
	}
	a := s.ask("root", `mutation { record_image_use(input: {reference: "`+string(img.ID)+`", at: "yesterday"}) { image_id } }`, nil)
	require.Equal(t, []any{"input_invalid"}, a.reasons(), a.raw)
	a = s.ask("root", `mutation { forget_image_by_id(input: {image_id: 5}) { changed } }`, nil)
	require.Equal(t, []any{"id_invalid"}, a.reasons(), "a number is an id of GraphQL, and none of ours")
}

func TestListsAreNarrowedOrderedAndCountedOnDemand(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock(many(3)...)
	s.node("a1")
	s.node("a2")
	s.node("b1")
	data := s.must("root", `{ agents(input: {where: {field: "id", op: prefix, value: "a"}, limit: 1, sort: "id", desc: true}) { agents { id status labels { key } inventory_at } next total } }`, nil)["agents"].(map[string]any)
	require.Equal(t, json.Number("2"), data["total"])
	first := data["agents"].([]any)[0].(map[string]any)
	require.Equal(t, "a2", first["id"])
	require.Equal(t, "online", first["status"])
	data = s.must("root", `query($c: String) { agents(input: {where: {field: "id", op: prefix, value: "a"}, limit: 1, sort: "id", desc: true, after: $c}) { agents { id } next } }`,
		map[string]any{"c": data["next"]})["agents"].(map[string]any)
	require.Equal(t, map[string]any{"agents": []any{map[string]any{"id": "a1"}}, "next": nil}, data)

	agent := s.must("root", `mutation { modify_agent(input: {agent_id: "b1", revision: "1", labels: {key: "rack", value: "7"}}) { agent { labels { key value } revision } } }`, nil)["modify_agent"].(map[string]any)["agent"]
	require.Equal(t, map[string]any{"labels": []any{map[string]any{"key": "rack", "value": "7"}}, "revision": json.Number("2")}, agent)

	before := s.statements.Load()
	s.must("root", `{ agents { agents { id } } }`, nil)
	plain := s.statements.Load() - before
	before = s.statements.Load()
	s.must("root", `{ agents { ...C } } fragment C on ListAgentsResult { n: total }`, nil)
	require.Equal(t, plain+1, s.statements.Load()-before)

	data = s.must("root", `{ registries { registries { name url domains is_global token_realms } total } audit(input: {limit: 2}) { entries { actor action status params } } }`, nil)
	require.Equal(t, map[string]any{"name": host, "url": "", "domains": []any{"default"}, "is_global": true, "token_realms": []any{}},
		data["registries"].(map[string]any)["registries"].([]any)[0])
	entry := data["audit"].(map[string]any)["entries"].([]any)[0].(map[string]any)
	require.Equal(t, "registry.create", entry["action"])
	require.Equal(t, host, entry["params"].(map[string]any)["name"], "JSON stays JSON")
	_, err := s.AliasImage(s.root, actions.AliasImageAction{Alias: "tool", ImageCanonical: host + "/tool-00001:1"})
	require.NoError(t, err)
	data = s.must("alice", `{ aliases(input: {where: {field: "alias", op: eq, value: "tool"}}) { aliases { alias canonical architecture } } }`, nil)["aliases"].(map[string]any)
	require.Equal(t, []any{map[string]any{"alias": "tool", "canonical": host + "/tool-00001:1", "architecture": "x86_64"}}, data["aliases"])
	data = s.must("alice", `{ explain(input: {permission: "image.forget"}) { decision { grant { reach rule } actor { id projects } } } }`, nil)["explain"].(map[string]any)
	decision := data["decision"].(map[string]any)
	require.Equal(t, "own", decision["grant"].(map[string]any)["reach"])
	require.Equal(t, map[string]any{"id": "alice", "projects": []any{"vision"}}, decision["actor"])
}

func TestEveryRootFieldFailsByItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock(many(1)...)
	a := s.ask("alice", `{ images { name } agents { agents { id } } gone: image(reference: "x") { name } tasks { tasks { id } } }`, nil)
	require.Equal(t, http.StatusOK, a.status)
	require.Len(t, a.Data["images"], 1)
	require.Nil(t, a.Data["agents"])
	require.Nil(t, a.Data["gone"])
	require.NotNil(t, a.Data["tasks"])
	require.ElementsMatch(t, []any{"permission_missing", "image_not_found"}, a.reasons())
	for _, e := range a.Errors {
		require.Len(t, e.Path, 1)
	}
}
