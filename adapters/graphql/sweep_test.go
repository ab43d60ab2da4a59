package graphql_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/adapters/graphql/generated"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

func schema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// Clients hold on to the schema: what is in it may grow, and the golden file
// shows how.
func TestTheSchemaStaysAsItIs(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	formatter.NewFormatter(&got, formatter.WithIndent("  ")).FormatSchema(schema())
	if *update {
		require.NoError(t, os.WriteFile("testdata/schema.graphql", got.Bytes(), 0o644))
	}
	want, err := os.ReadFile("testdata/schema.graphql")
	require.NoError(t, err, "go test ./adapters/graphql -update writes it")
	require.Equal(t, string(want), got.String())
}

// named is the field of an action whose name does not follow from its method.
// Page: it is of the documented interface, whose arguments and answers are not
// the action's; the fields beside it take the whole action.
var named = map[string]struct {
	field string
	page  string // why the action has no field that takes all of it
}{
	"GetImage":                {field: "image_node"},
	"GetImageInstalledAgents": {field: "image_installed_agents"},
	"SearchAliases":           {field: "aliases"},
	"RescanImages":            {field: "rescan_registries"},
	"ListRegistries":          {field: "registries"},
	"ListAgents":              {field: "agents"},
	"ListIntents":             {field: "intents"},
	"ListScalingGroups":       {field: "scaling_groups"},
	"GetTask":                 {field: "task"},
	"ListTasks":               {field: "tasks"},
	"SearchAudit":             {field: "audit"},
	"GetRole":                 {field: "role"},
	"ListRoles":               {field: "roles"},
	"ListRoleBindings":        {field: "role_bindings"},
	"ListKeys":                {field: "keys"},
	"Explain":                 {field: "explain"},
	"GetBuildTask":            {field: "build_task"},
	"ListBuildTasks":          {field: "build_tasks"},
	"GetModel":                {field: "model"},
	"ListModels":              {field: "models"},
	"GetPipeline":             {field: "pipeline"},
	"ListPipelines":           {field: "pipelines"},
	"GetBuiltImage":           {field: "built_image"},
	"ListBuiltImages":         {field: "built_images"},
	"ListImages":              {field: "images_page", page: "its filters are arguments, and its result is a connection"},
	"WatchTask":               {field: "task_events", page: "a subscription waits and goes on by itself"},
	"ForgetImage":             {field: "forget_image", page: "documented for superadmins; forget_image_by_id and forget_images take the rest"},
	"AliasImage":              {field: "alias_image", page: "documented without an architecture; alias_image_by_id names one image"},
	"DealiasImage":            {field: "dealias_image", page: "documented without dry_run; aliases shows what an alias names"},
}

// absent are fields of actions and results that the schema leaves out.
var absent = map[string]string{
	"ListInput.count":             "a total is counted when the query selects it",
	"GetTaskInput.count":          "a total is counted when the query selects it",
	"ListRemoteImagesInput.count": "a total is counted when the query selects it",
	"ListImageTagsInput.count":    "a total is counted when the query selects it",
	"ListModelsInput.count":       "a total is counted when the query selects it",
	"ListPipelinesInput.count":    "a total is counted when the query selects it",
	"ListBuiltImagesInput.count":  "a total is counted when the query selects it",
	"Registry.password":           "it is never shown",
}

func TestEveryActionIsAFieldThatTakesAndGivesAllOfIt(t *testing.T) {
	t.Parallel()
	s := schema()
	used := map[string]bool{}
	for _, e := range service.Catalogue() {
		n, special := named[e.Method]
		if !special {
			n.field = snake(e.Method)
		}
		root := s.Mutation
		if e.Spec.Effect.String() == "read" {
			root = s.Query
		}
		if e.Method == "WatchTask" {
			root = s.Subscription
		}
		f := root.Fields.ForName(n.field)
		require.NotNil(t, f, "%s has no field %s in %s: add one, or say in the table why not", e.Method, n.field, root.Name)
		used[root.Name+"."+n.field] = true
		if n.page != "" {
			continue
		}
		require.Len(t, f.Arguments, 1, n.field)
		input := f.Arguments.ForName("input")
		require.NotNil(t, input, n.field)
		requireFields(t, s, input.Type.Name(), e.Action, true)
		if n.field != "image_node" && n.field != "image_installed_agents" { // shown as a node, and by image
			requireFields(t, s, f.Type.Name(), e.Result, false)
		}
	}
	for _, documented := range []string{"Query.image", "Query.images", "Mutation.rescan_images", "Mutation.preload_image", "Mutation.unload_image"} {
		used[documented] = true
	}
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			require.True(t, used[root.Name+"."+f.Name] || strings.HasPrefix(f.Name, "__"), "%s.%s is of no action", root.Name, f.Name)
		}
	}
}

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

