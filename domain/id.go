package domain

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// Identifiers are types of their own, so that one cannot stand for another.
// Those that Wharf makes are UUIDv7 in canonical text form (RFC 9562, section
// 5.7); those that a site makes (agents, users) are opaque strings.
type (
	// ImageID names an image of the catalogue.
	ImageID string
	// AliasID names an alias.
	AliasID string
	// RegistryID names a registered registry.
	RegistryID string
	// AuditID names an entry of the trail.
	AuditID string
	// TaskID names a long action that outlives its call.
	TaskID string
	// AgentID is the site's name of a node: 1-64 characters, see [ParseAgentID].
	AgentID string
	// UserID names an actor; opaque to Wharf.
	UserID string
)

var idClock struct {
	sync.Mutex
	last uint64
}

// NewID returns a new UUIDv7 for any of the identifier types. Values made by
// one process are strictly increasing, so that ids made later sort later. It is
// safe for concurrent use and blocks only on the system's random source.
func NewID[T ~string]() T {
	var b [16]byte
	_, _ = rand.Read(b[8:]) // never fails (crypto/rand.Read, since Go 1.24)

	// 48 bits of milliseconds and 12 bits of their fraction, one tick ahead of
	// the last id when the clock stands still (RFC 9562, section 6.2, method 3).
	now := time.Now()
	ms := uint64(now.UnixMilli())
	tick := ms<<12 | uint64(now.Nanosecond()%int(time.Millisecond))<<12/uint64(time.Millisecond)
	idClock.Lock()
	if tick <= idClock.last {
		tick = idClock.last + 1
	}
	idClock.last = tick
	idClock.Unlock()

	binary.BigEndian.PutUint64(b[:8], tick>>12<<16|0x7000|tick&0x0fff)
	b[8] = b[8]&0x3f | 0x80

	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return T(s[:])
}

// IsID reports whether s has the canonical form of a UUID: lower case, 36
// characters, any version.
func IsID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// ParseID checks that s is an identifier that Wharf makes. On names the field
// in the error: invalid, reason id_invalid.
func ParseID[T ~string](on, s string) (T, error) {
	if !IsID(s) {
		return "", Invalid("id_invalid", on, "%s is not an id: %s", on, Quote(s))
	}
	return T(s), nil
}

// ParseAgentID checks the name of an agent: 1-64 letters, digits, '.', '_' and
// '-', the first a letter or a digit. Errors: invalid, reason agent_id_invalid.
func ParseAgentID(s string) (AgentID, error) {
	if !isName(s, 64) {
		return "", Invalid("agent_id_invalid", "agent", "an agent id is 1-64 letters, digits, '.', '_' or '-', the first a letter or a digit: %s", Quote(s))
	}
	return AgentID(s), nil
}

// CheckName checks the name of a domain, project, scaling group or user, as
// the embedder makes them: 1-255 printable characters without white space.
// Errors: invalid, reason name_invalid, on kind.
func CheckName(kind, s string) error {
	if s == "" || len(s) > 255 {
		return Invalid("name_invalid", kind, "a %s has 1-255 characters: %s", kind, Quote(s))
	}
	if !printable(s) {
		return Invalid("name_invalid", kind, "a %s has no white space or characters that do not print: %s", kind, Quote(s))
	}
	return nil
}

func isName(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}
