//go:build unix

package containers

import (
	"os"
	"syscall"
)

// suspend stops a process without ending it; resume lets it go on.
func suspend(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
