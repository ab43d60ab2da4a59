package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// field is one field of an action as the command line takes it.
type field struct {
	json     string // its name on the wire
	flag     string // the same with dashes, made unique
	doc      string
	kind     string // what it names: image, registry, agent, agents, alias
	typ      reflect.Type
	index    []int // from the action
	required bool  // a value is always due
	nested   bool  // in a struct of the action: a part of a change
}

// fieldsOf lists the fields of an action, those of embedded and nested structs
// among them. A nested field whose name is taken is called new-NAME: what an
// image becomes, beside what it is found by.
func fieldsOf(action reflect.Type) []field {
	var list []field
	taken := map[string]bool{"architecture": true} // always that of the image it is found by
	var walk func(t reflect.Type, index []int, nested bool)
	walk = func(t reflect.Type, index []int, nested bool) {
		for i := range t.NumField() {
			sf := t.Field(i)
			at := append(append([]int{}, index...), i)
			if sf.Anonymous && sf.Type.Kind() == reflect.Struct && sf.Tag.Get("json") == "" {
				walk(sf.Type, at, nested)
				continue
			}
			name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
			if !sf.IsExported() || name == "-" || name == "" {
				continue
			}
			if sf.Type.Kind() == reflect.Struct && !isValue(sf.Type) {
				walk(sf.Type, at, true)
				continue
			}
			flag := strings.ReplaceAll(name, "_", "-")
			if nested && taken[flag] {
				flag = "new-" + flag
			}
			taken[flag] = true
			list = append(list, field{
				json: name, flag: flag, doc: docOf(name, t, sf), kind: sf.Tag.Get("kind"), typ: sf.Type, index: at,
				required: !strings.Contains(options, "omit") && !nested, nested: nested,
			})
		}
	}
	walk(action, nil, false)
	return list
}

// isValue reports whether a struct is one value on the wire and not a group of
// fields.
func isValue(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[domain.Filter]() || isPatch(t) ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

func isPatch(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Implements(reflect.TypeFor[interface{ IsNull() bool }]())
}

// patched returns the T of a domain.Patch[T].
func patched(t reflect.Type) reflect.Type {
	get, _ := t.MethodByName("Get")
	return get.Type.Out(0)
}

// placeholder names what a flag takes, for help.
func (f field) placeholder() string {
	t := f.typ
	if isPatch(t) {
		t = patched(t)
	}
	if t.Kind() == reflect.Pointer && t.Elem().Kind() != reflect.Struct {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[domain.Filter]():
		return "FILTER"
	case t == reflect.TypeFor[time.Time]():
		return "TIME"
	case t == reflect.TypeFor[*domain.Actor]():
		return "USER:ROLE[:DOMAIN]"
	case t == reflect.TypeFor[domain.Limits]():
		return "SLOT=MIN[:MAX]"
	case t.Kind() == reflect.Map:
		return "KEY=VALUE"
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Struct:
		return "FILE"
	case t.Kind() == reflect.Bool:
		return "bool"
	case f.isSize():
		return "SIZE"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		return "N"
	}
	if v := f.metavar(); v != "" {
		return v
	}
	if v := map[string]string{"architecture": "ARCH", "after": "CURSOR", "sort": "FIELD", "url": "URL"}[f.json]; v != "" {
		return v
	}
	return "TEXT"
}

// metavar names the thing that the field is to hold.
func (f field) metavar() string {
	switch {
	case f.kind == "image" || f.isType(reflect.TypeFor[domain.ImageID]()) || f.typ == reflect.TypeFor[[]actions.ImageRef]():
		return "IMAGE"
	case f.kind == "registry":
		return "REGISTRY"
	case f.kind == "agent" || f.isType(reflect.TypeFor[domain.AgentID]()):
		return "AGENT"
	case f.kind == "agents":
		return "AGENTS"
	case f.kind == "alias":
		return "ALIAS"
	}
	return ""
}

// isType reports whether the field is a t or several of it.
func (f field) isType(t reflect.Type) bool {
	return f.typ == t || f.typ.Kind() == reflect.Slice && f.typ.Elem() == t
}

func (f field) isBool() bool {
	t := f.typ
	if isPatch(t) {
		t = patched(t)
	}
	return t.Kind() == reflect.Bool || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Bool
}

func (f field) isSize() bool { return strings.HasSuffix(f.json, "_bytes") }

func (f field) isSecret() bool {
	secret := reflect.TypeFor[domain.Secret]()
	return f.typ == secret || isPatch(f.typ) && patched(f.typ) == secret
}

// isFlag reports whether text can give the field: several structs cannot, they
// need JSON.
func (f field) isFlag() bool {
	return f.typ.Kind() != reflect.Slice || f.typ.Elem().Kind() != reflect.Struct
}
