package graphql_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
)

// wholeNode asks for every field of a node.
const wholeNode = `{
	id registry_id canonical humanized_name registry project name tag architecture tag_digest manifest_digest digest size_bytes type status
	is_local is_operation customized owner supported_accelerators labels { key value } operator_labels { key value }
	custom_limits { key min max } resource_limits { key min max } created_at updated_at last_used_at revision
	aliases installed installed_count agents { agent_id canonical architecture digest size_bytes containers observed_at stale }
}`

func TestPagesOfImagesFollowEachOtherInEveryOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	list := s.stock(many(25)...)
	for i, img := range list[:10] {
		_, err := s.RecordImageUse(s.root, actions.RecordImageUseAction{Reference: string(img.ID)})
		require.NoError(t, err, i)
	}
	for _, sort := range []string{"canonical", "name", "size_bytes", "created_at", "updated_at", "last_used_at"} {
		for _, desc := range []bool{false, true} {
			order := map[string]any{"sort": sort, "desc": desc}
			var ids, cursors []string
			var after any
			for page := 0; ; page++ {
				data := s.must("alice", `query($after: String, $order: ImageOrder) {
					images_page(first: 10, after: $after, order: $order) { edges { cursor node { id } } page_info { has_next_page end_cursor } total_count }
				}`, map[string]any{"after": after, "order": order})
				c := data["images_page"].(map[string]any)
				require.Equal(t, json.Number("25"), c["total_count"])
				for _, e := range c["edges"].([]any) {
					edge := e.(map[string]any)
					ids = append(ids, edge["node"].(map[string]any)["id"].(string))
					cursors = append(cursors, edge["cursor"].(string))
				}
				info := c["page_info"].(map[string]any)
				require.Equal(t, cursors[len(cursors)-1], info["end_cursor"])
				res, err := s.ListImages(s.root, actions.ListImagesAction{Page: domain.Page{Limit: len(ids), Sort: sort, Desc: desc}})
				require.NoError(t, err)
				require.Equal(t, info["has_next_page"], res.Next != "")
				if res.Next == "" {
					break
				}
				require.Equal(t, res.Next, info["end_cursor"], "cursors are the catalogue's own")
				after = info["end_cursor"]
			}
			res, err := s.ListImages(s.root, actions.ListImagesAction{Page: domain.Page{Sort: sort, Desc: desc}})
			require.NoError(t, err)
			want := []string{}
			for _, i := range res.Images {
				want = append(want, string(i.ID))
			}
			require.Equal(t, want, ids, "%s %v", sort, desc)
			rest := s.must("alice", `query($after: String, $order: ImageOrder) { images_page(after: $after, order: $order) { edges { node { id } } total_count } }`,
				map[string]any{"after": cursors[6], "order": order})["images_page"].(map[string]any)
			require.Len(t, rest["edges"], 18, "from the middle of a page on")
		}
	}
	a := s.ask("alice", `query($c: String) { images_page(after: $c, order: {sort: "name"}) { total_count } }`,
		map[string]any{"c": domain.Cursor{Sort: "canonical", Key: "x", ID: "y"}.String()})
	require.Equal(t, []any{"cursor_invalid"}, a.reasons())
}

func TestFiltersComposeAndMeanWhatTheyMeanElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock(domain.Image{Name: "python", Tag: "3.11"}, domain.Image{Name: "python", Tag: "3.12"},
		domain.Image{Name: "node", Tag: "20", Labels: map[string]string{"team": "web"}}, domain.Image{Name: "50%", Tag: "1"})
	for where, want := range map[string]string{
		`{}`: "50%:1 node:20 python:3.11 python:3.12",
		`{field: "name", op: eq, value: "python"}`:                                                            "python:3.11 python:3.12",
		`{and: [{field: "name", op: eq, value: "python"}, {not: {field: "tag", op: prefix, value: "3.11"}}]}`: "python:3.12",
		`{or: [{field: "tag", op: in, values: ["20", "3.12"]}, {field: "name", op: contains, value: "%"}]}`:   "50%:1 node:20 python:3.12",
		`{or: {field: "tag", op: in, values: "20"}}`:                                                          "node:20",
		`{field: "label.team", op: exists}`:                                                                   "node:20",
		`{field: "label.team", op: ne, value: "web"}`:                                                         "50%:1 python:3.11 python:3.12",
		`{field: "name", op: nosuch, value: "x"}`:                                                             "!query_invalid",
		`{field: "secret", op: eq, value: "x"}`:                                                               "!filter_invalid",
		`{field: "name", op: lt, value: "x"}`:                                                                 "!filter_invalid",
		`{field: "name", op: eq, value: "x", and: [{field: "name", op: eq, value: "x"}]}`:                     "!filter_invalid",
		`{field: "size_bytes", op: ge, value: "many"}`:                                                        "!filter_invalid",
		`{and: [` + strings.Repeat(`{field: "name", op: eq, value: "x"}, `, 100) + `]}`:                       "!filter_invalid",
		`{field: "name", op: eq, nosuch: "x"}`:                                                                "!query_invalid",
	} {
		a := s.ask("alice", `{ images_page(where: `+where+`) { edges { node { name tag } } } }`, nil)
		if reason, refused := strings.CutPrefix(want, "!"); refused {
			require.Equal(t, []any{reason}, a.reasons(), "%s", where)
			continue
		}
		require.Empty(t, a.Errors, "%s: %s", where, a.raw)
		names := []string{}
		for _, e := range a.Data["images_page"].(map[string]any)["edges"].([]any) {
			n := e.(map[string]any)["node"].(map[string]any)
			names = append(names, fmt.Sprint(n["name"], ":", n["tag"]))
		}
		require.Equal(t, want, strings.Join(names, " "), where)
	}
	data := s.must("alice", `query($w: FilterInput) { images_page(where: $w) { total_count } }`,
		map[string]any{"w": map[string]any{"not": map[string]any{"field": "name", "op": "eq", "value": "python"}}})
	require.Equal(t, json.Number("2"), data["images_page"].(map[string]any)["total_count"], "by a variable")
	data = s.must("alice", `query($n: String!) { images_page(where: {field: "name", op: eq, value: $n}) { total_count } }`, map[string]any{"n": "node"})
	require.Equal(t, json.Number("1"), data["images_page"].(map[string]any)["total_count"], "by a variable inside")
}

