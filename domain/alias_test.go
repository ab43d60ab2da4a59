package domain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestParseAlias(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"py": "py", "  py\t": "py", "파이썬": "파이썬", "team/py:3": "team/py:3", "*": "*",
		strings.Repeat("x", 256):              strings.Repeat("x", 256),
		"01890a5d-ac96-774b-bcce-b302099a805": "01890a5d-ac96-774b-bcce-b302099a805", // one short
	} {
		got, err := domain.ParseAlias(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, s := range []string{
		"", "  ", "a b", "a\tb", "a\x00", "a\x7f", "\xff", "a\nb", strings.Repeat("x", 257),
		"01890a5d-ac96-774b-bcce-b302099a8057", "01890A5D-AC96-774B-BCCE-B302099A8057", " 01890a5d-ac96-774b-bcce-b302099a8057 ",
	} {
		got, err := domain.ParseAlias(s)
		requireInvalid(t, err, "alias_invalid")
		require.Empty(t, got)
	}
}

func FuzzParseAlias(f *testing.F) {
	for _, seed := range []string{"py", " a ", "", "01890A5D-AC96-774B-BCCE-B302099A8057", "a\x00", "\u212a", "docker.io/library/python:3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		alias, err := domain.ParseAlias(text)
		if err != nil {
			requireInvalid(t, err, "alias_invalid")
			require.Empty(t, alias)
			return
		}
		require.NotEmpty(t, alias)
		require.LessOrEqual(t, len(alias), 256)
		again, err := domain.ParseAlias(alias)
		require.NoError(t, err)
		require.Equal(t, alias, again)
		require.False(t, domain.IsID(alias))
		l, err := domain.NewLookup(domain.ReferenceParser{}, alias)
		require.NoError(t, err, "what can be an alias can be looked up")
		require.Equal(t, alias, l.Alias)
	})
}

func FuzzParseAgentID(f *testing.F) {
	for _, seed := range []string{"node-1", "", "-a", "a\n", strings.Repeat("x", 65), "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := domain.ParseAgentID(text)
		if err != nil {
			requireInvalid(t, err, "agent_id_invalid")
			return
		}
		require.Equal(t, text, string(id))
		require.NotContains(t, text, ",", "ids are separated by commas")
		targets, err := domain.ParseTargets(text)
		require.NoError(t, err)
		require.True(t, targets.OnlyIDs())
		require.Equal(t, []domain.AgentID{id}, targets.IDs())
		require.NoError(t, domain.CheckName("agent", text))
	})
}
