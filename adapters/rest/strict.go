package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wharf-project/wharf/domain"
)

// maxDepth is how deep JSON may nest. The deepest filter needs 18.
const maxDepth = 32

// decode reads one document into a value of the shape, and takes nothing that
// it would have to guess about: no unknown or repeated names, no names in
// another case, nothing after the document, no text that is not UTF-8. Errors:
// invalid, on the field.
func decode(doc []byte, s *shape, into any) error {
	if !utf8.Valid(doc) || loneSurrogate(doc) {
		return domain.Invalid("json_invalid", "body", "the body is not UTF-8 text")
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	c := checker{d}
	if err := c.document(s); err != nil {
		return err
	}
	err := json.Unmarshal(doc, into)
	if e, ok := errors.AsType[*domain.Error](err); ok { // a type's own decoder
		return e
	}
	if err != nil {
		return domain.Invalid("json_invalid", "body", "the body is not the JSON that is due")
	}
	return nil
}

type checker struct{ d *json.Decoder }

func (c checker) document(s *shape) error {
	t, err := c.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return mismatch("body", aDocument, kindOf(t))
	}
	if err := c.object("", s, 1); err != nil {
		return err
	}
	if _, err := c.d.Token(); !errors.Is(err, io.EOF) {
		return domain.Invalid("json_invalid", "body", "something follows the JSON document")
	}
	return nil
}

// value checks the value that comes next.
func (c checker) value(path string, s *shape, depth int) error {
	t, err := c.token()
	if err != nil {
		return err
	}
	got := kindOf(t)
	if got == aNull {
		return nil // the same as absent, or a wish for no value
	}
	if !s.takes(got) {
		return mismatch(path, s.kind, got)
	}
	switch t := t.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return domain.Invalid("json_invalid", "body", "the JSON nests deeper than %d", maxDepth)
		}
		if t == '{' {
			return c.object(path, s, depth+1)
		}
		return c.list(path, s, depth+1)
	case json.Number:
		if s.kind == aWhole {
			if _, err := strconv.ParseInt(t.String(), 10, s.bits); err != nil {
				return mismatch(path, aWhole, kind(shown(t.String())))
			}
		}
	case string:
		if s.kind == aTime {
			if _, err := time.Parse(time.RFC3339, t); err != nil {
				return mismatch(path, aTime, kind(domain.Quote(t)))
			}
		}
	}
	return nil
}

func (c checker) object(path string, s *shape, depth int) error {
	seen := map[string]bool{}
	for c.d.More() {
		t, err := c.token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder takes nothing else here
		at := shown(name)
		if path != "" {
			at = path + "." + at
		}
		if seen[name] {
			return domain.Invalid("field_repeated", at, "%s is given twice", at)
		}
		seen[name] = true
		inner := s.elem
		if s.fields != nil {
			var known bool
			if inner, known = s.fields[name]; !known {
				return domain.Invalid("field_unknown", at, "there is no field %s; the fields are: %s", at, names(s.fields))
			}
		}
		if err := c.value(at, orAnything(inner), depth); err != nil {
			return err
		}
	}
	_, err := c.token()
	return err
}

func (c checker) list(path string, s *shape, depth int) error {
	for i := 0; c.d.More(); i++ {
		if err := c.value(path+"."+strconv.Itoa(i), orAnything(s.elem), depth); err != nil {
			return err
		}
	}
	_, err := c.token()
	return err
}

func (c checker) token() (json.Token, error) {
	t, err := c.d.Token()
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, io.EOF) && c.d.InputOffset() == 0:
		return nil, domain.Invalid("json_invalid", "body", "a JSON document is due: {} when there is nothing to say")
	}
	return nil, domain.Invalid("json_invalid", "body", "the body is not JSON, near byte %d", c.d.InputOffset())
}

func (s *shape) takes(got kind) bool {
	switch s.kind {
	case anything, got:
		return true
	case aWhole:
		return got == aNumber
	case aTime:
		return got == aText
	}
	return false
}

func orAnything(s *shape) *shape {
	if s == nil {
		return &shape{}
	}
	return s
}

func kindOf(t json.Token) kind {
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return anObject
		}
		return aList
	case string:
		return aText
	case json.Number:
		return aNumber
	case bool:
		return aBool
	}
	return aNull
}

func mismatch(path string, want, got kind) error {
	return domain.Invalid("field_invalid", path, "%s: %s is due, not %s", path, want, got)
}

func names[V any](m map[string]V) string {
	if len(m) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// shown is a name from outside, fit to be repeated.
func shown(name string) string {
	plain := name != "" && len(name) <= 128 && strings.IndexFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"'
	}) < 0
	if plain {
		return name
	}
	return domain.Quote(name)
}

// loneSurrogate reports whether an escape names half a character, which
// decoders replace without a word.
func loneSurrogate(doc []byte) bool {
	for i := 0; i < len(doc); i++ {
		if doc[i] != '\\' {
			continue
		}
		r, ok := escaped(doc[i:])
		if ok && utf16.IsSurrogate(r) {
			low, _ := escaped(doc[min(i+6, len(doc)):])
			if utf16.DecodeRune(r, low) == utf8.RuneError {
				return true
			}
			i += 6
		}
		i++ // what is escaped may be a backslash
	}
	return false
}

// escaped reads \uXXXX.
func escaped(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
