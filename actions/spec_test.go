package actions_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func TestASpecRequiresItsNameUnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	require.Equal(t, "image.get", actions.Spec{Name: "image.get"}.Requires())
	require.Equal(t, "image.forget", actions.Spec{Name: "image.forget_by_id", Permission: "image.forget"}.Requires())
}

func TestEffectsNameTheirCostClass(t *testing.T) {
	t.Parallel()
	for effect, want := range map[actions.Effect]struct {
		name     string
		external bool
	}{
		actions.Read: {"read", false}, actions.Write: {"write", false}, actions.Agent: {"agent", true}, actions.Registry: {"registry", true},
	} {
		require.Equal(t, want.name, effect.String())
		require.Equal(t, want.external, effect.External())
	}
}

func TestARegisteredAgentIsOnlineAndOfThisHostUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	row := actions.RegisterAgentAction{AgentID: "a1"}.Agent()
	require.Equal(t, domain.HostArchitecture(), row.Architecture)
	require.Equal(t, domain.AgentOnline, row.Status)
	require.Equal(t, "arm64", actions.RegisterAgentAction{Architecture: "arm64"}.Agent().Architecture)
}

func TestACreatedRegistryIsGlobalAndSpeaksOCIUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	row := actions.CreateRegistryAction{Name: "cr.example.org"}.Registry()
	require.True(t, row.IsGlobal)
	require.Equal(t, domain.RegistryOCI, row.Type)
	no := false
	require.False(t, actions.CreateRegistryAction{IsGlobal: &no}.Registry().IsGlobal)
	b, err := json.Marshal(row)
	require.NoError(t, err)
	require.Contains(t, string(b), `"domains":[],"projects":[]`)
}

func TestFailuresOfItemsAreErrors(t *testing.T) {
	t.Parallel()
	gone := *domain.ProblemOf(domain.NotFound("image", "python:3.12"))
	purge := actions.AgentError{AgentID: "a1", Image: "python:3.12", Problem: gone}
	require.EqualError(t, purge, "a1: python:3.12: no such image: python:3.12")
	require.ErrorIs(t, purge, domain.ErrNotFound)
	problem, ok := errors.AsType[*domain.Problem](error(purge))
	require.True(t, ok)
	require.Equal(t, "image_not_found", problem.Reason)

	scan := actions.ScanError{On: "cr.example.org", Problem: gone}
	require.EqualError(t, scan, "cr.example.org: no such image: python:3.12")
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(purge))
}

func TestAModifierIsZeroUntilAFieldIsSet(t *testing.T) {
	t.Parallel()
	require.True(t, actions.ImageModifier{}.IsZero())
	for _, field := range []string{
		"name", "registry", "image", "tag", "architecture", "is_local", "size_bytes", "type", "digest", "labels",
		"supported_accelerators", "resource_limits",
	} {
		var m actions.ImageModifier
		require.NoError(t, json.Unmarshal([]byte(`{"`+field+`":null}`), &m))
		require.False(t, m.IsZero(), field)
	}
}
