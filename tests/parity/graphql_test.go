package parity_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/wharf-project/wharf/adapters/graphql/generated"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func schema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// fieldNames are those that do not follow from the method's name.
var fieldNames = map[string]string{
	"GetImage": "image_node", "GetImageInstalledAgents": "image_installed_agents", "SearchAliases": "aliases",
	"RescanImages": "rescan_registries", "ListRegistries": "registries", "ListAgents": "agents", "ListIntents": "intents",
	"ListScalingGroups": "scaling_groups", "GetTask": "task", "ListTasks": "tasks", "SearchAudit": "audit", "GetRole": "role",
	"ListRoles": "roles", "ListRoleBindings": "role_bindings", "ListKeys": "keys", "Explain": "explain",
	"GetBuildTask": "build_task", "ListBuildTasks": "build_tasks", "GetModel": "model", "ListModels": "models", "GetPipeline": "pipeline",
	"ListPipelines": "pipelines", "GetBuiltImage": "built_image", "ListBuiltImages": "built_images",
}

// unwrapped are fields that give a part of the result.
var unwrapped = map[string]string{"GetImage": "image"}

func snake(method string) string {
	var b strings.Builder
	for i, r := range strings.ReplaceAll(method, "ByID", "ById") {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// fieldOf is the field that takes all of an action, nil if there is none.
func fieldOf(s *ast.Schema, e service.Entry) (kind string, f *ast.FieldDefinition) {
	kind, of := "mutation", s.Mutation
	if e.Spec.Effect.String() == "read" {
		kind, of = "query", s.Query
	}
	name := fieldNames[e.Method]
	if name == "" {
		name = snake(e.Method)
	}
	if f = of.Fields.ForName(name); f == nil || f.Arguments.ForName("input") == nil {
		return kind, nil
	}
	return kind, f
}

func viaGraphQL(w *world, e service.Entry, as domain.Actor, action string) outcome {
	w.t.Helper()
	s := schema()
	kind, f := fieldOf(s, e)
	require.NotNil(w.t, f, "%s has no field that takes all of it, and no excuse", e.Spec.Name)
	var input map[string]any
	d := json.NewDecoder(strings.NewReader(action))
	d.UseNumber()
	require.NoError(w.t, d.Decode(&input))
	count, _ := input["count"].(bool)
	delete(input, "count")
	typ := f.Arguments.ForName("input").Type
	query := kind + "($i: " + typ.String() + ") { x: " + f.Name + "(input: $i) " + selection(s, f.Type, count) + " }"
	out := w.ask(as, query, map[string]any{"i": asInput(s, typ, input)})
	if part := unwrapped[e.Method]; part != "" && out.Code == "" {
		out.Data = map[string]any{part: out.Data}
	}
	return out
}

// ask runs a query with one field, x.
func (w *world) ask(as domain.Actor, query string, variables map[string]any) outcome {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(w.t, err)
	r := httptest.NewRequestWithContext(w.t.Context(), "POST", "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+tokenOf(as))
	rec := httptest.NewRecorder()
	w.handler().ServeHTTP(rec, r)
	var got struct {
		Data   map[string]json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code, Reason, On string }
		}
	}
	require.NoError(w.t, json.Unmarshal(rec.Body.Bytes(), &got), rec.Body.String())
	if len(got.Errors) == 0 {
		return outcome{Data: w.normal(got.Data["x"]), body: rec.Body.String()}
	}
	require.Len(w.t, got.Errors, 1, rec.Body.String())
	first := got.Errors[0]
	return outcome{Code: first.Extensions.Code, Reason: first.Extensions.Reason, On: first.Extensions.On, Message: first.Message, body: rec.Body.String()}
}

// selection is everything below a field but totals that nobody asked for, and
// the nodes of an image, which its own action does not tell.
func selection(s *ast.Schema, typ *ast.Type, count bool) string {
	def := s.Types[typ.Name()]
	if def.Kind != ast.Object {
		return ""
	}
	var b strings.Builder
	b.WriteString("{")
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") || strings.HasPrefix(f.Name, "total") && f.Name != "total_progress" && !count || def.Name == "ImageNode" && f.Name == "agents" {
			continue
		}
		b.WriteString(" " + f.Name + " " + selection(s, f.Type, count))
	}
	return b.String() + " }"
}

// asInput turns the JSON of an action into what the schema takes: objects with
// free keys are pairs there.
func asInput(s *ast.Schema, typ *ast.Type, v any) any {
	if typ.Elem != nil {
		if m, ok := v.(map[string]any); ok {
			list := []any{}
			for k, item := range m {
				pair, isObject := item.(map[string]any)
				if !isObject {
					pair = map[string]any{"value": item}
				}
				pair["key"] = k
				list = append(list, pair)
			}
			return list
		}
		list, ok := v.([]any)
		if !ok {
			return v
		}
		for i := range list {
			list[i] = asInput(s, typ.Elem, list[i])
		}
		return list
	}
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for k, item := range m {
		if f := s.Types[typ.Name()].Fields.ForName(k); f != nil {
			m[k] = asInput(s, f.Type, item)
		}
	}
	return m
}

// derived are fields of an image's record that follow from its others.
var derived = []string{"canonical", "humanized_name", "resource_limits", "supported_accelerators", "installed"}

// differences tells where an answer of GraphQL is not the result that the others
// have. Where JSON leaves out what is empty, GraphQL has null or the empty value.
func differences(at string, got, want any) []string {
	got = pairsAs(got, want)
	if isEmpty(got) && isEmpty(want) {
		return nil
	}
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			break
		}
		var list []string
		for k, v := range want {
			if _, there := m[k]; !there && k != "accelerators" && k != "password" {
				list = append(list, at+"."+k+" is missing")
			} else if there {
				list = append(list, differences(at+"."+k, m[k], v)...)
			}
		}
		for k, v := range m {
			if _, there := want[k]; !there && !isEmpty(v) && !slices.Contains(derived, k) {
				list = append(list, at+"."+k+" is too much")
			}
		}
		return list
	case []any:
		l, ok := got.([]any)
		if !ok || len(l) != len(want) {
			break
		}
		var list []string
		for i := range want {
			list = append(list, differences(at+"[]", l[i], want[i])...)
		}
		return list
	default:
		if asText(got) == asText(want) {
			return nil
		}
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	return []string{at + " is " + string(a) + ", not " + string(b)}
}

// pairsAs makes an object of pairs where the result has one.
func pairsAs(got, want any) any {
	list, isList := got.([]any)
	if _, isObject := want.(map[string]any); !isList || !isObject {
		return got
	}
	m := map[string]any{}
	for _, item := range list {
		pair, _ := item.(map[string]any)
		switch {
		case pair["key"] != nil && pair["value"] != nil:
			m[asText(pair["key"])] = pair["value"]
		case pair["key"] != nil:
			key := asText(pair["key"])
			delete(pair, "key")
			m[key] = pair
		case pair["image_id"] != nil: // image_installed_agents
			m[asText(pair["image_id"])] = pair["agents"]
		}
	}
	return m
}

// asText compares numbers that GraphQL writes as text.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
