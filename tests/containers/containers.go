package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

const (
	startTimeout = 90 * time.Second
	stopTimeout  = 30 * time.Second

	maxTries = 2
)

var (
	// errUnavailable marks errors that say "not on this machine", as opposed to "broken".
	errUnavailable = errors.New("containers: not available")

	errInterrupted = errors.New("containers: preparation was interrupted")
)

// Required reports whether a missing engine fails a test instead of skipping it: REQUIRE_CONTAINERS=1.
func Required() bool { return os.Getenv("REQUIRE_CONTAINERS") == "1" }

// Main runs the tests of a package and then removes what they shared. Every package that uses Postgres calls it:
//
//	func TestMain(m *testing.M) { os.Exit(containers.Main(m)) }
//
// What a killed process leaves behind is removed by the next one.
func Main(m *testing.M) int {
	code := m.Run()
	if err := shutdown(); err != nil {
		fmt.Fprintln(os.Stderr, "containers: cleaning up:", err)
	}
	return code
}

// Docker returns the address of the Docker Engine that testcontainers uses, such as unix:///var/run/docker.sock.
func Docker(tb testing.TB) (host string) {
	tb.Helper()
	cli, err := engine()
	if err != nil {
		giveUp(tb, err)
	}
	return cli.DaemonHost()
}

// giveUp ends a test that cannot have its engine.
func giveUp(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, errUnavailable) && !Required() {
		tb.Skipf("skipped (REQUIRE_CONTAINERS=1 makes this a failure): %v", err)
	}
	tb.Fatal(err)
}

// lazy is a value that is made on first use and kept. A failure is tried again, but not by every test in turn.
type lazy[T any] struct {
	mu    sync.Mutex
	tries int
	value T
	err   error
}

func (l *lazy[T]) get(create func() (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tries == 0 || (l.err != nil && l.tries < maxTries) {
		l.tries++
		l.err = errInterrupted // stays when create ends its goroutine, as t.FailNow does
		l.value, l.err = create()
	}
	return l.value, l.err
}

// start runs a container and waits until it is ready.
func start(
	img *image, progress Progress, opts ...testcontainers.ContainerCustomizer,
) (*testcontainers.DockerContainer, error) {
	ref, err := img.reference(progress)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := testcontainers.Run(ctx, ref, append(opts, testcontainers.WithLabels(ownerLabels()))...)
	if err != nil {
		err = fmt.Errorf("containers: starting %s from %s: %w%s", img.name, ref, err, lastWords(c))
		return nil, errors.Join(err, terminate(c))
	}
	return c, nil
}

// terminate kills instead of asking: nothing in these containers is worth saving.
func terminate(c *testcontainers.DockerContainer) error {
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return testcontainers.TerminateContainer(c, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0))
}

// lastWords returns the end of a container's log.
func lastWords(c *testcontainers.DockerContainer) string {
	if c == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	r, err := c.Logs(ctx)
	if err != nil {
		return ""
	}
	defer r.Close()
	b, _ := io.ReadAll(r)
	return "\n" + string(b[max(0, len(b)-4000):])
}

var (
	exitMu    sync.Mutex
	exitHooks []func() error
)

// atExit registers what Main does after the tests.
func atExit(f func() error) {
	exitMu.Lock()
	defer exitMu.Unlock()
	exitHooks = append(exitHooks, f)
}

// shutdown runs the hooks, the last registered first.
func shutdown() error {
	exitMu.Lock()
	defer exitMu.Unlock()
	var errs []error
	for i := len(exitHooks) - 1; i >= 0; i-- {
		errs = append(errs, exitHooks[i]())
	}
	exitHooks = nil
	return errors.Join(errs...)
}
