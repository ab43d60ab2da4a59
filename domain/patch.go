package domain

import (
	"bytes"
	"encoding/json"
)

// Patch is a field of a change that tells three wishes apart: absent (leave as
// it is, the zero value), null (clear it) and a value. Fields of this type
// carry the JSON option omitzero.
type Patch[T any] struct {
	set   bool
	value *T
}

// Set returns the wish for the value v.
func Set[T any](v T) Patch[T] { return Patch[T]{set: true, value: &v} }

// Clear returns the wish for no value.
func Clear[T any]() Patch[T] { return Patch[T]{set: true} }

// IsZero reports whether the field is absent.
func (p Patch[T]) IsZero() bool { return !p.set }

// IsNull reports whether the field asks for no value.
func (p Patch[T]) IsNull() bool { return p.set && p.value == nil }

// Get returns the value and true when there is one; null and absent give the
// zero value and false.
func (p Patch[T]) Get() (T, bool) {
	if p.value == nil {
		var zero T
		return zero, false
	}
	return *p.value, true
}

// Apply changes dst: nothing when absent, the zero value when null.
func (p Patch[T]) Apply(dst *T) {
	if p.set {
		*dst, _ = p.Get()
	}
}

// MarshalJSON writes null for null and absent, else the value.
func (p Patch[T]) MarshalJSON() ([]byte, error) { return json.Marshal(p.value) }

// UnmarshalJSON is only called for a field that is there.
func (p *Patch[T]) UnmarshalJSON(b []byte) error {
	p.set, p.value = true, nil
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &p.value)
}
