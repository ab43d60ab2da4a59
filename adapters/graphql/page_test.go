package graphql_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
)

// wholeImage asks for every field that the documented type has.
const wholeImage = `{
	name humanized_name tag registry digest labels { key value } aliases size_bytes
	resource_limits { key min max } supported_accelerators installed installed_agents
}`

// tensorflow is an image with one of everything.
func tensorflow() domain.Image {
	return domain.Image{
		Name: "stable/python-tensorflow", Tag: "2.9-py39", SizeBytes: 1<<53 + 1, ConfigDigest: domain.Digest("sha256:" + strings.Repeat("ab", 32)),
		Labels: map[string]string{
			"ai.backend.kernelspec": "1", "ai.backend.accelerators": "cuda", "ai.backend.resource.min.cpu": "2",
			"ai.backend.resource.min.mem": "1g", "ai.backend.features": "batch", "org.opencontainers.image.title": "TensorFlow", "empty": "",
		},
	}
}

func TestAClientWrittenFromTheDocumentationReadsAnImage(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	img := s.stock(tensorflow())[0]
	_, err := s.AliasImage(s.root, actions.AliasImageAction{Alias: "tf", ImageCanonical: string(img.ID)})
	require.NoError(t, err)
	_, err = s.SetImageResourceLimitByID(s.root, actions.SetImageResourceLimitByIDAction{ImageID: img.ID, Slot: "cpu", Min: "4", Max: "8"})
	require.NoError(t, err)
	s.node("a1", img)

	want := func(agents string) string {
		return `{
			"name": "stable/python-tensorflow", "humanized_name": "TensorFlow 2.9-py39", "tag": "2.9-py39", "registry": "cr.example.org:5000",
			"digest": "sha256:` + strings.Repeat("ab", 32) + `",
			"labels": [
				{"key": "ai.backend.accelerators", "value": "cuda"}, {"key": "ai.backend.features", "value": "batch"},
				{"key": "ai.backend.kernelspec", "value": "1"}, {"key": "ai.backend.resource.min.cpu", "value": "2"},
				{"key": "ai.backend.resource.min.mem", "value": "1g"}, {"key": "empty", "value": ""},
				{"key": "org.opencontainers.image.title", "value": "TensorFlow"}
			],
			"aliases": ["tf"], "size_bytes": 9007199254740993,
			"resource_limits": [{"key": "cpu", "min": "4", "max": "8"}, {"key": "mem", "min": "1g", "max": null}],
			"supported_accelerators": ["cuda"], "installed": true, "installed_agents": ` + agents + `
		}`
	}
	for actor, agents := range map[string]string{"root": `["a1"]`, "alice": "null", "monitor": "null"} {
		for _, name := range []string{"tf", img.Canonical(), string(img.ID)} {
			data := s.must(actor, `query($r: String!) { image(reference: $r) `+wholeImage+` }`, map[string]any{"r": name})
			got, err := json.Marshal(data["image"])
			require.NoError(t, err)
			require.JSONEq(t, want(agents), string(got), "%s as %s", name, actor)
			require.Contains(t, string(got), `"size_bytes":9007199254740993`, "a number, with all its digits")
		}
		data := s.must(actor, `{ images `+wholeImage+` }`, nil)
		got, err := json.Marshal(data["images"])
		require.NoError(t, err)
		require.JSONEq(t, "["+want(agents)+"]", string(got), "list as %s", actor)
	}
	a := s.ask("bob", `{ image(reference: "tf") { name } }`, nil)
	require.Equal(t, map[string]any{"image": nil}, a.Data)
	require.Equal(t, []any{"image_not_found"}, a.reasons())
	require.Equal(t, "not_found", a.Errors[0].Extensions["code"])
	require.Equal(t, []any{"image"}, a.Errors[0].Path)
	require.Equal(t, []any{}, s.must("bob", `{ images { name } }`, nil)["images"], "another domain")
}

func TestTheFiltersOfImagesAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	list := s.stock(domain.Image{Name: "held"}, domain.Image{Name: "free"},
		domain.Image{Name: "tool", Labels: map[string]string{"ai.backend.features": "operation"}}, domain.Image{Name: "gone"})
	s.node("a1", list[0])
	_, err := s.AllowScalingGroup(s.root, actions.AllowScalingGroupAction{ScalingGroupGrant: domain.ScalingGroupGrant{ScalingGroup: "default", Domain: "default"}})
	require.NoError(t, err)
	_, err = s.ForgetImageByID(s.root, actions.ForgetImageByIDAction{ImageID: list[3].ID})
	require.NoError(t, err)
	for _, c := range []struct{ actor, args, want string }{
		{"root", "", "free held tool"},
		{"alice", "", "free held tool"},
		{"alice", "(is_installed: true)", "held"},
		{"alice", "(is_installed: false)", "free tool"},
		{"alice", "(is_operation: true)", "tool"},
		{"alice", "(is_operation: false)", "free held"},
		{"alice", "(is_operation: null, is_installed: null, domain: null, group: null, scaling_group: null)", "free held tool"},
		{"alice", `(group: "vision")`, "held"},
		{"alice", `(group: "vision", scaling_group: "default")`, "held"},
		{"alice", `(scaling_group: "default")`, "held"},
		{"alice", `(group: "other")`, "!group_not_found"},
		{"alice", `(scaling_group: "secret")`, "!scaling_group_not_found"},
		{"alice", `(domain: "default")`, "!domain_filter"},
		{"root", `(domain: "default")`, "free held tool"},
		{"root", `(domain: "other")`, ""},
		{"", "", "!no_actor"},
	} {
		a := s.ask(c.actor, `{ images`+c.args+` { name } }`, nil)
		if reason, refused := strings.CutPrefix(c.want, "!"); refused {
			require.Equal(t, []any{reason}, a.reasons(), "%s %s: %s", c.actor, c.args, a.raw)
			require.Nil(t, a.Data["images"])
			continue
		}
		require.Empty(t, a.Errors, "%s %s: %s", c.actor, c.args, a.raw)
		names := []string{}
		for _, i := range a.Data["images"].([]any) {
			names = append(names, i.(map[string]any)["name"].(string))
		}
		require.Equal(t, c.want, strings.Join(names, " "), "%s %s", c.actor, c.args)
	}
}

func TestTheDocumentedMutationsAnswerOrRefuseWithoutErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	list := s.stock(domain.Image{Name: "python"}, domain.Image{Name: "mine", Labels: map[string]string{domain.LabelCustomizedOwner: "user:alice"}})
	s.node("a1")
	ref := `"` + list[0].Canonical() + `"`
	for _, c := range []struct{ actor, field, selection, want string }{
		{"root", `alias_image(alias: "py", target: ` + ref + `)`, "ok msg", `{"ok":true,"msg":""}`},
		{"root", `alias_image(alias: "py", target: "` + list[1].Canonical() + `")`, "ok", `{"ok":false}`},
		{"root", `alias_image(alias: "py2", target: "no/such:1")`, "ok msg", `{"ok":false,"msg":"no such image: no/such:1"}`},
		{"root", `dealias_image(alias: "py")`, "ok msg", `{"ok":true,"msg":""}`},
		{"root", `dealias_image(alias: "py")`, "ok msg", `{"ok":false,"msg":"no such alias: py"}`},
		{"root", `rescan_images(registry: "")`, "ok msg task_id", `{"ok":false,"msg":"registry is required","task_id":null}`},
		{"root", `preload_image(reference: ` + ref + `, target_agents: "!!")`, "ok task_id", `{"ok":false,"task_id":null}`},
		{"root", `forget_image(reference: ` + ref + `)`, "ok msg", `{"ok":true,"msg":""}`},
		{"root", `forget_image(reference: "no/such:1")`, "ok msg", `{"ok":false,"msg":"no such image: no/such:1"}`},
		{"alice", `rescan_images(registry: "` + host + `")`, "ok msg task_id", `{"ok":false,"msg":"you lack the permission registry.rescan","task_id":null}`},
		{"alice", `preload_image(reference: ` + ref + `, target_agents: "*")`, "ok msg task_id", `{"ok":false,"msg":"you lack the permission agent.preload_images","task_id":null}`},
		{"alice", `unload_image(reference: ` + ref + `, target_agents: "*")`, "ok msg", `{"ok":false,"msg":"you lack the permission agent.unload_images"}`},
		{"alice", `alias_image(alias: "x", target: ` + ref + `)`, "ok msg", `{"ok":false,"msg":"you lack the permission alias.create"}`},
		{"alice", `dealias_image(alias: "x")`, "ok msg", `{"ok":false,"msg":"you lack the permission alias.delete"}`},
		{"alice", `forget_image(reference: "` + list[1].Canonical() + `")`, "ok", `{"ok":false}`},
		{"monitor", `forget_image(reference: ` + ref + `)`, "ok", `{"ok":false}`},
		{"", `forget_image(reference: ` + ref + `)`, "ok msg", `{"ok":false,"msg":"authentication is required"}`},
		{"", `alias_image(alias: "x", target: ` + ref + `)`, "ok msg", `{"ok":false,"msg":"authentication is required"}`},
	} {
		a := s.ask(c.actor, `mutation { m: `+c.field+` { `+c.selection+` } }`, nil)
		require.Equal(t, 200, a.status)
		require.NotContains(t, a.raw, `"errors"`, "%s %s", c.actor, c.field)
		got, err := json.Marshal(a.Data["m"])
		require.NoError(t, err)
		require.JSONEq(t, c.want, string(got), "%s %s", c.actor, c.field)
	}
	data := s.must("alice", `mutation($id: ID!) { forget_image_by_id(input: {image_id: $id}) { changed image { status } } }`, map[string]any{"id": list[1].ID})
	require.Equal(t, map[string]any{"changed": true, "image": map[string]any{"status": "forgotten"}}, data["forget_image_by_id"], "owners forget by id")
}

