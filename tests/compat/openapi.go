package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object is a JSON object; what is missing in it reads as empty.
type object = map[string]any

// comparison of two OpenAPI documents. Schemas with names are compared once in
// each direction.
type comparison struct {
	last, present object
	seen          map[string]bool
	found         changes
}

// compareREST compares two OpenAPI documents: whether requests that were right
// still are, and whether answers still hold what they held.
func compareREST(last, present []byte) (changes, error) {
	c := comparison{seen: map[string]bool{}}
	if err := json.Unmarshal(last, &c.last); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(present, &c.present); err != nil {
		return nil, err
	}
	before, now := operations(c.last), operations(c.present)
	for id, op := range before {
		if other, ok := now[id]; ok {
			c.operation("rest:"+id, op, other)
		} else {
			c.found.broken("rest:"+id, "is gone")
		}
	}
	for id := range now {
		if !hasKey(before, id) {
			c.found.addition("rest:"+id, "is new")
		}
	}
	return c.found, nil
}

// operations gives what can be called, by "METHOD /path".
func operations(doc object) map[string]object {
	all := map[string]object{}
	for path, item := range get(doc, "paths") {
		methods, _ := item.(object)
		for method := range methods {
			all[strings.ToUpper(method)+" "+path] = get(methods, method)
		}
	}
	return all
}

func (c *comparison) operation(id string, before, now object) {
	if before["operationId"] != now["operationId"] { // generated clients name their methods after it
		c.found.broken(id, fmt.Sprintf("operationId was %v, is %v", before["operationId"], now["operationId"]))
	}
	c.parameters(id, parameters(c.last, before), parameters(c.present, now))
	wasBody, body := resolve(c.last, before["requestBody"]), resolve(c.present, now["requestBody"])
	if body["required"] == true && wasBody["required"] != true {
		c.found.broken(id+" body", "became required")
	}
	c.content(id+" body", wasBody, body, request)
	wasAnswers, answers := get(before, "responses"), get(now, "responses")
	for status := range wasAnswers {
		if !hasKey(answers, status) {
			c.found.broken(id+" "+status, "is gone")
			continue
		}
		was, is := resolve(c.last, wasAnswers[status]), resolve(c.present, answers[status])
		c.content(id+" "+status, was, is, response)
		for name := range get(was, "headers") {
			if !hasKey(get(is, "headers"), name) {
				c.found.broken(id+" "+status+" "+name, "is gone")
			}
		}
	}
	for status := range answers {
		if !hasKey(wasAnswers, status) {
			c.found.addition(id+" "+status, "is new")
		}
	}
}

func (c *comparison) parameters(id string, before, now map[string]object) {
	for name, p := range before {
		other, ok := now[name]
		if !ok {
			c.found.broken(id+" "+name, "is gone")
			continue
		}
		if other["required"] == true && p["required"] != true {
			c.found.broken(id+" "+name, "became required")
		}
		c.schema(id+" "+name, p["schema"], other["schema"], request)
	}
	for name, p := range now {
		switch {
		case hasKey(before, name):
		case p["required"] == true:
			c.found.broken(id+" "+name, "is new and required")
		default:
			c.found.addition(id+" "+name, "is new")
		}
	}
}

// parameters gives the parameters of an operation by place and name.
func parameters(doc, op object) map[string]object {
	all := map[string]object{}
	list, _ := op["parameters"].([]any)
	for _, p := range list {
		p := resolve(doc, p)
		all[fmt.Sprintf("%v:%v", p["in"], p["name"])] = p
	}
	return all
}

// content compares what a body may be, by media type.
func (c *comparison) content(id string, before, now object, d direction) {
	types, nowTypes := get(before, "content"), get(now, "content")
	for _, media := range slices.Sorted(maps.Keys(types)) {
		if hasKey(nowTypes, media) {
			c.schema(id, get(types, media)["schema"], get(nowTypes, media)["schema"], d)
		} else {
			c.found.broken(id, media+" is gone")
		}
	}
	for media := range nowTypes {
		if !hasKey(types, media) {
			c.found.addition(id, media+" is new")
		}
	}
}

func get(o object, key string) object {
	inner, _ := o[key].(object)
	return inner
}

// resolve follows a reference within the document.
func resolve(doc object, v any) object {
	o, _ := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	at := doc
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = get(at, part)
	}
	return at
}