func TestAPageWithEverythingCostsAsManyStatementsAsOneImage(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	list := s.stock(many(300)...)
	for _, img := range list {
		_, err := s.AliasImage(s.root, actions.AliasImageAction{Alias: "alias-" + img.Name, ImageCanonical: string(img.ID)})
		require.NoError(t, err)
	}
	s.node("a1", list...)
	s.node("a2", list...)
	for _, first := range []int{1, 50, 300} {
		before := s.statements.Load()
		data := s.must("root", `query($n: Int) { images_page(first: $n) { edges { cursor node `+wholeNode+` } page_info { end_cursor } total_count } }`, map[string]any{"n": first})
		require.LessOrEqual(t, s.statements.Load()-before, int64(6), "a page of %d", first)
		edges := data["images_page"].(map[string]any)["edges"].([]any)
		require.Len(t, edges, first)
		node := edges[0].(map[string]any)["node"].(map[string]any)
		require.Len(t, node["agents"], 2)
		require.Equal(t, []any{"alias-tool-00000"}, node["aliases"])
	}
	before := s.statements.Load()
	require.Len(t, s.must("root", `{ images `+wholeImage+` }`, nil)["images"], 300)
	require.LessOrEqual(t, s.statements.Load()-before, int64(6), "the documented list")

	before = s.statements.Load()
	s.must("alice", `{ images_page(first: 50) { edges { node { id name } } } }`, nil)
	lean := s.statements.Load() - before
	before = s.statements.Load()
	s.must("alice", `{ images_page(first: 50) { edges { node { id name } } total_count } }`, nil)
	require.Equal(t, lean+1, s.statements.Load()-before, "a total is counted when it is asked for")
	before = s.statements.Load()
	s.must("root", `query($yes: Boolean!) { images_page(first: 50) { edges { node { id agents @include(if: $yes) { agent_id } } } } }`, map[string]any{"yes": false})
	require.Equal(t, lean, s.statements.Load()-before, "agents that are not asked for are not read")
}

func TestWhoMayNotSeeAgentsSeesTheRest(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	list := s.stock(domain.Image{Name: "held"}, domain.Image{Name: "free"})
	s.node("a1", list[0])
	query := `{ images_page { edges { node { name installed installed_count agents { agent_id stale } } } } }`
	free := map[string]any{"name": "free", "installed": false, "installed_count": json.Number("0"), "agents": []any{}}
	held := map[string]any{"name": "held", "installed": true, "installed_count": json.Number("1"), "agents": []any{map[string]any{"agent_id": "a1", "stale": false}}}
	for _, actor := range []string{"root", "monitor"} {
		require.Equal(t, []any{map[string]any{"node": free}, map[string]any{"node": held}}, s.must(actor, query, nil)["images_page"].(map[string]any)["edges"])
	}
	free["agents"], held["agents"] = nil, nil
	require.Equal(t, []any{map[string]any{"node": free}, map[string]any{"node": held}}, s.must("alice", query, nil)["images_page"].(map[string]any)["edges"])

	node := s.must("root", `query($r: String!) { image_node(input: {reference: $r, statuses: [alive, missing]}) `+wholeNode+` }`, map[string]any{"r": list[0].Canonical()})["image_node"].(map[string]any)
	require.Len(t, node["agents"], 1)
	require.Nil(t, node["owner"], "what is not there is null")
	require.Nil(t, node["last_used_at"])
	require.Equal(t, "", node["project"], "what may be empty is")
	holders := s.must("monitor", `query($ids: [ID!]!) { image_installed_agents(input: {image_ids: $ids}) { agents { image_id agents { agent_id } } } }`,
		map[string]any{"ids": []domain.ImageID{list[1].ID, list[0].ID}})["image_installed_agents"]
	require.Equal(t, map[string]any{"agents": []any{map[string]any{"image_id": string(list[0].ID), "agents": []any{map[string]any{"agent_id": "a1"}}}}}, holders)
	require.Equal(t, []any{"permission_missing"}, s.ask("alice", `{ image_installed_agents(input: {image_ids: ["x"]}) { agents { image_id } } }`, nil).reasons())
}
