package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// dialCommand returns a dialer whose connections are the standard streams of a
// command: docker's own way through ssh, which needs no port and no forwarding.
func dialCommand(name string, args []string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// A connection outlives the call that needed it first; closing ends it.
		cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...) //nolint:gosec // the operator's command, and arguments that cannot be options
		cmd.WaitDelay = time.Second
		c := &commandConn{cmd: cmd, name: name}
		cmd.Stderr = &c.stderr
		var err error
		if c.in, err = cmd.StdinPipe(); err != nil {
			return nil, err
		}
		if c.out, err = cmd.StdoutPipe(); err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		c.end = sync.OnceFunc(c.stop)
		return c, nil
	}
}

// commandConn is a net.Conn without deadlines: HTTP sets none on connections.
type commandConn struct {
	cmd    *exec.Cmd
	name   string
	in     io.WriteCloser
	out    io.ReadCloser
	stderr tail
	end    func()
}

func (c *commandConn) stop() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // it was killed, and says so
}

// Read implements net.Conn. The end of the command is the end of the connection;
// what the command said is the reason.
func (c *commandConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	return n, c.explain(err)
}

// Write implements net.Conn.
func (c *commandConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.explain(err)
}

func (c *commandConn) explain(err error) error {
	if err == nil {
		return nil
	}
	c.end() // waits for the last words
	said := strings.TrimSpace(c.stderr.String())
	if said == "" {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &commandError{name: c.name, said: said, err: err}
}

// commandError is the end of a command with its last words.
type commandError struct {
	name, said string
	err        error
}

func (e *commandError) Error() string { return e.name + ": " + e.said + ": " + e.err.Error() }
func (e *commandError) Unwrap() error { return e.err }

// Close implements net.Conn.
func (c *commandConn) Close() error {
	c.end()
	return nil
}

// LocalAddr implements net.Conn.
func (c *commandConn) LocalAddr() net.Addr { return commandAddr(c.name) }

// RemoteAddr implements net.Conn.
func (c *commandConn) RemoteAddr() net.Addr { return commandAddr(c.name) }

// SetDeadline implements net.Conn by doing nothing.
func (c *commandConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn by doing nothing.
func (c *commandConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn by doing nothing.
func (c *commandConn) SetWriteDeadline(time.Time) error { return nil }

type commandAddr string

func (commandAddr) Network() string  { return "command" }
func (a commandAddr) String() string { return string(a) }

// tail keeps the last words of a command.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if extra := t.buf.Len() - most; extra > 0 {
		t.buf.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
