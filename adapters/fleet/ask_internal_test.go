package fleet

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// A manager that has no time to read does not blame the node.
func TestWhatIsThereIsReadBeforeANodeIsGivenUp(t *testing.T) {
	done, err := json.Marshal(frame{Version: version, Call: "c", Seq: 1, Kind: kindDone})
	require.NoError(t, err)
	for range 200 { // which of the two is seen first is chance
		c := &call{id: "c", wake: make(chan struct{}, 1)}
		c.put(done, false)
		_, err = (&agent{id: "node1", silence: 1}).await(t.Context(), opInventory, c, func(frame) error { return nil })
		require.NoError(t, err)
	}
}
