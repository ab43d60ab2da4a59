package domain

import (
	"encoding/json"
	"log/slog"
)

// Secret is text that must not leave the process by accident: it prints, logs
// and marshals as "***". Reveal is the one way to its content.
type Secret string

const redacted = "***"

// Reveal returns the content.
func (s Secret) Reveal() string { return string(s) }

// String hides the content; the empty secret is "".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the content from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalJSON hides the content.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText hides the content from XML, YAML, TOML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the content from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
