//go:build unix && !solaris && !aix

package broker

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock of an open file. The kernel lets it go with
// the process, however that ends.
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
