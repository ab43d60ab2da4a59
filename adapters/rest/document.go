package rest

import (
	"maps"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wharf-project/wharf/actions"
)

const about = `Wharf manages the container images of a compute cluster.

Every operation is an action: POST takes it as JSON; reads also take GET with
one query parameter per field (lists repeated or separated by commas, filters as
JSON). Unknown fields and parameters are refused. Errors are
application/problem+json; code says what kind of error it is, reason is the
stable name of its cause.`

// rateHeaders are the names of what tells about a rate limit.
var rateHeaders = [...]string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}

// newDocument is the OpenAPI document without its operations. Nothing of huma's
// own is served: its document is built while it is asked for, and its pages load
// scripts from elsewhere.
func newDocument() huma.Config {
	str := &huma.Schema{Type: huma.TypeString}
	whole := &huma.Schema{Type: huma.TypeInteger}
	c := huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Wharf", Version: "1", Description: about},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", Description: "a token of the identity provider"},
				"apiKey": {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "a key that was issued by the operator"},
			},
			Parameters: map[string]*huma.Param{
				"IdempotencyKey": {Name: "Idempotency-Key", In: "header", Schema: str, Description: "1-255 visible characters: the same call with the same key runs once, and gives the same result again"},
				"IfMatch":        {Name: "If-Match", In: "header", Schema: str, Description: "an ETag: change the row only while it has that revision, else 412"},
				"IfNoneMatch":    {Name: "If-None-Match", In: "header", Schema: str, Description: "ETags: 304 when the answer still is one of these"},
				"Prefer":         {Name: "Prefer", In: "header", Schema: str, Description: "respond-async: work it off as a task, and answer 202 at once"},
			},
			Responses: map[string]*huma.Response{"Problem": {
				Description: "an error", Headers: headerRefs(append(rateHeaders[:], "Retry-After")...),
				Content: map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/ProblemDetails"}}},
			}},
			Headers: map[string]*huma.Header{
				"ETag":                  {Schema: str, Description: "the revision of the row; for If-Match and If-None-Match"},
				"Location":              {Schema: str, Description: "where the task can be asked for"},
				"Preference-Applied":    {Schema: str, Description: "respond-async, when it was preferred"},
				"X-RateLimit-Limit":     {Schema: whole, Description: "calls that can be made at once; without a limit there is no such header"},
				"X-RateLimit-Remaining": {Schema: whole, Description: "calls that are left of these"},
				"X-RateLimit-Reset":     {Schema: whole, Description: "seconds until all of them can be made again"},
				"Retry-After":           {Schema: whole, Description: "seconds to wait before the next try"},
			},
		},
		Security: []map[string][]string{{"bearer": {}}, {"apiKey": {}}},
	}}
	c.AllowAdditionalPropertiesByDefault = true // results may get more fields; actions are closed below
	return c
}

// describePost is the operation that takes the action as its body.
func (o *operation) describePost(schemas *schemas) *huma.Operation {
	op := o.describe(schemas)
	op.Method, op.OperationID = "POST", o.Method
	op.RequestBody = &huma.RequestBody{
		Required: true,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: schemas.action(o.Entry)}},
	}
	if o.Spec.Effect != actions.Read {
		op.Parameters = append(op.Parameters, parameterRef("IdempotencyKey"))
	}
	if o.revision != nil {
		op.Parameters = append(op.Parameters, parameterRef("IfMatch"))
	}
	if o.background != nil {
		op.Parameters = append(op.Parameters, parameterRef("Prefer"))
		op.Responses["202"] = &huma.Response{
			Description: "a task works it off",
			Headers:     headerRefs("Location", "Preference-Applied"),
			Content:     op.Responses["200"].Content,
		}
	}
	return op
}

// describeGet is the operation that takes the action as its query.
func (o *operation) describeGet(schemas *schemas) *huma.Operation {
	op := o.describe(schemas)
	op.Method, op.OperationID = "GET", o.Method+"ByQuery"
	for _, f := range fieldsOf(o.Action) {
		op.Parameters = append(op.Parameters, schemas.parameter(o.parameters[f.name]))
	}
	if o.row != nil {
		op.Parameters = append(op.Parameters, parameterRef("IfNoneMatch"))
		op.Responses["304"] = &huma.Response{Description: "it is what the caller has", Headers: headerRefs("ETag")}
	}
	return op
}

func (o *operation) describe(schemas *schemas) *huma.Operation {
	noun, _, _ := strings.Cut(o.Spec.Name, ".")
	headers := headerRefs(rateHeaders[:]...)
	if o.row != nil {
		maps.Copy(headers, headerRefs("ETag"))
	}
	return &huma.Operation{
		Path: pathOf(o.Spec.Name), Tags: []string{noun}, Summary: o.Spec.Summary,
		Description: "Needs the permission " + o.Spec.Requires() + ".",
		Responses: map[string]*huma.Response{
			"200": {
				Description: "the result", Headers: headers,
				Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.result(o.Entry)}},
			},
			"default": {Ref: "#/components/responses/Problem"},
		},
	}
}

func parameterRef(name string) *huma.Param {
	return &huma.Param{Ref: "#/components/parameters/" + name}
}

func headerRefs(names ...string) map[string]*huma.Param {
	m := map[string]*huma.Param{}
	for _, n := range names {
		m[n] = &huma.Param{Ref: "#/components/headers/" + n}
	}
	return m
}
