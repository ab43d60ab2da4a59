//go:build unix && !solaris && !aix

package ocilayout

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock of an open file. It belongs to this opening
// of the file, not to the process, and ends with it, also by a crash.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
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
