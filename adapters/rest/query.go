package rest

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wharf-project/wharf/domain"
)

// parameter is a field of an action as a query gives it.
type parameter struct {
	field
	shape *shape
}

// isJSON reports whether the parameter's text is JSON: fields of several parts.
func (p parameter) isJSON() bool {
	return p.shape.kind == anything || p.shape.kind == anObject || p.shape.kind == aList && p.shape.elem.kind != aText
}

func parametersOf(action reflect.Type, memo shapes) map[string]parameter {
	m := map[string]parameter{}
	for _, f := range fieldsOf(action) {
		m[f.name] = parameter{f, memo.of(f.typ)}
	}
	return m
}

// parseQuery reads a query, each name one of the known ones. Errors: invalid,
// on the parameter.
func parseQuery[V any](raw string, known map[string]V) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, domain.Invalid("query_invalid", "query", "the query is not name=value pairs, joined by & and escaped by %%")
	}
	for name, given := range values {
		if _, ok := known[name]; !ok {
			return nil, domain.Invalid("parameter_unknown", shown(name), "there is no parameter %s; the parameters are: %s", shown(name), names(known))
		}
		for _, v := range given {
			if !utf8.ValidString(v) {
				return nil, domain.Invalid("parameter_invalid", name, "%s is not UTF-8 text", name)
			}
		}
	}
	return values, nil
}

// documentOf turns a query into the JSON of an action. Errors: invalid, on the
// parameter.
func documentOf(raw string, parameters map[string]parameter) ([]byte, error) {
	values, err := parseQuery(raw, parameters)
	if err != nil {
		return nil, err
	}
	doc := map[string]json.RawMessage{}
	for name, given := range values {
		if doc[name], err = parameters[name].json(given); err != nil {
			return nil, err
		}
	}
	return json.Marshal(doc)
}

func (p parameter) json(given []string) (json.RawMessage, error) {
	if p.shape.kind == aList && !p.isJSON() {
		return json.Marshal(strings.Split(strings.Join(given, ","), ","))
	}
	v := given[0]
	switch {
	case len(given) > 1:
		return nil, domain.Invalid("parameter_repeated", p.name, "%s is given %d times", p.name, len(given))
	case p.isJSON():
		if json.Valid([]byte(v)) {
			return json.RawMessage(v), nil
		}
		return nil, domain.Invalid("parameter_invalid", p.name, "%s: JSON is due, not %s", p.name, domain.Quote(v))
	case p.shape.kind == aBool && v != "true" && v != "false":
		return nil, domain.Invalid("parameter_invalid", p.name, "%s: %s is due, not %s", p.name, aBool, domain.Quote(v))
	case p.shape.kind == aWhole:
		n, err := strconv.ParseInt(v, 10, p.shape.bits)
		if err != nil {
			return nil, domain.Invalid("parameter_invalid", p.name, "%s: %s is due, not %s", p.name, aWhole, domain.Quote(v))
		}
		return strconv.AppendInt(nil, n, 10), nil
	case p.shape.kind == aBool:
		return json.RawMessage(v), nil
	}
	return json.Marshal(v)
}
