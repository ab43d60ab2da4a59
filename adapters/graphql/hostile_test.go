package graphql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/graphql"
)

// bomb is fragments that double what is below them, n times.
func bomb(n int, leaf string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " fragment F%d on __Type { ...F%d ...F%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment F%d on __Type { %s }", n, leaf)
	return b.String()
}

func TestHostileQueriesAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock(many(3)...)
	for name, c := range map[string]struct{ query, reason string }{
		"fields 1000 deep":               {`{ __type(name: "Image") ` + strings.Repeat("{ ofType ", 1000) + "{ name }" + strings.Repeat(" }", 1000) + " }", "query_too_complex"},
		"the schema 21 deep":             {`{ __type(name: "Image") ` + strings.Repeat("{ ofType ", 20) + "{ name }" + strings.Repeat(" }", 20) + " }", "query_too_deep"},
		"the schema 20 deep":             {`{ __type(name: "Image") ` + strings.Repeat("{ ofType ", 18) + "{ name }" + strings.Repeat(" }", 18) + " }", ""},
		"braces without end":             {strings.Repeat("{a", 30000), "query_malformed"},
		"lists without end":              {`{ images_page(after: ` + strings.Repeat("[", 60000) + `) { total_count } }`, "query_malformed"},
		"a text too long":                {`{ images { name } } #` + strings.Repeat("x", 65536), "query_too_long"},
		"too many words":                 {"{ " + strings.Repeat("a ", 5000) + "}", "query_malformed"},
		"the same field again and again": {"{ " + strings.Repeat("__typename ", 3900) + "}", "query_too_complex"},
		"one field under many names":     {"{ " + aliases(600, "__typename") + " }", ""},
		"all images under many names":    {"{ " + aliases(50, `images { name }`) + " }", "query_too_complex"},
		"long pages under many names":    {"{ " + aliases(30, `images_page(first: 1000) { edges { node { id } } }`) + " }", "query_too_complex"},
		"a long page by a variable":      {"query($n: Int = 1000) { " + aliases(30, `images_page(first: $n) { edges { node { id } } }`) + " }", "query_too_complex"},
		"a long list by its input":       {"{ " + aliases(60, `agents(input: {limit: 1000}) { agents { id } }`) + " }", "query_too_complex"},
		"fragments that double":          {`{ __schema { types { ...F0 } } }` + bomb(60, "name"), "query_too_complex"},
		"fragments that double lists":    {`{ __schema { types { ...F0 } } }` + bomb(60, "fields { name }"), "query_too_complex"},
		"a fragment in itself":           {`{ images { ...A } } fragment A on Image { name ...A }`, "query_invalid"},
		"the schema under many names":    {"{ " + aliases(150, `__schema { types { name fields { name description } } }`) + " }", "query_too_complex"},
		"a number that does not fit":     {`subscription { task_events(task_id: "x", after: 99999999999999999999) { seq } }`, "input_invalid"},
		"a negative page":                {`{ images_page(first: -1) { total_count } }`, "page_invalid"},
		"no page":                        {`{ images_page(first: 0) { total_count } }`, "page_invalid"},
		"a page too long":                {`{ images_page(first: 1001) { total_count } }`, "page_invalid"},
		"a fraction of a page":           {`{ images_page(first: 1.5) { total_count } }`, "query_invalid"},
		"a part of the answer later":     {`{ images { ... @defer { name } } }`, "defer_unsupported"},
		"a later part in a fragment":     {`{ images { ...A @defer } } fragment A on Image { name }`, "defer_unsupported"},
		"a filter too deep":              {`{ images_page(where: ` + strings.Repeat("{not: ", 200) + "{}" + strings.Repeat("}", 200) + `) { total_count } }`, "filter_invalid"},
		"an unknown directive":           {`{ images @stream { name } }`, "query_invalid"},
		"two operations without a name":  {`{ images { name } } { images { name } }`, "query_invalid"},
		"nothing but a fragment":         {`fragment A on Image { name }`, "query_invalid"},
		"nothing at all":                 {` # `, "operation_unknown"},
		"a cursor of nothing":            {`{ images_page(after: "x") { total_count } }`, "cursor_invalid"},
		"bytes":                          {"{ images { name \x00 } }", "query_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			a := s.ask("alice", c.query, nil)
			require.Less(t, time.Since(began), 3*time.Second)
			require.LessOrEqual(t, len(a.Errors), 10)
			if c.reason == "" {
				require.Empty(t, a.Errors, "%s", a.raw)
				return
			}
			require.NotEmpty(t, a.Errors, "%s", a.raw)
			require.Equal(t, c.reason, a.Errors[0].Extensions["reason"], "%s", a.raw)
			require.Equal(t, "invalid", a.Errors[0].Extensions["code"])
		})
	}
}

