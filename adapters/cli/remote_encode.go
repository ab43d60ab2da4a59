package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// encode is an action as the server takes it: with its secrets, which JSON
// hides everywhere else. Nobody but the server may see what comes out.
func encode(a actions.Action) ([]byte, error) {
	doc, err := reveal(reflect.ValueOf(a))
	if err != nil {
		return nil, domain.Internal("encode", fmt.Errorf("%T: %w", a, err))
	}
	return doc, nil
}

func reveal(v reflect.Value) (json.RawMessage, error) {
	t := v.Type()
	switch {
	case t == reflect.TypeFor[domain.Secret]():
		return json.Marshal(v.String())
	case !holdsSecret(t):
		return json.Marshal(v.Interface())
	case isPatch(t):
		out := v.MethodByName("Get").Call(nil)
		if !out[1].Bool() {
			return json.RawMessage("null"), nil // absent ones are left out by what they are in
		}
		return reveal(out[0])
	}
	switch t.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return json.RawMessage("null"), nil
		}
		return reveal(v.Elem())
	case reflect.Struct:
		return revealStruct(v)
	}
	return nil, fmt.Errorf("a secret inside of %s cannot be sent", t)
}

// revealStruct replaces the members that hide a secret; which members there are
// is json's own decision.
func revealStruct(v reflect.Value) (json.RawMessage, error) {
	doc, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, err
	}
	for _, sf := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if _, there := members[name]; !there || sf.Anonymous || !holdsSecret(sf.Type) {
			continue
		}
		if members[name], err = reveal(v.FieldByIndex(sf.Index)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

// holdsSecret reports whether values of a type may have a secret in them.
func holdsSecret(t reflect.Type) bool { return searchSecret(t, map[reflect.Type]bool{}) }

func searchSecret(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == reflect.TypeFor[domain.Secret]() {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return searchSecret(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if searchSecret(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}
