//go:build !unix

package containers

import (
	"errors"
	"os"
)

// suspend is never reached: engines are started on Linux only.
func suspend(*os.Process) error { return errors.ErrUnsupported }

func resume(*os.Process) error { return errors.ErrUnsupported }
