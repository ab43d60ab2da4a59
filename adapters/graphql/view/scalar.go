package view

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/wharf-project/wharf/domain"
)

// MarshalBigInt writes the scalar BigInt: a JSON number, whatever its size.
func MarshalBigInt(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.FormatInt(n, 10)) })
}

// UnmarshalBigInt reads a number, or a text that holds one. Errors: invalid.
func UnmarshalBigInt(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, domain.Invalid("input_invalid", "BigInt", "a BigInt is a whole number of 64 bits")
}

// MarshalJSON writes the scalar JSON on one line; nothing, and what is no JSON,
// is null.
func MarshalJSON(b json.RawMessage) graphql.Marshaler {
	var line bytes.Buffer
	if err := json.Compact(&line, b); err != nil || len(b) == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(line.Bytes()) })
}

// UnmarshalJSON is there because scalars have two sides: no input has this one.
func UnmarshalJSON(any) (json.RawMessage, error) {
	return nil, domain.Invalid("input_invalid", "JSON", "JSON is for answers only")
}

// MarshalReach writes the enum Reach.
func MarshalReach(r domain.Reach) graphql.Marshaler { return graphql.MarshalString(r.String()) }

// UnmarshalReach is there because enums have two sides: no input has this one.
func UnmarshalReach(v any) (domain.Reach, error) {
	s, _ := v.(string)
	return domain.ParseReach(s)
}

// MarshalTime writes the scalar Time; the zero time is null.
func MarshalTime(t time.Time) graphql.Marshaler { return graphql.MarshalTime(t) }

// UnmarshalTime reads a time. Errors: invalid.
func UnmarshalTime(v any) (time.Time, error) {
	if s, ok := v.(string); ok {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, domain.Invalid("input_invalid", "Time", "a time is such as 2026-01-31T12:00:00Z")
}
