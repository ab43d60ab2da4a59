package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// document is an OpenAPI document of one operation, whose request and answer
// are the named schemas In and Out.
func document(operation, in, out string) []byte {
	return fmt.Appendf(nil, `{"paths": {"/x": {"post": {%s "operationId": "X",
		"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}},
		"responses": {"200": {"headers": {"ETag": {}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Out"}}}}}}}},
		"components": {"parameters": {"P": {"in": "header", "name": "P"}}, "schemas": {"In": %s, "Out": %s}}}`, operation, in, out)
}

func TestWhatRequestsNotice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"descriptions":                  {`{"description": "a", "type": "string"}`, `{"description": "b", "type": "string"}`, nil},
		"a property that goes":          {`{"properties": {"a": {}}}`, `{}`, []string{"! rest:In.a"}},
		"a property that comes":         {`{}`, `{"properties": {"a": {}}}`, []string{"+ rest:In.a"}},
		"a required one that comes":     {`{}`, `{"properties": {"a": {}}, "required": ["a"]}`, []string{"! rest:In.a"}},
		"one that becomes required":     {`{"properties": {"a": {}}}`, `{"properties": {"a": {}}, "required": ["a"]}`, []string{"! rest:In.a"}},
		"one that becomes optional":     {`{"properties": {"a": {}}, "required": ["a"]}`, `{"properties": {"a": {}}}`, []string{"+ rest:In.a"}},
		"another type":                  {`{"properties": {"a": {"type": "string"}}}`, `{"properties": {"a": {"type": "number"}}}`, []string{"! rest:In.a"}},
		"another format":                {`{"type": "string"}`, `{"type": "string", "format": "uuid"}`, []string{"! rest:In"}},
		"null that is taken":            {`{"type": "string"}`, `{"type": ["string", "null"]}`, []string{"+ rest:In"}},
		"null that is refused":          {`{"type": ["string", "null"]}`, `{"type": "string"}`, []string{"! rest:In"}},
		"elements of another type":      {`{"items": {"type": "string"}}`, `{"items": {"type": "number"}}`, []string{"! rest:In[]"}},
		"values of another type":        {`{"additionalProperties": {"type": "string"}}`, `{"additionalProperties": {"type": "number"}}`, []string{"! rest:In{}"}},
		"fields that are refused":       {`{}`, `{"additionalProperties": false}`, []string{"! rest:In"}},
		"a bound that comes":            {`{}`, `{"maxLength": 3}`, []string{"! rest:In"}},
		"a bound that goes":             {`{"maxLength": 3}`, `{}`, []string{"+ rest:In"}},
		"other alternatives":            {`{"oneOf": [{"type": "string"}]}`, `{"oneOf": [{"type": "number"}]}`, []string{"! rest:In"}},
		"descriptions of alternatives":  {`{"oneOf": [{"description": "a"}]}`, `{"oneOf": [{"description": "b"}]}`, nil},
		"a schema that contains itself": {`{"items": {"$ref": "#/components/schemas/In"}}`, `{"items": {"$ref": "#/components/schemas/In"}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := compareREST(document("", c.last, "{}"), document("", c.present, "{}"))
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, said(found))
		})
	}
}

func TestWhatReadersOfAnswersNotice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"a property that goes":         {`{"properties": {"a": {}}}`, `{}`, []string{"! rest:Out.a"}},
		"a property that comes":        {`{}`, `{"properties": {"a": {}}, "required": ["a"]}`, []string{"+ rest:Out.a"}},
		"one that may be missing now":  {`{"properties": {"a": {}}, "required": ["a"]}`, `{"properties": {"a": {}}}`, []string{"! rest:Out.a"}},
		"one that is always there now": {`{"properties": {"a": {}}}`, `{"properties": {"a": {}}, "required": ["a"]}`, []string{"+ rest:Out.a"}},
		"null that comes":              {`{"type": "string"}`, `{"type": ["string", "null"]}`, []string{"! rest:Out"}},
		"null that goes":               {`{"type": ["string", "null"]}`, `{"type": "string"}`, []string{"+ rest:Out"}},
		"any type":                     {`{"type": "string"}`, `{}`, []string{"! rest:Out"}},
		"other alternatives":           {`{"oneOf": [{"type": "string"}]}`, `{"oneOf": [{"type": "number"}]}`, []string{"! rest:Out"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := compareREST(document("", "{}", c.last), document("", "{}", c.present))
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, said(found))
		})
	}
}

func TestWhatCallersOfAnOperationNotice(t *testing.T) {
	t.Parallel()
	plain := `{"paths": {"/x": {"get": {"responses": {"200": {}}}}}}`
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"that it goes":            {plain, `{"paths": {}}`, []string{"! rest:GET /x"}},
		"that it comes":           {`{"paths": {}}`, plain, []string{"+ rest:GET /x"}},
		"that clients rename it":  {plain, `{"paths": {"/x": {"get": {"operationId": "Y", "responses": {"200": {}}}}}}`, []string{"! rest:GET /x"}},
		"a status that goes":      {plain, `{"paths": {"/x": {"get": {"responses": {"201": {}}}}}}`, []string{"! rest:GET /x 200", "+ rest:GET /x 201"}},
		"a body that is required": {plain, `{"paths": {"/x": {"get": {"requestBody": {"required": true}, "responses": {"200": {}}}}}}`, []string{"! rest:GET /x body"}},
		"a form of answers that goes": {
			`{"paths": {"/x": {"get": {"responses": {"200": {"content": {"a/b": {}}}}}}}}`, plain, []string{"! rest:GET /x 200"},
		},
		"a header that goes": {
			`{"paths": {"/x": {"get": {"responses": {"200": {"headers": {"ETag": {}}}}}}}}`, plain, []string{"! rest:GET /x 200 ETag"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := compareREST([]byte(c.last), []byte(c.present))
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, said(found))
		})
	}
}

func TestWhatParametersNotice(t *testing.T) {
	t.Parallel()
	const none, some = "", `"parameters": [{"in": "query", "name": "q", "schema": {"type": "string"}}],`
	for name, c := range map[string]struct {
		last, present string
		want          []string
	}{
		"one that goes":             {some, none, []string{"! rest:POST /x query:q"}},
		"one that comes":            {none, some, []string{"+ rest:POST /x query:q"}},
		"one that moves":            {some, `"parameters": [{"in": "header", "name": "q"}],`, []string{"! rest:POST /x query:q", "+ rest:POST /x header:q"}},
		"a required one that comes": {none, `"parameters": [{"in": "query", "name": "q", "required": true}],`, []string{"! rest:POST /x query:q"}},
		"one that becomes required": {
			some, `"parameters": [{"in": "query", "name": "q", "required": true, "schema": {"type": "string"}}],`, []string{"! rest:POST /x query:q"},
		},
		"another type":        {some, `"parameters": [{"in": "query", "name": "q", "schema": {"type": "number"}}],`, []string{"! rest:POST /x query:q"}},
		"one that has a name": {`"parameters": [{"$ref": "#/components/parameters/P"}],`, none, []string{"! rest:POST /x header:P"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := compareREST(document(c.last, "{}", "{}"), document(c.present, "{}", "{}"))
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, said(found))
		})
	}
}
