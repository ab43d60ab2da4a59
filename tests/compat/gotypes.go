package main

import (
	"fmt"
	"go/types"
	"strings"
)

const (
	sealed      = "interface, sealed" // only its own package can implement it
	comparisons = ", comparable"
)

// describe lists a type with its exported fields and methods, promoted ones
// included.
func describe(id string, obj *types.TypeName) []string {
	if obj.IsAlias() {
		return []string{id + " = " + spell(types.Unalias(obj.Type()))}
	}
	named, ok := obj.Type().(*types.Named)
	if !ok {
		return []string{id + " " + spell(obj.Type())}
	}
	params := typeParams(named.TypeParams())
	switch u := named.Underlying().(type) {
	case *types.Interface:
		return describeInterface(id, params, u)
	case *types.Struct:
		lines := []string{id + " struct" + params}
		if types.Comparable(named) {
			lines[0] += comparisons
		}
		return append(append(lines, structFields(id, u, nil)...), methods(id, named)...)
	default:
		return append([]string{id + " type" + params + " " + spell(u)}, methods(id, named)...)
	}
}

func describeInterface(id, params string, u *types.Interface) []string {
	if !u.IsMethodSet() {
		return []string{id + " constraint" + params + " " + spell(u)}
	}
	lines := []string{id + " interface" + params}
	for m := range u.Methods() {
		if m.Exported() {
			lines = append(lines, fmt.Sprintf("%s.%s %s", id, m.Name(), spell(m.Type())))
		} else {
			lines[0] = id + " " + sealed + params
		}
	}
	return lines
}

// structFields lists fields that can be written as x.F: those of embedded
// structs without a name to others too. within holds the structs around.
func structFields(id string, u *types.Struct, within []*types.Struct) []string {
	var lines []string
	for f := range u.Fields() {
		t := f.Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		inner, isStruct := t.Underlying().(*types.Struct)
		switch {
		case f.Exported() && f.Embedded():
			lines = append(lines, fmt.Sprintf("%s.%s embedded %s", id, f.Name(), spell(f.Type())))
		case f.Exported():
			lines = append(lines, fmt.Sprintf("%s.%s field %s", id, f.Name(), spell(f.Type())))
		case f.Embedded() && isStruct && len(within) < 4:
			lines = append(lines, structFields(id, inner, append(within, u))...)
		}
	}
	return lines
}

// methods lists the methods of a type that is no interface: "method" for those
// of its values, "method of pointers" for the others.
func methods(id string, named *types.Named) []string {
	var lines []string
	values := types.NewMethodSet(named)
	for sel := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		m := sel.Obj()
		if !m.Exported() {
			continue
		}
		kind := "method"
		if values.Lookup(m.Pkg(), m.Name()) == nil {
			kind = "method of pointers"
		}
		lines = append(lines, fmt.Sprintf("%s.%s %s %s", id, m.Name(), kind, spell(sel.Type())))
	}
	return lines
}

// spell writes a type with the names of our packages relative to the module, and
// without the names of parameters: callers do not depend on these.
func spell(t types.Type) string {
	return typeParamsOf(t) + types.TypeString(nameless(t), func(p *types.Package) string {
		return strings.TrimPrefix(p.Path(), module+"/")
	})
}

func typeParamsOf(t types.Type) string {
	if s, ok := t.(*types.Signature); ok {
		return typeParams(s.TypeParams())
	}
	return ""
}

func typeParams(list *types.TypeParamList) string {
	var parts []string
	for p := range list.TypeParams() {
		parts = append(parts, p.Obj().Name()+" "+spell(p.Constraint()))
	}
	if len(parts) == 0 {
		return ""
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// nameless drops the names of parameters, also within types that have no name
// themselves.
func nameless(t types.Type) types.Type {
	switch t := t.(type) {
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, namelessAll(t.Params()), namelessAll(t.Results()), t.Variadic())
	case *types.Pointer:
		return types.NewPointer(nameless(t.Elem()))
	case *types.Slice:
		return types.NewSlice(nameless(t.Elem()))
	case *types.Map:
		return types.NewMap(nameless(t.Key()), nameless(t.Elem()))
	default:
		return t
	}
}

func namelessAll(list *types.Tuple) *types.Tuple {
	var vars []*types.Var
	for v := range list.Variables() {
		vars = append(vars, types.NewParam(v.Pos(), nil, "", nameless(v.Type())))
	}
	return types.NewTuple(vars...)
}
