package graphql

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/wharf-project/wharf/domain"
)

// plain is an argument as JSON has it. False: a variable that was not given,
// which leaves a field out where null would clear it.
func plain(v *ast.Value, vars map[string]any) (any, bool) {
	switch v.Kind {
	case ast.Variable:
		val, ok := vars[v.Raw]
		return val, ok
	case ast.NullValue:
		return nil, true
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw), true
	case ast.BooleanValue:
		return v.Raw == "true", true
	case ast.ListValue:
		list := make([]any, 0, len(v.Children))
		for _, child := range v.Children {
			item, _ := plain(child.Value, vars)
			list = append(list, item)
		}
		return list, true
	case ast.ObjectValue:
		fields := make(map[string]any, len(v.Children))
		for _, child := range v.Children {
			if item, ok := plain(child.Value, vars); ok {
				fields[child.Name] = item
			}
		}
		return fields, true
	}
	return v.Raw, true // texts and enums
}

// shaped brings a plain value into the form that the action's JSON has: what
// GraphQL coerces is coerced, and pairs become objects.
func shaped(v any, t *ast.Type, types map[string]*ast.Definition) (any, error) {
	if v == nil {
		return nil, nil
	}
	if t.Elem != nil {
		list := listOf(v)
		out := make([]any, 0, len(list))
		for _, item := range list {
			item, err := shaped(item, t.Elem, types)
			if err != nil {
				return nil, err
			}
			out = append(out, item)
		}
		switch t.Elem.Name() {
		case "KVPairInput", "ResourceLimitInput":
			return keyed(out)
		}
		return out, nil
	}
	switch given := v.(type) {
	case json.Number:
		if t.NamedType == "ID" || t.NamedType == "String" {
			return given.String(), nil
		}
	case string:
		if t.NamedType == "BigInt" {
			return json.Number(given), nil
		}
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return v, nil
	}
	out := make(map[string]any, len(fields))
	for name, field := range fields {
		def := types[t.NamedType].Fields.ForName(name)
		if def == nil {
			return nil, domain.Invalid("input_invalid", name, "there is no field %s", domain.Quote(name))
		}
		field, err := shaped(field, def.Type, types)
		if err != nil {
			return nil, err
		}
		out[name] = field
	}
	return out, nil
}

// listOf reads a list of whatever; one item stands for a list of it.
func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	given := reflect.ValueOf(v)
	if given.Kind() != reflect.Slice {
		return []any{v}
	}
	list := make([]any, given.Len()) // what the validator made of one item
	for i := range list {
		list[i] = given.Index(i).Interface()
	}
	return list
}

// keyed makes an object of pairs: a value, or the rest of the pair, by its key.
func keyed(pairs []any) (any, error) {
	out := make(map[string]any, len(pairs))
	for _, p := range pairs {
		pair, _ := p.(map[string]any)
		key, ok := pair["key"].(string)
		if !ok {
			return nil, domain.Invalid("input_invalid", "key", "a pair has a key")
		}
		if _, twice := out[key]; twice {
			return nil, domain.Invalid("input_invalid", key, "%s is given twice", domain.Quote(key))
		}
		delete(pair, "key")
		if value, ok := pair["value"]; ok {
			out[key] = value
			continue
		}
		for name, v := range pair {
			if v == nil { // a limit without a side
				delete(pair, name)
			}
		}
		out[key] = pair
	}
	return out, nil
}

// decode reads an argument of the field into what an action is made of; extra
// fields are laid over it. Without the argument, into stays as it is. Errors:
// invalid.
func (r *resolver) decode(ctx context.Context, name string, into any, extra map[string]any) error {
	fc, oc := graphql.GetFieldContext(ctx), graphql.GetOperationContext(ctx)
	var value any
	if arg := fc.Field.Arguments.ForName(name); arg != nil {
		given, _ := plain(arg.Value, oc.Variables)
		var err error
		if value, err = shaped(given, fc.Field.Definition.Arguments.ForName(name).Type, r.types); err != nil {
			return err
		}
	}
	if len(extra) > 0 {
		fields, ok := value.(map[string]any)
		if !ok {
			fields = map[string]any{}
		}
		maps.Copy(fields, extra)
		value = fields
	}
	if value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return domain.Internal("graphql.decode", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return misfit(name, err)
	}
	return nil
}

func misfit(name string, err error) error {
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && te.Field != "" {
		return domain.Invalid("input_invalid", te.Field, "%s cannot be a %s", te.Field, te.Value)
	}
	return domain.Invalid("input_invalid", name, "%s does not fit: a time is such as 2026-01-31T12:00:00Z, a number has 64 bits", name)
}

// wholeNumber reads a number of a query; what is none, or too large, is -1.
func wholeNumber(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case int64:
		return int(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
	}
	return -1
}

// selected reports whether the query asks for a field below the current one.
func selected(ctx context.Context, path ...string) bool {
	return within(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections, path)
}

func within(oc *graphql.OperationContext, set ast.SelectionSet, path []string) bool {
	for _, f := range graphql.CollectFields(oc, set, nil) {
		if f.Name == path[0] && (len(path) == 1 || within(oc, f.Selections, path[1:])) {
			return true
		}
	}
	return false
}
