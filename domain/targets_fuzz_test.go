package domain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// Whatever is read has a canonical form that reads back as the same set, and
// whatever is not says where.
func FuzzTargetAgents(f *testing.F) {
	for _, seed := range []string{
		"*", "a,b", "a, a", "", ",", "a,*", "\x00", strings.Repeat("a,", 100), "gpu-*,!gpu-[^0-3a]", "scaling-group:train-*,!status:offline",
		"!arch:amd64,arch:arm", `label:note="a, \"b\"\\"*,!label:drain`, "label: zone = [é-ü]?", `label:a="=" "`, "label:a==", "group:x", `"`, `a[z-`, "a\xff", "\u00a0a\u00a0",
	} {
		f.Add(seed, "gpu-0", "train-a", "zone", "eu-1")
	}
	f.Add("label:k=*a*b?[a-c]", "", "가", "k", "aab\xffc")
	f.Fuzz(func(t *testing.T, expr, id, group, key, value string) {
		got, err := domain.ParseTargets(expr)
		if err != nil {
			requireBadTargets(t, err)
			require.Zero(t, got)
			message := domain.MessageOf(err)
			require.True(t, utf8.ValidString(message))
			require.NotContains(t, strings.Map(func(r rune) rune {
				if r < ' ' || r == 0x7f {
					return '\n'
				}
				return r
			}, message), "\n", "nothing of the terminal's")
			return
		}
		again, err := domain.ParseTargets(got.String())
		require.NoError(t, err, "%q", got)
		require.Equal(t, got.String(), again.String())
		require.Equal(t, got.IDs(), again.IDs())
		require.Equal(t, got.OnlyIDs(), again.OnlyIDs())

		agents := append(fleet(), domain.Agent{ID: domain.AgentID(id), ScalingGroup: group, Labels: map[string]string{key: value}})
		for _, id := range got.IDs() {
			_, err := domain.ParseAgentID(string(id))
			require.NoError(t, err)
			agents = append(agents, domain.Agent{ID: id})
		}
		for _, a := range agents {
			require.Equal(t, got.Match(a), again.Match(a), "%q: %+v", got, a)
			if got.OnlyIDs() && got.Match(a) {
				require.Contains(t, got.IDs(), a.ID)
			}
		}
		if !strings.Contains(expr, "!") {
			for _, id := range got.IDs() {
				require.True(t, got.Match(domain.Agent{ID: id}))
			}
		}
		without, err := domain.ParseTargets(expr + ",!*")
		if err == nil { // unless that is too long
			for _, a := range agents {
				require.False(t, without.Match(a))
			}
		}
	})
}
