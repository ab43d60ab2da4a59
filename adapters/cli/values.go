package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// rawValue is a flag that remembers what it was given. What it means is decided
// after all flags are read, so that errors are ours and --action-json comes
// first.
type rawValue struct {
	typ    string
	isBool bool
	joined bool // with commas, of a flag given again
	given  []string
}

func (v *rawValue) Set(s string) error { v.given = append(v.given, s); return nil }

func (v *rawValue) String() string {
	if len(v.given) == 0 {
		return ""
	}
	if v.joined {
		return strings.Join(v.given, ",")
	}
	return v.given[len(v.given)-1]
}

func (v *rawValue) Type() string {
	if v.isBool {
		return "bool"
	}
	return v.typ
}

// valueReader turns the text of flags and arguments into the fields of actions.
type valueReader struct {
	now    time.Time
	fields domain.Fields // of the list that a filter is for; nil: unknown
	file   func(name string) ([]byte, error)
}

// set stores text in a field of an action: one text, or several for what can be
// given more than once. Errors: invalid, on the field.
func (r valueReader) set(dst reflect.Value, f field, given []string) error {
	err := r.store(dst, f, given)
	if err == nil {
		return nil
	}
	name := "--" + f.flag
	return domain.Invalid(domain.ReasonOf(err), f.json, "%s: %s", name, domain.MessageOf(err))
}

func (r valueReader) store(dst reflect.Value, f field, given []string) error {
	last := given[len(given)-1]
	switch p := dst.Addr().Interface().(type) {
	case *domain.Filter:
		return r.filter(p, given)
	case *time.Time:
		parse := parseMoment
		if f.kind == "future" {
			parse = parseFuture
		}
		t, err := parse(last, r.now)
		*p = t
		return err
	case **domain.Actor:
		a, err := parseActor(f.json, last)
		*p = &a
		return err
	case *domain.Limits:
		return limits(p, given)
	case *map[string]string:
		return pairs(p, given)
	case *[]domain.ImageStatus:
		if last == "all" { // there are but three, and one wants to see them all
			*p = domain.ImageStatuses()
			return nil
		}
	case *[]actions.ImageRef:
		for _, name := range given {
			*p = append(*p, actions.ImageRef{Name: name})
		}
		return nil
	}
	switch {
	case isPatch(dst.Type()):
		return r.patch(dst, f, given)
	case dst.Kind() == reflect.Pointer && dst.Type().Elem().Kind() != reflect.Struct:
		dst.Set(reflect.New(dst.Type().Elem()))
		return r.store(dst.Elem(), f, given)
	case dst.Kind() == reflect.Slice && dst.Type().Elem().Kind() == reflect.String:
		list := reflect.MakeSlice(dst.Type(), 0, len(given))
		for _, g := range given {
			for part := range strings.SplitSeq(g, ",") {
				if part = strings.TrimSpace(part); part != "" {
					list = reflect.Append(list, reflect.ValueOf(part).Convert(dst.Type().Elem()))
				}
			}
		}
		dst.Set(list)
		return nil
	case dst.Kind() == reflect.Pointer, dst.Kind() == reflect.Struct:
		return r.document(dst, last)
	}
	return scalar(dst, f, last)
}

func scalar(dst reflect.Value, f field, s string) error {
	switch dst.Kind() {
	case reflect.String:
		dst.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return domain.Invalid("flag_invalid", f.json, "true or false, not %s", domain.Quote(s))
		}
		dst.SetBool(b)
	case reflect.Int, reflect.Int64:
		if f.isSize() {
			n, err := domain.ParseBinarySize(s)
			dst.SetInt(int64(n))
			return err
		}
		n, err := strconv.ParseInt(s, 10, dst.Type().Bits())
		if err != nil {
			return domain.Invalid("flag_invalid", f.json, "a number, not %s", domain.Quote(s))
		}
		dst.SetInt(n)
	default:
		return domain.Internal("cli", fmt.Errorf("no flag can hold a %s", dst.Type()))
	}
	return nil
}

// patch stores a wish: empty text asks for no value, other text for that value.
func (r valueReader) patch(dst reflect.Value, f field, given []string) error {
	wire := json.RawMessage("null")
	if given[len(given)-1] != "" {
		v := reflect.New(patched(dst.Type())).Elem()
		if err := r.store(v, f, given); err != nil {
			return err
		}
		out := v.Interface()
		if s, ok := out.(domain.Secret); ok {
			out = s.Reveal() // its JSON is for others
		}
		b, err := json.Marshal(out)
		if err != nil {
			return domain.Internal("cli", err)
		}
		wire = b
	}
	return json.Unmarshal(wire, dst.Addr().Interface())
}

// filter reads filters that all have to hold.
func (r valueReader) filter(dst *domain.Filter, given []string) error {
	var parts []domain.Filter
	for _, g := range given {
		part, err := parseWhere(g, r.fields, r.now)
		if err != nil {
			return err
		}
		if !part.IsZero() {
			parts = append(parts, part)
		}
	}
	switch {
	case len(parts) == 0:
	case len(parts) == 1:
		*dst = parts[0]
	default:
		*dst = domain.AllOf(parts...)
	}
	return nil
}

// document reads a JSON file.
func (r valueReader) document(dst reflect.Value, name string) error {
	b, err := r.file(name)
	if err != nil {
		return err
	}
	return decode(b, dst.Addr().Interface())
}

// decode reads one JSON document and nothing beside it.
func decode(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = domain.Invalid("json_invalid", "json", "something follows the JSON document")
	}
	switch {
	case err == nil:
		return nil
	case domain.CodeOf(err) == domain.CodeInvalid: // a field's own decoder
		return err
	}
	return domain.Invalid("json_invalid", "json", "not the JSON that is due: %s", err)
}
