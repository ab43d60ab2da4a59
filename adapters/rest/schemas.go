package rest

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// schemas makes the schemas of actions and results. What huma cannot know is
// put right here: fields of changes take null, limits have two forms, and
// images show more than they hold.
type schemas struct {
	registry huma.Registry
	seen     map[reflect.Type]bool
	patches  []patchField
}

// patchField is a field of a change, which takes null.
type patchField struct {
	owner reflect.Type
	name  string
}

// imageDetail is what domain.ImageDetail writes.
type imageDetail struct {
	domain.Image
	Canonical             string                 `json:"canonical"`
	HumanizedName         string                 `json:"humanized_name"`
	ResourceLimits        []domain.ResourceLimit `json:"resource_limits"`
	SupportedAccelerators []string               `json:"supported_accelerators"`
	Aliases               []string               `json:"aliases"`
	Installed             bool                   `json:"installed"`
	InstalledCount        int                    `json:"installed_count"`
}

// secretText is what domain.Secret is on the wire.
type secretText string

// Schema of a secret.
func (secretText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "password"}
}

func newSchemas(r huma.Registry) *schemas {
	r.RegisterTypeAlias(reflect.TypeFor[domain.ImageDetail](), reflect.TypeFor[imageDetail]())
	r.RegisterTypeAlias(reflect.TypeFor[domain.Secret](), reflect.TypeFor[secretText]())
	r.Schema(reflect.TypeFor[problemDetails](), true, "") // which the document refers to
	return &schemas{registry: r, seen: map[reflect.Type]bool{}}
}

// action is the schema of a request.
func (s *schemas) action(e service.Entry) *huma.Schema {
	s.learn(e.Action)
	ref := s.registry.Schema(e.Action, true, "")
	own := s.registry.SchemaFromRef(ref.Ref)
	own.Description, own.AdditionalProperties = e.Spec.Summary, false
	for _, f := range fieldsOf(e.Action) {
		if p := own.Properties[f.name]; p.Description == "" {
			p.Description = f.doc
		}
	}
	return ref
}

func (s *schemas) result(e service.Entry) *huma.Schema {
	s.learn(e.Result)
	return s.registry.Schema(e.Result, true, "")
}

// parameter is a field of an action as a query gives it.
func (s *schemas) parameter(p parameter) *huma.Param {
	param := &huma.Param{Name: p.name, In: "query", Description: p.doc, Required: p.required}
	if p.isJSON() {
		param.Schema = &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{
			"contentMediaType": "application/json", "contentSchema": s.registry.Schema(p.typ, true, ""),
		}}
		return param
	}
	param.Schema = s.registry.Schema(p.typ, true, "")
	param.Schema.Nullable = false // a query has no null
	return param
}

// learn finds the fields of changes in a type, and tells the registry what they
// hold.
func (s *schemas) learn(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || s.seen[t] {
		return
	}
	s.seen[t] = true
	for _, f := range fieldsOf(t) {
		if isPatch(f.typ) {
			s.registry.RegisterTypeAlias(f.typ, patched(f.typ))
			s.patches = append(s.patches, patchField{t, f.name})
			continue
		}
		s.learn(f.typ)
	}
}

// finish is called when every type is known.
func (s *schemas) finish() {
	all := s.registry.Map()
	for _, p := range s.patches {
		all[huma.DefaultSchemaNamer(p.owner, "")].Properties[p.name].Nullable = true
	}
	for _, schema := range all {
		if schema.AdditionalProperties == true {
			schema.AdditionalProperties = nil // says nothing
		}
	}
	quantity := []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}}
	limit := all["Limit"]
	limit.Properties["min"].Type, limit.Properties["min"].OneOf = "", quantity
	limit.Properties["max"].Type, limit.Properties["max"].OneOf = "", quantity
	limit.AdditionalProperties = false
	object := *limit
	*limit = huma.Schema{
		Description: "a quantity, which means the minimum, or both; read back as an object of texts",
		OneOf:       append([]*huma.Schema{&object}, quantity...),
	}
}
