package ocilayout

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A slow download is not a stalled one.
func TestStallWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, w := watch(context.Background(), time.Minute)
		b := &body{ReadCloser: io.NopCloser(strings.NewReader("abc")), ctx: context.Background(), watch: w}
		for range 3 {
			time.Sleep(40 * time.Second)
			_, err := b.Read(make([]byte, 1))
			require.NoError(t, err)
		}
		time.Sleep(59 * time.Second)
		require.NoError(t, ctx.Err())
		time.Sleep(2 * time.Second)
		require.ErrorIs(t, ctx.Err(), context.Canceled)
		require.NoError(t, b.Close())
	})
}
