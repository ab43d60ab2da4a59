//go:build unix && !solaris && !aix

package transfer

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock of an open file. It belongs to this opening of the
// file, not to the process, and ends with it, also by a crash.
func tryLock(f *os.File, share bool) (bool, error) {
	how := syscall.LOCK_EX
	if share {
		how = syscall.LOCK_SH
	}
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
