//go:build !unix || solaris || aix

package broker

import (
	"errors"
	"os"
)

// tryLock fails where flock is missing: without it two processes would serve
// one directory. A cluster of its own works there.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
