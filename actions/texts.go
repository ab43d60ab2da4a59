package actions

import (
	"reflect"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// CheckTexts refuses texts that databases cannot hold, wherever in an action
// they are: a NUL. Errors: invalid, reason text_invalid, on the outermost field.
func CheckTexts(a Action) error {
	v := reflect.Indirect(reflect.ValueOf(a))
	for i := range v.NumField() {
		if hasNUL(v.Field(i)) {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name // embedded
			}
			return domain.Invalid("text_invalid", name, "%s: a text has no NUL characters", name)
		}
	}
	return nil
}

func hasNUL(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.IndexByte(v.String(), 0) >= 0
	case reflect.Pointer:
		return !v.IsNil() && hasNUL(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return false
		}
		for i := range v.Len() {
			if hasNUL(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if hasNUL(it.Key()) || hasNUL(it.Value()) {
				return true
			}
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return false
		}
		for i := range v.NumField() { // those of Patch are not exported
			if hasNUL(v.Field(i)) {
				return true
			}
		}
	}
	return false
}
