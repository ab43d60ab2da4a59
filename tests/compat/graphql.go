package main

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// compareGraphQL compares two schemas: what a document that was valid may still
// ask for, and what its answers may hold.
func compareGraphQL(last, present []byte) (changes, error) {
	before, err := schema(last)
	if err != nil {
		return nil, err
	}
	now, err := schema(present)
	if err != nil {
		return nil, err
	}
	var found changes
	for name, t := range before.Types {
		switch other := now.Types[name]; {
		case other == nil:
			found.broken("graphql:"+name, "is gone")
		case other.Kind != t.Kind:
			found.broken("graphql:"+name, fmt.Sprintf("was %s, is %s", t.Kind, other.Kind))
		default:
			found.graphqlType(t, other)
		}
	}
	for name, t := range now.Types {
		if before.Types[name] == nil {
			found.addition("graphql:"+name, string(t.Kind))
		}
	}
	for name, d := range before.Directives {
		if other := now.Directives[name]; other != nil {
			found.arguments("graphql:@"+name, d.Arguments, other.Arguments)
		} else {
			found.broken("graphql:@"+name, "is gone")
		}
	}
	return found, nil
}

func schema(text []byte) (*ast.Schema, error) {
	return gqlparser.LoadSchema(&ast.Source{Input: string(text)})
}

func (c *changes) graphqlType(before, now *ast.Definition) {
	id := "graphql:" + before.Name
	for _, f := range before.Fields {
		other := now.Fields.ForName(f.Name)
		switch {
		case other == nil:
			c.broken(id+"."+f.Name, "is gone")
		case before.Kind == ast.InputObject:
			c.input(id+"."+f.Name, f.Type, other.Type, f.DefaultValue, other.DefaultValue)
		default:
			c.retyped(id+"."+f.Name, f.Type, other.Type, promises(f.Type, other.Type))
			c.arguments(id+"."+f.Name, f.Arguments, other.Arguments)
		}
	}
	for _, f := range now.Fields {
		switch {
		case before.Fields.ForName(f.Name) != nil:
		case before.Kind == ast.InputObject && f.Type.NonNull && f.DefaultValue == nil:
			c.broken(id+"."+f.Name, "is new and required")
		default:
			c.addition(id+"."+f.Name, f.Type.String())
		}
	}
	c.members(id+".", enumValues(before), enumValues(now))
	c.members(id+" = ", before.Types, now.Types)
	c.members(id+" implements ", before.Interfaces, now.Interfaces)
}

func enumValues(d *ast.Definition) []string {
	names := make([]string, 0, len(d.EnumValues))
	for _, v := range d.EnumValues {
		names = append(names, v.Name)
	}
	return names
}

func (c *changes) members(prefix string, before, now []string) {
	for _, name := range before {
		if !slices.Contains(now, name) {
			c.broken(prefix+name, "is gone")
		}
	}
	for _, name := range now {
		if !slices.Contains(before, name) {
			c.addition(prefix+name, "is new")
		}
	}
}

func (c *changes) arguments(id string, before, now ast.ArgumentDefinitionList) {
	for _, a := range before {
		if other := now.ForName(a.Name); other != nil {
			c.input(id+"("+a.Name+")", a.Type, other.Type, a.DefaultValue, other.DefaultValue)
		} else {
			c.broken(id+"("+a.Name+")", "is gone")
		}
	}
	for _, a := range now {
		switch {
		case before.ForName(a.Name) != nil:
		case a.Type.NonNull && a.DefaultValue == nil:
			c.broken(id+"("+a.Name+")", "is new and required")
		default:
			c.addition(id+"("+a.Name+")", a.Type.String())
		}
	}
}

// input compares what callers give: it may come to take more, not less. Another
// default changes what callers get who never named it.
func (c *changes) input(id string, before, now *ast.Type, def, nowDef *ast.Value) {
	c.retyped(id, before, now, promises(now, before))
	was, is := def.String(), nowDef.String()
	switch {
	case was == is:
	case def == nil:
		c.addition(id, "has the default "+is)
	default:
		c.broken(id, fmt.Sprintf("had the default %s, has %s", was, is))
	}
}

func (c *changes) retyped(id string, before, now *ast.Type, fine bool) {
	what := fmt.Sprintf("was %s, is %s", before, now)
	switch {
	case before.String() == now.String():
	case fine:
		c.addition(id, what)
	default:
		c.broken(id, what)
	}
}

// promises reports whether who expects a value of one type can take every value
// of the other.
func promises(expected, given *ast.Type) bool {
	if expected.NonNull && !given.NonNull || expected.NamedType != given.NamedType {
		return false
	}
	if expected.Elem == nil || given.Elem == nil {
		return expected.Elem == given.Elem
	}
	return promises(expected.Elem, given.Elem)
}
