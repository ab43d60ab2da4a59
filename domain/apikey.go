package domain

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strings"
	"time"
)

// How long keys live.
const (
	DefaultKeyLife = 90 * 24 * time.Hour
	MaxKeyLife     = 365 * 24 * time.Hour
)

// KeyID names an API key. It is no secret.
type KeyID string

// APIKey is a long-lived credential of an actor. Its secret is told once, when
// the key is made; what is stored is a hash of it.
type APIKey struct {
	ID   KeyID  `json:"id"`
	Name string `json:"name"`
	// Actor is who a caller with the key is: role, domain and projects as they
	// were when it was made. What the role grants is asked anew at every call.
	Actor     Actor     `json:"actor"`
	CreatedBy UserID    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// LastUsedAt is coarse: it lags by a minute.
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
}

// Usable reports whether the key opens anything at a time.
func (k APIKey) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && now.Before(k.ExpiresAt)
}

// KeyFields is the table of fields for lists of keys.
var KeyFields = Fields{
	"name":         {Kind: KindText, Sortable: true},
	"user":         {Kind: KindText},
	"created_by":   {Kind: KindText},
	"created_at":   {Kind: KindTime, Sortable: true},
	"expires_at":   {Kind: KindTime, Sortable: true},
	"last_used_at": {Kind: KindTime, Sortable: true},
}

// The secret of a key is whk_ID_RANDOMCHECK: its id without dashes, 32 random
// bytes and a checksum, which tells a mistyped key, and other text, without a
// look at the database.
const (
	keyPrefix   = "whk_"
	keyDigits   = 43 // of 32 bytes in base 62
	checkDigits = 6  // of 4 bytes
	keyLength   = len(keyPrefix) + 32 + 1 + keyDigits + checkDigits
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewKeySecret makes the secret of a key.
func NewKeySecret(id KeyID) Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand.Read, since Go 1.24)
	body := keyPrefix + strings.ReplaceAll(string(id), "-", "") + "_" + inBase62(new(big.Int).SetBytes(b[:]), keyDigits)
	return Secret(body + checkOf(body))
}

// ParseKeySecret tells which key a secret is of; whether it is the right one,
// its hash tells. Errors: unauthenticated, reason key_malformed.
func ParseKeySecret(s Secret) (KeyID, error) {
	text := s.Reveal()
	if len(text) == keyLength && strings.HasPrefix(text, keyPrefix) && text[len(keyPrefix)+32] == '_' {
		cut := keyLength - checkDigits
		h := text[len(keyPrefix) : len(keyPrefix)+32]
		id := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		if IsID(id) && checkOf(text[:cut]) == text[cut:] {
			return KeyID(id), nil
		}
	}
	return "", Errorf(CodeUnauthenticated, "key_malformed", "", "this is no API key")
}

// HashKeySecret is what is stored of a secret. A plain hash is enough: unlike
// a password, 256 random bits cannot be guessed, however fast the hash is.
func HashKeySecret(s Secret) string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])
}

func checkOf(body string) string {
	return inBase62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))), checkDigits)
}

// inBase62 writes n with a fixed number of digits.
func inBase62(n *big.Int, digits int) string {
	out := make([]byte, digits)
	base, digit := big.NewInt(int64(len(base62))), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n, digit = new(big.Int).DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}

// ToldSecret is a secret inside the one result whose purpose is to tell it. It
// prints and marshals as it is, unlike [Secret]; whoever keeps results leaves it
// out, and slog and %#v still hide it.
type ToldSecret string

// GoString hides the content from %#v.
func (s ToldSecret) GoString() string { return Secret(s).GoString() }

// LogValue hides the content from slog.
func (s ToldSecret) LogValue() slog.Value { return Secret(s).LogValue() }
