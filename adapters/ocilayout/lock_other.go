//go:build !unix || solaris || aix

package ocilayout

import (
	"errors"
	"os"
)

// tryLock fails where flock is missing: without it two managers could tear one
// directory apart.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
