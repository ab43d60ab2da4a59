//go:build unix && !solaris && !aix

package ocilayout_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
)

func TestLockThatIsHeldElsewhere(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	f, err := os.OpenFile(filepath.Join(dir, ".wharf", "lock"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error, 2)
	for range cap(done) { // one waits for the file, the other for its turn
		go func() {
			_, err := a.Inventory(ctx)
			done <- err
		}()
	}
	for range cap(done) {
		fails(t, <-done, domain.CodeTimeout, "timeout")
	}
	go func() {
		_, err := a.Inventory(t.Context())
		done <- err
	}()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_UN))
	require.NoError(t, <-done)
}
