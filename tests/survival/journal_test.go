package survival_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// longest is how long anything is waited for.
const longest = 60 * time.Second

// journal is what processes began to work on, in the order of their words.
type journal struct {
	mu        sync.Mutex
	processes int
	lines     []line
	more      chan struct{} // closed and replaced with every line
}

type line struct {
	by  *process
	key string
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

// keep reads what one process says until it is dead and everything is read.
func (j *journal) keep(p *process, r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		j.mu.Lock()
		j.lines = append(j.lines, line{p, s.Text()})
		close(j.more)
		j.more = make(chan struct{})
		j.mu.Unlock()
	}
}

// all returns the lines so far, and what is closed when there are more.
func (j *journal) all() ([]line, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines), j.more
}

// of counts the lines of one process.
func (j *journal) of(p *process) (n int) {
	lines, _ := j.all()
	for _, l := range lines {
		if l.by == p {
			n++
		}
	}
	return n
}

// until waits for lines that are enough, or for the time to be over, and
// reports whether they were.
func (j *journal) until(within time.Duration, enough func([]line) bool) bool {
	over := time.After(within)
	for {
		lines, more := j.all()
		if enough(lines) {
			return true
		}
		select {
		case <-more:
		case <-over:
			return false
		}
	}
}

// began waits until a process began that many items.
func (j *journal) began(t *testing.T, p *process, items int) {
	t.Helper()
	require.True(t, j.until(longest, func([]line) bool { return j.of(p) >= items }), "it works on %d items only", j.of(p))
}

// process is a manager or a node: the test binary, started again.
type process struct {
	number int // counts those that a journal started, from 1
	cmd    *exec.Cmd
	stdin  io.Closer
	read   chan struct{} // closed when everything it said is in the journal
	log    *bytes.Buffer
}

// start begins a process that the test ends with, if nobody has killed it.
func (j *journal) start(t *testing.T, what role) *process {
	t.Helper()
	spec, err := json.Marshal(what)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	j.mu.Lock()
	j.processes++
	p := &process{number: j.processes, cmd: exec.Command(self), read: make(chan struct{}), log: &bytes.Buffer{}}
	j.mu.Unlock()
	p.cmd.Env = append(os.Environ(), asRole+"="+what.role(), asSpec+"="+string(spec))
	p.cmd.Stderr = p.log
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.read)
		j.keep(p, out)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && p.log.Len() > 0 {
			t.Logf("%s %d: %s", what.role(), p.number, p.log.Bytes()[max(0, p.log.Len()-2000):])
		}
	})
	return p
}

// kill ends the process by SIGKILL and returns when the journal has its last
// words. A second one does nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.read
	_ = p.cmd.Wait()
}
