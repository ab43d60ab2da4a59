package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// pair is a line of name and value.
type pair struct{ key, value string }

// pairs prints lines with their values in one column.
func (p *printer) pairs(rows []pair, depth int) {
	widest := 0
	for _, r := range rows {
		widest = max(widest, width(clean(r.key)))
	}
	for _, r := range rows {
		key := clean(r.key)
		value := clean(r.value)
		if value == "" {
			value = none
		}
		p.text(strings.Repeat("  ", depth) + p.paint(bold, key) + ":" + strings.Repeat(" ", widest-width(key)+1) + value + "\n")
	}
}

// when is a time in full.
func (p *printer) when(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.In(p.now.Location()).Format("2006-01-02 15:04:05") + " (" + ago(p.now, t) + ")"
}

// structure prints any result: plain fields first, in one block, then what has
// parts. A result that is one thing is printed as that thing.
func (p *printer) structure(v reflect.Value, depth int) {
	if depth > 8 { // nothing of ours is that deep
		return
	}
	var rows []pair
	var deeper []reflect.StructField
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" || !f.IsExported() || name == "-" {
			continue
		}
		value := v.FieldByIndex(f.Index)
		if value.IsZero() && strings.Contains(options, "omit") {
			continue
		}
		if text, ok := p.plain(value, name); ok {
			rows = append(rows, pair{strings.ReplaceAll(name, "_", " "), text})
		} else {
			deeper = append(deeper, f)
		}
	}
	p.pairs(rows, depth)
	for _, f := range deeper {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if len(deeper) == 1 && len(rows) == 0 && depth == 0 {
			p.parts(v.FieldByIndex(f.Index), depth)
			continue
		}
		p.text(strings.Repeat("  ", depth) + p.paint(bold, strings.ReplaceAll(name, "_", " ")) + ":\n")
		p.parts(v.FieldByIndex(f.Index), depth+1)
	}
}

// parts prints what has parts: a struct, or several.
func (p *printer) parts(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		p.parts(v.Elem(), depth)
	case reflect.Struct:
		p.structure(v, depth)
	case reflect.Slice:
		for i := range v.Len() {
			if i > 0 {
				p.text("\n")
			}
			p.parts(v.Index(i), depth)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			p.text(strings.Repeat("  ", depth) + clean(fmt.Sprint(k)) + ":\n")
			p.parts(v.MapIndex(k), depth+1)
		}
	default:
		text, _ := p.plain(v, "")
		p.text(strings.Repeat("  ", depth) + clean(text) + "\n")
	}
}

// plain is the text of a value that fits a line; false for what does not.
func (p *printer) plain(v reflect.Value, name string) (string, bool) {
	switch x := v.Interface().(type) {
	case time.Time:
		return p.when(x), true
	case *time.Time:
		if x == nil {
			return none, true
		}
		return p.when(*x), true
	case domain.Image:
		return named(x), true
	case domain.Problem:
		return problem(&x), true
	case *domain.Problem:
		if x == nil {
			return none, true
		}
		return problem(x), true
	case json.RawMessage:
		return string(x), true
	case map[string]string:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			pairs = append(pairs, k+"="+x[k])
		}
		return strings.Join(pairs, ", "), true
	case int64:
		if strings.HasSuffix(name, "_bytes") {
			return size(x), true
		}
	case bool:
		return yesNo(x), true
	case fmt.Stringer:
		if v.Kind() != reflect.Struct { // a struct's name is not the whole of it
			return x.String(), true
		}
	}
	switch v.Kind() {
	case reflect.Slice:
		if v.Len() == 0 {
			return none, true
		}
		if v.Type().Elem().Kind() != reflect.String {
			return "", false
		}
		texts := make([]string, v.Len())
		for i := range texts {
			texts[i] = v.Index(i).String()
		}
		return strings.Join(texts, ", "), true
	case reflect.Pointer:
		if v.IsNil() {
			return none, true
		}
		if v.Elem().Kind() == reflect.Struct {
			return "", false
		}
		return p.plain(v.Elem(), name)
	case reflect.Struct, reflect.Map:
		return "", false
	}
	return fmt.Sprint(v.Interface()), true
}
