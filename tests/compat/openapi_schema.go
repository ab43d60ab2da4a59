package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// direction says who makes the values of a schema.
type direction string

const (
	request  direction = "request"  // callers: it may come to take more
	response direction = "response" // the server: it may come to say more, in the same form
)

// silent are keywords that no value depends on.
var silent = []string{"description", "title", "example", "examples", "$schema"}

// schema compares two schemas. Where both are the same named one, the
// identifiers below are rest:NAME.FIELD wherever it is used.
func (c *comparison) schema(id string, last, present any, d direction) {
	name, nowName := reference(last), reference(present)
	if name != "" || nowName != "" {
		if name == nowName {
			id = "rest:" + name
		}
		key := strings.Join([]string{id, name, nowName, string(d)}, " ")
		if c.seen[key] {
			return
		}
		c.seen[key] = true
	}
	before, now := resolve(c.last, last), resolve(c.present, present)
	c.kinds(id, before, now, d)
	c.properties(id, before, now, d)
	for key, mark := range map[string]string{"items": "[]", "contentSchema": "", "additionalProperties": "{}"} {
		_, was := before[key].(object)
		_, is := now[key].(object)
		if was && is {
			c.schema(id+mark, before[key], now[key], d)
		} else {
			c.keyword(id, key, before[key], now[key], d)
		}
	}
	for key := range merged(before, now) {
		switch key {
		case "type", "format", "properties", "required", "items", "contentSchema", "additionalProperties", "$ref":
		default:
			if !slices.Contains(silent, key) {
				c.keyword(id, key, before[key], now[key], d)
			}
		}
	}
}

// reference gives the name of a schema that is used by name, "" for one in place.
func reference(v any) string {
	o, _ := v.(object)
	ref, _ := o["$ref"].(string)
	if ref == "" {
		return ""
	}
	return path.Base(ref)
}

// kinds compares the types. Requests may gain some, responses lose some.
func (c *comparison) kinds(id string, last, present object, d direction) {
	before, now := kinds(last), kinds(present)
	wide, narrow := now, before
	if d == response {
		wide, narrow = before, now
	}
	what := fmt.Sprintf("was %s, is %s in a %s", strings.Join(before, " or "), strings.Join(now, " or "), d)
	switch {
	case slices.Equal(before, now):
	case len(wide) == 0 || len(narrow) > 0 && containsAll(wide, narrow): // no type is any type
		c.found.addition(id, what)
	default:
		c.found.broken(id, what)
	}
}

func kinds(schema object) []string {
	var all []string
	list, ok := schema["type"].([]any)
	if !ok && schema["type"] != nil {
		list = []any{schema["type"]}
	}
	for _, t := range list {
		kind := fmt.Sprint(t)
		if f, ok := schema["format"].(string); ok && kind != "null" {
			kind += " (" + f + ")"
		}
		all = append(all, kind)
	}
	slices.Sort(all)
	return all
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

func (c *comparison) properties(id string, last, present object, d direction) {
	before, now := get(last, "properties"), get(present, "properties")
	for name, s := range before {
		id := id + "." + name
		if !hasKey(now, name) {
			c.found.broken(id, "is gone from a "+string(d))
			continue
		}
		switch was, is := required(last, name), required(present, name); {
		case was == is:
		case is == (d == request): // required of callers, or no more promised to them
			c.found.broken(id, map[bool]string{true: "became required", false: "may be missing"}[is])
		default:
			c.found.addition(id, map[bool]string{true: "is always there", false: "may be left out"}[is])
		}
		c.schema(id, s, now[name], d)
	}
	for name := range now {
		switch {
		case hasKey(before, name):
		case d == request && required(present, name):
			c.found.broken(id+"."+name, "is new and required")
		default:
			c.found.addition(id+"."+name, "is new in a "+string(d))
		}
	}
}

func required(schema object, name string) bool {
	list, _ := schema["required"].([]any)
	return slices.Contains(list, any(name))
}

// keyword compares what bounds the values of a schema. Requests may lose a
// bound, responses gain one; whether another bound is wider is for people to
// say, in the changelog.
func (c *comparison) keyword(id, key string, last, present any, d direction) {
	before, now := bare(last), bare(present)
	what := fmt.Sprintf("%s was %s, is %s in a %s", key, before, now, d)
	switch {
	case before == now:
	case d == request && present == nil, d == response && last == nil:
		c.found.addition(id, what)
	default:
		c.found.broken(id, what)
	}
}

// bare writes a value without the texts for readers.
func bare(v any) string {
	text, err := json.Marshal(strip(v))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func strip(v any) any {
	switch v := v.(type) {
	case object:
		kept := object{}
		for key, inner := range v {
			if _, text := inner.(string); !text || !slices.Contains(silent, key) {
				kept[key] = strip(inner)
			}
		}
		return kept
	case []any:
		kept := make([]any, 0, len(v))
		for _, inner := range v {
			kept = append(kept, strip(inner))
		}
		return kept
	default:
		return v
	}
}

func merged(a, b object) map[string]bool {
	keys := map[string]bool{}
	for _, o := range []object{a, b} {
		for key := range o {
			keys[key] = true
		}
	}
	return keys
}
