package domain_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestNewIDsAreUUIDsOfVersion7(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	id := string(domain.NewID[domain.ImageID]())
	require.True(t, domain.IsID(id), id)
	require.Equal(t, byte('7'), id[14])
	require.Contains(t, "89ab", string(id[19]))
	var ms int64
	for _, c := range strings.ReplaceAll(id[:13], "-", "") {
		ms = ms<<4 | int64(strings.IndexRune("0123456789abcdef", c))
	}
	require.WithinRange(t, time.UnixMilli(ms), before, time.Now().Add(time.Second))
}

func TestNewIDsGrowAndNeverRepeat(t *testing.T) {
	t.Parallel()
	const makers, each = 8, 2000
	lists := make([][]string, makers)
	var wg sync.WaitGroup
	for i := range lists {
		wg.Go(func() {
			for range each {
				lists[i] = append(lists[i], domain.NewID[string]())
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range lists {
		require.True(t, slices.IsSorted(list))
		for _, id := range list {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
}

func TestIsIDTakesTheCanonicalFormOnly(t *testing.T) {
	t.Parallel()
	const id = "01890a5d-ac96-774b-bcce-b302099a8057"
	require.True(t, domain.IsID(id))
	require.True(t, domain.IsID("00000000-0000-0000-0000-000000000000"), "any version")
	for _, s := range []string{
		"", strings.ToUpper(id), id + "0", id[:35], "{" + id + "}", strings.ReplaceAll(id, "-", ""), strings.Replace(id, "5", "g", 1),
		"01890a5dac-96-774b-bcce-b302099a8057", " " + id[1:], "urn:uuid:" + id,
	} {
		require.False(t, domain.IsID(s), s)
	}
}

func TestParseIDNamesTheField(t *testing.T) {
	t.Parallel()
	id, err := domain.ParseID[domain.RegistryID]("registry_id", "01890a5d-ac96-774b-bcce-b302099a8057")
	require.NoError(t, err)
	require.Equal(t, domain.RegistryID("01890a5d-ac96-774b-bcce-b302099a8057"), id)
	id, err = domain.ParseID[domain.RegistryID]("registry_id", "cr.example.org\x1b[31m")
	requireInvalid(t, err, "id_invalid")
	require.Empty(t, id)
	require.Equal(t, "registry_id", domain.OnOf(err))
	require.NotContains(t, err.Error(), "\x1b", "foreign text is quoted")
}

func TestParseAgentID(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a", "node-1", "i-0abc.eu_1", "9", strings.Repeat("x", 64)} {
		id, err := domain.ParseAgentID(s)
		require.NoError(t, err)
		require.Equal(t, domain.AgentID(s), id)
	}
	for _, s := range []string{"", "*", "-a", ".a", "_a", "a b", "a,b", "a/b", "a:b", "é", "a\n", strings.Repeat("x", 65)} {
		_, err := domain.ParseAgentID(s)
		requireInvalid(t, err, "agent_id_invalid")
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"default", "Vision Lab"[:6], "프로젝트", "a/b:c*", strings.Repeat("x", 255)} {
		require.NoError(t, domain.CheckName("project", s), s)
	}
	for _, s := range []string{"", " ", "a b", "a\tb", "a\x00", "\x7f", "a\xff", strings.Repeat("x", 256)} {
		err := domain.CheckName("project", s)
		requireInvalid(t, err, "name_invalid")
		require.Equal(t, "project", domain.OnOf(err))
	}
}

// What cannot be seen cannot be told apart, and U+009B begins an escape
// sequence like ESC does.
func TestNamesAndAliasesArePrintableBeyondASCII(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a\u00a0b", "a\u0085b", "a\u2028b", "a\u3000b", "a\u009b2Jb", "a\u200bb", "a\u202eb"} {
		assert.ErrorIs(t, domain.CheckName("project", s), domain.ErrInvalid, "%+q", s)
		_, err := domain.ParseAlias(s)
		assert.ErrorIs(t, err, domain.ErrInvalid, "%+q", s)
	}
}

func TestQuoteLetsNoControlCharacterThrough(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"a"`, domain.Quote("a"))
	require.Equal(t, `"\x1b[2J"`, domain.Quote("\x1b[2J"))
	require.Equal(t, `"파이썬"`, domain.Quote("파이썬"))
	long := domain.Quote(strings.Repeat("é", 100))
	require.True(t, strings.HasSuffix(long, `"…`))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		quoted := domain.Quote(s)
		require.LessOrEqual(t, len(quoted), 128*10+5)
		for _, r := range quoted {
			require.False(t, r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0, "%q", quoted)
		}
	})
}