func TestTheBoundsAreWhatTheOptionsSay(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	s.stock(many(3)...)
	for name, c := range map[string]struct {
		options graphql.Options
		query   string
		reason  string
	}{
		"depth":           {graphql.Options{MaxDepth: 4}, `{ images_page { edges { node { id } } } }`, ""},
		"one deeper":      {graphql.Options{MaxDepth: 4}, `{ images_page { edges { node { labels { key } } } } }`, "query_too_deep"},
		"by fragments":    {graphql.Options{MaxDepth: 3}, `{ images_page { ...A } } fragment A on ImageConnection { edges { ... { node { id } } } }`, "query_too_deep"},
		"an action":       {graphql.Options{MaxComplexity: 102}, `{ image(reference: "tool-00000:1") { name } }`, "image_not_found"},
		"one more field":  {graphql.Options{MaxComplexity: 102}, `{ image(reference: "x") { name tag } }`, "query_too_complex"},
		"ten of a list":   {graphql.Options{MaxComplexity: 141}, `{ images_page(first: 10) { edges { node { id } } page_info { end_cursor } } }`, "query_too_complex"},
		"nine of it":      {graphql.Options{MaxComplexity: 146}, `{ images_page(first: 9) { edges { node { id } } page_info { end_cursor } } }`, ""},
		"fifty by itself": {graphql.Options{MaxComplexity: 250}, `{ images_page { edges { node { id } } } }`, "query_too_complex"},
		"text":            {graphql.Options{MaxQuery: 10}, `{ images { name } }`, "query_too_long"},
		"words":           {graphql.Options{MaxTokens: 5}, `{ images { name } }`, "query_malformed"},
		"fields":          {graphql.Options{MaxFields: 1}, `{ images { name } }`, "query_too_complex"},
		"schema":          {graphql.Options{HideSchema: true}, `{ __schema { types { name } } }`, "introspection_disabled"},
		"a type":          {graphql.Options{HideSchema: true}, `{ ...A } fragment A on Query { x: __type(name: "Image") { name } }`, "introspection_disabled"},
		"its own name":    {graphql.Options{HideSchema: true}, `{ __typename }`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.askAt(s.serve(c.options), "alice", c.query, nil)
			if c.reason == "" {
				require.Empty(t, a.Errors, "%s", a.raw)
				return
			}
			require.Equal(t, []any{c.reason}, a.reasons(), "%s", a.raw)
		})
	}
	a := s.askAt(s.serve(graphql.Options{HideSchema: true}), "alice", `{ imagez { name } }`, nil)
	require.NotContains(t, a.raw, "Did you mean")
	require.NotContains(t, a.raw, "images")
	require.Contains(t, s.ask("alice", `{ imagez { name } }`, nil).raw, "images")
}

func TestToolsReadTheWholeSchema(t *testing.T) {
	t.Parallel()
	s := newSite(t, graphql.Options{})
	data := s.must("", introspection.Query, nil)
	require.Greater(t, len(data["__schema"].(map[string]any)["types"].([]any)), 100)
}

func aliases(n int, field string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: %s ", i, field)
	}
	return b.String()
}
