package bench_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

func TestMain(m *testing.M) {
	if !nodesInstead() && !serverInstead() {
		os.Exit(containers.Main(m))
	}
}

// startDistribution runs distribution v3 as a process of its own and returns
// its host.
func startDistribution(tb testing.TB) string {
	tb.Helper()
	binary := containers.DistributionBinary(tb)
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	host := l.Addr().String()
	require.NoError(tb, l.Close())
	dir := tb.TempDir()
	config := filepath.Join(dir, "config.yml")
	require.NoError(tb, os.WriteFile(config, fmt.Appendf(nil, `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %q, maxthreads: 100}, delete: {enabled: true}}
http: {addr: %q}
`, filepath.Join(dir, "data"), host), 0o600))
	cmd := exec.Command(binary, "serve", config) //nolint:gosec // built by this project
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/v2/", nil)
		require.NoError(tb, err)
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			return host
		}
		require.NoError(tb, ctx.Err(), "distribution does not answer")
	}
}

// sample is repositories of published images: tags each, for two architectures.
func sample(repositories, tags int) []kernels.Image {
	legal := kernels.Legal()
	var list []kernels.Image
	for r := range repositories {
		for t := range tags {
			k := legal[(r*tags+t)%len(legal)]
			list = append(list, kernels.Image{
				Repository: fmt.Sprintf("team/r%03d", r), Tag: fmt.Sprintf("%d-%s", t, k.Tag), Labels: k.Labels,
				Architectures: []string{"amd64", "arm64"},
			})
		}
	}
	return list
}

func push(tb testing.TB, host string, images []kernels.Image) {
	tb.Helper()
	require.NoError(tb, kernels.Push(tb.Context(), host, images))
}
