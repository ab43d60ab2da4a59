//go:build !unix || solaris || aix

package transfer

import (
	"errors"
	"os"
)

// tryLock fails where flock is missing: without it two processes could tear one
// store apart.
func tryLock(*os.File, bool) (bool, error) { return false, errors.ErrUnsupported }