// requireFields compares a type of the schema with the JSON of a struct, both
// ways and all the way down.
func requireFields(t *testing.T, s *ast.Schema, name string, typ reflect.Type, input bool) {
	t.Helper()
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	def := s.Types[name]
	if typ.Kind() != reflect.Struct || def.Kind != ast.Object && def.Kind != ast.InputObject || typ == reflect.TypeFor[time.Time]() {
		return
	}
	if typ == reflect.TypeFor[domain.Filter]() && name != "FilterInput" || name == "ImageRecord" && typ != reflect.TypeFor[domain.Image]() {
		require.Fail(t, "a type of another name", "%s for %s", name, typ)
	}
	fields := map[string]reflect.Type{}
	jsonFields(typ, fields)
	if typ == reflect.TypeFor[domain.Image]() { // shown with what follows from it
		for _, derived := range []string{"canonical", "humanized_name", "resource_limits", "supported_accelerators"} {
			fields[derived] = reflect.TypeFor[string]()
		}
		delete(fields, "accelerators")
	}
	if typ.Name() == "Filter" {
		for n := range fields {
			require.NotNil(t, def.Fields.ForName(n), "%s.%s", name, n)
		}
		return // it holds itself
	}
	for n, ft := range fields {
		f := def.Fields.ForName(n)
		if f == nil {
			require.NotEmpty(t, absent[name+"."+n], "%s lacks %s of %s", name, n, typ)
			continue
		}
		require.Empty(t, absent[name+"."+n], "%s.%s is excused and there", name, n)
		if value, ok := patched(ft); ok {
			ft = value
			require.False(t, f.Type.NonNull, "%s.%s can be cleared", name, n)
		}
		requireFields(t, s, f.Type.Name(), ft, input)
	}
	for _, f := range def.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			require.Contains(t, fields, f.Name, "%s has %s, which %s lacks", name, f.Name, typ)
		}
	}
}

func jsonFields(typ reflect.Type, into map[string]reflect.Type) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			jsonFields(f.Type, into)
		case f.IsExported() && name != "-":
			into[name] = f.Type
		}
	}
}

// patched returns the type of a patch's value.
func patched(typ reflect.Type) (reflect.Type, bool) {
	if !strings.HasPrefix(typ.Name(), "Patch[") {
		return nil, false
	}
	m, _ := typ.MethodByName("Get")
	return m.Type.Out(0), true
}

// Every field of the catalogue can be called: with an example of the action's
// own JSON, by one who may and by one who is nobody.
func TestEveryFieldReadsItsActionAndPassesTheDoor(t *testing.T) {
	t.Parallel()
	st := newSite(t, graphql.Options{})
	s := schema()
	for _, e := range service.Catalogue() {
		n, special := named[e.Method]
		if n.page != "" {
			continue
		}
		if !special {
			n.field = snake(e.Method)
		}
		kind, root := "mutation", s.Mutation
		if e.Spec.Effect.String() == "read" {
			kind, root = "query", s.Query
		}
		f := root.Fields.ForName(n.field)
		text, err := os.ReadFile("../../actions/testdata/" + e.Spec.Name + ".json")
		require.NoError(t, err)
		var example map[string]any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		require.NoError(t, d.Decode(&example))
		delete(example, "count")
		vars := map[string]any{"i": asInput(s, f.Arguments.ForName("input").Type, example)}
		query := kind + "($i: " + f.Arguments.ForName("input").Type.String() + ") { x: " + n.field + "(input: $i) { __typename } }"
		a := st.ask("", query, vars)
		require.Equal(t, []any{"no_actor"}, a.reasons(), "%s: %s", n.field, a.raw)
		require.Equal(t, "unauthenticated", a.Errors[0].Extensions["code"])
		a = st.ask("root", query, vars)
		for _, e := range a.Errors {
			require.NotContains(t, []any{"internal", "input_invalid", "query_invalid", "variable_invalid", "panic"}, e.Extensions["reason"], "%s: %s", n.field, a.raw)
		}
	}
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
		list, _ := v.([]any)
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
