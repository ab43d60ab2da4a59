package rest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// tagForm is an entity tag of ours: the revision, and, where the answer holds
// more than the row, a fingerprint of it all.
var tagForm = regexp.MustCompile(`^"([1-9][0-9]{0,18})(?:-[0-9a-f]{16})?"$`)

// ifMatch returns the revision that the caller wants to change, 0 for any.
// Errors: invalid for what is not one tag of ours: no other can ever match.
func ifMatch(h http.Header) (int64, error) {
	given := h.Values("If-Match")
	if len(given) == 0 || len(given) == 1 && strings.TrimSpace(given[0]) == "*" {
		return 0, nil
	}
	if m := tagForm.FindStringSubmatch(strings.TrimSpace(given[0])); m != nil && len(given) == 1 {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, domain.Invalid("header_invalid", "If-Match", `If-Match takes one ETag as it was received, such as "7"`)
}

// noneMatch reports whether the caller holds what the tag stands for.
func noneMatch(h http.Header, tag string) bool {
	for _, line := range h.Values("If-None-Match") {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			if part == tag || part == "*" {
				return true
			}
		}
	}
	return false
}

// prefersAsync reports whether the caller prefers respond-async (RFC 7240).
func prefersAsync(h http.Header) bool {
	for _, line := range h.Values("Prefer") {
		for part := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), "respond-async") {
				return true
			}
		}
	}
	return false
}

// idempotencyKey returns the caller's key, "" for none. Errors: invalid.
func idempotencyKey(h http.Header) (string, error) {
	given := h.Values("Idempotency-Key")
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	invisible := strings.IndexFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0
	if len(given) > 1 || key == "" || len(key) > 255 || invisible {
		return "", domain.Invalid("idempotency_key_invalid", "Idempotency-Key", "an Idempotency-Key has 1-255 visible characters")
	}
	return key, nil
}
