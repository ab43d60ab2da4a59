package domain_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestTheSecretOfAKeyTellsItsID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^whk_[0-9a-f]{32}_[0-9A-Za-z]{49}$`)
	seen := map[domain.Secret]bool{}
	for range 200 {
		id := domain.NewID[domain.KeyID]()
		s := domain.NewKeySecret(id)
		require.Regexp(t, form, s.Reveal())
		got, err := domain.ParseKeySecret(s)
		require.NoError(t, err)
		require.Equal(t, id, got)
		require.False(t, seen[s])
		seen[s] = true
		again := domain.NewKeySecret(id)
		require.NotEqual(t, s, again)
		require.NotEqual(t, domain.HashKeySecret(s), domain.HashKeySecret(again))
		require.Equal(t, domain.HashKeySecret(s), domain.HashKeySecret(s))
	}
}

// One wrong character is always found, wherever it is.
func TestAMistypedSecretIsFoundOut(t *testing.T) {
	t.Parallel()
	text := domain.NewKeySecret("0199f3a2-6b1c-7d4e-8f00-112233445566").Reveal()
	for i := range len(text) {
		for _, c := range []byte("0aZ_-\x00\xff") {
			if text[i] == c {
				continue
			}
			b := []byte(text)
			b[i] = c
			_, err := domain.ParseKeySecret(domain.Secret(b))
			require.Equal(t, domain.CodeUnauthenticated, domain.CodeOf(err), "%d %q", i, c)
			require.NotContains(t, err.Error(), string(b))
		}
	}
}

func TestParsingASecretNeverPanics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := domain.Secret(rapid.String().Draw(t, "secret"))
		if rapid.Bool().Draw(t, "long") {
			s = domain.Secret(rapid.StringOfN(rapid.RuneFrom([]rune("whk_0a")), 86, 86, -1).Draw(t, "of the right length"))
		}
		_, err := domain.ParseKeySecret(s)
		require.Equal(t, "key_malformed", domain.ReasonOf(err))
	})
}

func TestAKeyIsUsableUntilItExpiresOrIsRevoked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k := domain.APIKey{ExpiresAt: now}
	require.True(t, k.Usable(now.Add(-time.Nanosecond)))
	require.False(t, k.Usable(now))
	k.RevokedAt = now
	require.False(t, k.Usable(now.Add(-time.Hour)))
	require.False(t, domain.APIKey{}.Usable(now))
}

func TestAToldSecretIsShownByWhatShowsResultsOnly(t *testing.T) {
	t.Parallel()
	s := domain.ToldSecret("s3cret")
	b, err := json.Marshal(struct{ S domain.ToldSecret }{s})
	require.NoError(t, err)
	require.JSONEq(t, `{"S":"s3cret"}`, string(b))
	require.Equal(t, "s3cret", fmt.Sprint(s))
	require.NotContains(t, fmt.Sprintf("%#v", struct{ S domain.ToldSecret }{s}), "s3cret")
	require.Equal(t, "***", s.LogValue().String())
}
