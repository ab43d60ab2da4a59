package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// compareActions compares the JSON of the actions field by field. Values do not
// matter, only names and types.
func compareActions(last, present surface) (changes, error) {
	before, err := fields(last)
	if err != nil {
		return nil, err
	}
	now, err := fields(present)
	if err != nil {
		return nil, err
	}
	fine := func(string, fact) string { return "" }
	return compareFacts(before, now, fine, func(before, now string) bool {
		for kind := range strings.SplitSeq(before, "|") {
			if !slices.Contains(strings.Split(now, "|"), kind) {
				return false
			}
		}
		return true
	}), nil
}

// fields lists the fields of all actions: json:NAME, json:NAME/FIELD/…, with []
// for the elements of an array.
func fields(s surface) (map[string]fact, error) {
	all := map[string]fact{}
	for name, text := range s {
		if !strings.HasPrefix(name, actionsDir) {
			continue
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		id := "json:" + strings.TrimSuffix(strings.TrimPrefix(name, actionsDir), ".json")
		listFields(all, id, "", v)
	}
	return all, nil
}

func listFields(all map[string]fact, id, parent string, v any) {
	kind := "string"
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		for name, value := range v {
			listFields(all, id+"/"+name, id, value)
		}
	case []any:
		kind = "array"
		for _, value := range v {
			listFields(all, id+"/[]", id, value)
		}
	case float64:
		kind = "number"
	case bool:
		kind = "boolean"
	case nil:
		kind = "null"
	}
	if seen, ok := all[id]; ok { // elements may be of several types
		kinds := append(strings.Split(seen.says, "|"), kind)
		slices.Sort(kinds)
		kind = strings.Join(slices.Compact(kinds), "|")
	}
	all[id] = fact{parent, kind}
}
