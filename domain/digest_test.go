package domain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

var (
	sha256Text = "sha256:" + strings.Repeat("0123456789abcdef", 4)
	sha512Text = "sha512:" + strings.Repeat("0123456789abcdef", 8)
)

func TestParseDigestTakesRegisteredAlgorithms(t *testing.T) {
	for _, text := range []string{sha256Text, sha512Text} {
		d, err := domain.ParseDigest(text)
		require.NoError(t, err)
		require.Equal(t, text, d.String())
		require.Equal(t, text[:6], d.Algorithm())
		require.Equal(t, text[7:], d.Hex())
	}
}

func TestParseDigestRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                          "",
		"no algorithm":                     strings.Repeat("a", 64),
		"no encoded part":                  "sha256:",
		"a sha256 that is one digit short": sha256Text[:len(sha256Text)-1],
		"a sha256 that is one digit long":  sha256Text + "0",
		"a sha512 with sha256's length":    "sha512:" + sha256Text[7:],
		"uppercase digits":                 "sha256:" + strings.Repeat("A", 64),
		"an uppercase algorithm":           "SHA256:" + sha256Text[7:],
		"letters beyond f":                 "sha256:" + strings.Repeat("g", 64),
		"an algorithm nobody can verify":   "md5:" + strings.Repeat("a", 32),
		"a well-formed compound algorithm": "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
		"two algorithms":                   "sha256:" + sha256Text,
		"surrounding white space":          " " + sha256Text,
		"a trailing newline":               sha256Text + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			d, err := domain.ParseDigest(text)
			requireInvalid(t, err, "digest_invalid")
			require.Empty(t, d)
		})
	}
}

func TestTheZeroDigestHasNoParts(t *testing.T) {
	var none domain.Digest
	require.Empty(t, none.String()+none.Algorithm()+none.Hex())
}

// requireInvalid checks that err is coded invalid, has the reason, and says
// something that can be shown: bounded, and without control characters.
func requireInvalid(t require.TestingT, err error, reason string) {
	require.ErrorIs(t, err, domain.ErrInvalid)
	require.Equal(t, reason, domain.ReasonOf(err))
	for _, text := range []string{domain.MessageOf(err), domain.OnOf(err)} {
		require.Less(t, len(text), 2000)
		require.False(t, strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), "%q", text)
	}
	require.NotEmpty(t, domain.MessageOf(err))
}
