package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheStoryComesOutAsTold(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), t.TempDir(), &out)
	require.NoError(t, err, out.String())
	require.Contains(t, out.String(), "each checked")
}
