package fleet_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
)

func TestTokens(t *testing.T) {
	for id, want := range map[domain.AgentID]string{
		"node1": "node1", "gpu-01_A": "gpu-01_A", "gpu01.example.org": "gpu01~2Eexample~2Eorg", "a..b": "a~2E~2Eb",
	} {
		require.Equal(t, want, fleet.Token(id))
		back, ok := fleet.AgentOf(want)
		require.True(t, ok)
		require.Equal(t, id, back)
	}
	for _, foreign := range []string{"", "~", "a~", "a~2", "a~2e", "a~61", "~61", "a~2Gb", "a~+Eb", "*", ">", "a.b", "-a", "a~2Ab", "ä", strings.Repeat("a", 65)} {
		_, ok := fleet.AgentOf(foreign)
		require.False(t, ok, foreign)
	}
}

// Whatever an id is, its permissions are for one node.
func TestPermissionsAreOfOneNode(t *testing.T) {
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[a-z.~*> 2E]{0,5}`), rapid.String()).Draw(t, "id")
		token := fleet.Token(domain.AgentID(id))
		require.True(t, server.IsValidLiteralSubject(token))
		require.NotContains(t, token, ".")
		if was, ok := seen[token]; ok {
			require.Equal(t, was, id, "two ids, one token")
		}
		seen[token] = id
		publish, subscribe := fleet.Permissions(domain.AgentID(id))
		require.Equal(t, []string{"wharf.beat." + token, "wharf.reply." + token + ".>"}, publish)
		require.Equal(t, []string{"wharf.ask." + token + ".*", "wharf.note." + token}, subscribe)
	})
}
