package containers

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A broker in a container must be the one that is embedded.
func TestVersionsAreThoseOfTheModule(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	require.Contains(t, string(mod), "github.com/nats-io/nats-server/v2 "+natsVersion)
	require.Contains(t, string(mod), "github.com/Shopify/toxiproxy/v2 "+toxiproxyVersion)
}