func TestLongDocumentedMutationsReturnTheirTaskAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	img := s.stock(domain.Image{Name: "python"})[0]
	s.node("a1")
	for _, field := range []string{
		`rescan_images(registry: "` + host + `")`,
		`preload_image(reference: "` + img.Canonical() + `", target_agents: "*")`,
		`unload_image(reference: "` + img.Canonical() + `", target_agents: "a1")`,
	} {
		m := s.must("root", `mutation { m: `+field+` { ok msg task_id } }`, nil)["m"].(map[string]any)
		require.Equal(t, true, m["ok"], "%v", m)
		id := domain.TaskID(m["task_id"].(string))
		task, err := s.GetTask(s.root, actions.GetTaskAction{TaskID: id})
		require.NoError(t, err)
		require.Equal(t, domain.TaskQueued, task.Task.State, "nothing works tasks off here, and the answer did not wait")
		again := s.must("root", `mutation { m: `+field+` { task_id } }`, nil)["m"].(map[string]any)
		require.Equal(t, string(id), again["task_id"], "asked twice, it is one task")
	}
}

func TestMoreImagesThanOneAnswerHoldsAreAnErrorThatNamesTheWayOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock(many(2500)...)
	require.Len(t, s.must("root", `{ images { name } }`, nil)["images"], 2500, "over several pages")
	for limit, fits := range map[int]bool{2500: true, 2499: false, 1000: false, 10: false, 3000: true, 2000: false} {
		url := s.serve(graphql.Options{MaxImages: limit})
		a := s.askAt(url, "alice", `{ images { name } }`, nil)
		if fits {
			require.Len(t, a.Data["images"], 2500)
			continue
		}
		require.Equal(t, map[string]any{"images": nil}, a.Data)
		require.Equal(t, []any{"too_many_images"}, a.reasons())
		require.Equal(t, "invalid", a.Errors[0].Extensions["code"])
		require.Contains(t, a.Errors[0].Message, "images_page")
	}
}

// The page of the documentation, field by field: what it says has to be what
// introspection tells.
func TestTheDocumentedTypesAreToTheLetter(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/documented.txt")
	require.NoError(t, err)
	s := newSite(t, graphql.Options{})
	got := printed(s.must("root", `{ __schema { types { name kind fields { name args { name type { ...T } } type { ...T } } } } }
		fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }`, nil))
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		require.Contains(t, got, line)
	}
}

// printed is the fields of a schema, one line each: Type.field(arg: T): T.
func printed(data map[string]any) map[string]bool {
	lines := map[string]bool{}
	for _, t := range data["__schema"].(map[string]any)["types"].([]any) {
		typ := t.(map[string]any)
		fields, _ := typ["fields"].([]any)
		for _, f := range fields {
			field := f.(map[string]any)
			var args []string
			for _, a := range field["args"].([]any) {
				arg := a.(map[string]any)
				args = append(args, arg["name"].(string)+": "+typeName(arg["type"]))
			}
			line := typ["name"].(string) + "." + field["name"].(string)
			if len(args) > 0 {
				line += "(" + strings.Join(args, ", ") + ")"
			}
			lines[line+": "+typeName(field["type"])] = true
		}
	}
	return lines
}

func typeName(v any) string {
	t, _ := v.(map[string]any)
	switch t["kind"] {
	case "NON_NULL":
		return typeName(t["ofType"]) + "!"
	case "LIST":
		return "[" + typeName(t["ofType"]) + "]"
	}
	return t["name"].(string)
}
