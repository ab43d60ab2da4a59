package rest

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// kind is a kind of JSON value, named as messages name it.
type kind string

const (
	anything  kind = "" // read by a decoder of its own
	anObject  kind = "an object"
	aList     kind = "a list"
	aText     kind = "a text"
	aNumber   kind = "a number"
	aWhole    kind = "a whole number"
	aBool     kind = "true or false"
	aTime     kind = "a time such as 2026-01-31T12:00:00Z"
	aNull     kind = "null"
	aDocument      = anObject // what every request is
)

// shape is what JSON has to look like to be read into a type.
type shape struct {
	kind   kind
	fields map[string]*shape // of an object with fixed names
	elem   *shape            // of a list, and of an object with any names
	bits   int               // of a whole number
}

// shapes remembers the shape of each type; types may contain themselves.
type shapes map[reflect.Type]*shape

func (m shapes) of(t reflect.Type) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isPatch(t) {
		return m.of(patched(t))
	}
	if s, ok := m[t]; ok {
		return s
	}
	s := &shape{}
	m[t] = s
	switch {
	case t == reflect.TypeFor[time.Time]():
		s.kind = aTime
		return s
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		return s
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		s.kind = aText
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		s.kind, s.fields = anObject, map[string]*shape{}
		for _, f := range fieldsOf(t) {
			s.fields[f.name] = m.of(f.typ)
		}
	case reflect.Map:
		s.kind, s.elem = anObject, m.of(t.Elem())
	case reflect.Slice, reflect.Array:
		s.kind, s.elem = aList, m.of(t.Elem())
	case reflect.String:
		s.kind = aText
	case reflect.Bool:
		s.kind = aBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.kind, s.bits = aWhole, t.Bits()
	}
	return s
}

// field is one field of a struct on the wire; those of embedded structs count
// as the struct's own.
type field struct {
	name     string
	doc      string
	typ      reflect.Type
	index    []int
	required bool
}

func fieldsOf(t reflect.Type) []field {
	var list []field
	for _, sf := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if !sf.IsExported() || sf.Anonymous || name == "" || name == "-" {
			continue
		}
		owner := t
		if len(sf.Index) > 1 {
			owner = t.FieldByIndex(sf.Index[:len(sf.Index)-1]).Type
		}
		list = append(list, field{
			name: name, doc: docOf(owner, name, sf.Tag.Get("doc")), typ: sf.Type, index: sf.Index,
			required: !strings.Contains(options, "omit"),
		})
	}
	return list
}

// fieldNamed returns the place of a field of a type, nil when there is none.
func fieldNamed(t reflect.Type, name string, typ reflect.Type) []int {
	for _, f := range fieldsOf(t) {
		if f.name == name && f.typ == typ {
			return f.index
		}
	}
	return nil
}

func isPatch(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Implements(reflect.TypeFor[interface{ IsNull() bool }]())
}

// patched returns the T of a domain.Patch[T].
func patched(t reflect.Type) reflect.Type {
	get, _ := t.MethodByName("Get")
	return get.Type.Out(0)
}

// docOf is the doc tag, or, where structs of package domain have none, words of
// our own.
func docOf(owner reflect.Type, name, tag string) string {
	if tag != "" {
		return tag
	}
	switch owner {
	case reflect.TypeFor[domain.Page]():
		return map[string]string{
			"limit": "items of a page, 1-1000; none: 50",
			"after": "the next of an earlier page",
			"sort":  "field to sort by",
			"desc":  "the other way round",
			"count": "count the items of all pages",
		}[name]
	case reflect.TypeFor[domain.ImageQuery]():
		return map[string]string{
			"is_installed":  "held by a node, or by none",
			"is_operation":  "images that run the cluster, or the others",
			"domain":        "what is visible in a domain",
			"group":         "what is visible in a project, on the nodes that it may use",
			"scaling_group": "what nodes of a scaling group hold",
			"statuses":      "alive, forgotten, missing; none: alive",
			"where":         "a filter over the fields of images",
		}[name]
	}
	return ""
}
