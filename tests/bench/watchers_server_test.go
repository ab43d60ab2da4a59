package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/service"
)

// asServer makes this program a server of the folder that it names, so that its
// clients are no part of what is measured.
const asServer = "WHARF_BENCH_SERVER"

const serverAddress = "server at "

// serverInstead runs the server, when this process is to be it.
func serverInstead() (ran bool) {
	dir := os.Getenv(asServer)
	if dir == "" {
		return false
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started it is done
		stop()
	}()
	cfg := app.Config{Dir: dir, Service: service.Config{Limiter: service.NewLimiter(nil, nil)}}
	if err := app.Serve(ctx, cfg, app.ServerConfig{
		Listen: "127.0.0.1:0", Ready: func(url, _ string) { fmt.Println(serverAddress + url) },
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// ownServer is a server in a process of its own.
type ownServer struct {
	url string
	pid int
}

func startOwnServer(tb testing.TB, dir string) ownServer {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.Command(self) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), asServer+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(tb, err)
	out, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		_ = in.Close()
		require.NoError(tb, cmd.Wait(), "the server ends in order")
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), serverAddress); ok {
			return ownServer{url: url, pid: cmd.Process.Pid}
		}
	}
	require.FailNow(tb, "the server did not start")
	return ownServer{}
}

// memory is what of the server's memory is resident, in bytes: now, and the most
// that ever was.
func (s ownServer) memory(tb testing.TB) (now, peak int64) {
	tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	require.NoError(tb, err)
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		var kib int64
		switch name {
		case "VmRSS", "VmHWM":
			_, err := fmt.Sscan(value, &kib)
			require.NoError(tb, err, line)
		}
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	require.Positive(tb, now)
	return now, peak
}
