package containers_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

func TestMain(m *testing.M) { os.Exit(containers.Main(m)) }

// again runs one test of this binary in a process with another environment, and returns what it printed.
func again(t *testing.T, test string, env ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), append(env, "WHARF_TEST_AGAIN=1")...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// onlyAgain skips a test that is meant for again.
func onlyAgain(t *testing.T) {
	t.Helper()
	if os.Getenv("WHARF_TEST_AGAIN") == "" {
		t.Skip("runs in a process of its own only")
	}
}

func TestAgainEverything(t *testing.T) {
	onlyAgain(t)
	t.Run("docker", func(t *testing.T) { containers.Docker(t) })
	t.Run("postgres", func(t *testing.T) { containers.Postgres(t) })
	t.Run("template", func(t *testing.T) { containers.PostgresTemplate(t, "none", nil) })
	t.Run("v3", func(t *testing.T) { containers.Registry(t, containers.RegistryOptions{}) })
	t.Run("v2", func(t *testing.T) {
		containers.Registry(t, containers.RegistryOptions{Version: containers.DockerRegistry2})
	})
}

func TestWithoutEngine(t *testing.T) {
	t.Parallel()
	nowhere := []string{
		"DOCKER_HOST=unix:///nonexistent/docker.sock",
		containers.EnvPostgresDSN + "=", containers.EnvRegistryV2 + "=", containers.EnvRegistryV3 + "=",
	}
	for required, verdict := range map[string]string{"": "SKIP", "0": "SKIP", "1": "FAIL"} {
		t.Run(fmt.Sprintf("REQUIRE_CONTAINERS=%s is %s", required, verdict), func(t *testing.T) {
			t.Parallel()
			out, err := again(t, "TestAgainEverything", append(nowhere, "REQUIRE_CONTAINERS="+required)...)
			require.Equal(t, verdict == "FAIL", err != nil, out)
			require.Equal(t, 5, strings.Count(out, "    --- "+verdict), out)
			require.Contains(t, out, ".ci/docker.sh")
		})
	}
}

func TestRegistryFromEnvironment(t *testing.T) {
	t.Setenv(containers.EnvRegistryV3, "v3.example:5000")
	t.Setenv(containers.EnvRegistryV2, "v2.example:5000")
	require.Equal(t, "v3.example:5000", containers.Registry(t, containers.RegistryOptions{Delete: true}))
	require.Equal(t, "v2.example:5000",
		containers.Registry(t, containers.RegistryOptions{Version: containers.DockerRegistry2, Delete: true}))
}

func TestPostgresFromEnvironment(t *testing.T) {
	t.Parallel()
	out, err := again(t, "TestPostgres(Template)?", "DOCKER_HOST=unix:///nonexistent/docker.sock",
		containers.EnvPostgresDSN+"="+containers.Postgres(t))
	require.NoError(t, err, out)
	require.Contains(t, out, "--- PASS: TestPostgresTemplate")

	out, err = again(t, "TestPostgres", "REQUIRE_CONTAINERS=", containers.EnvPostgresDSN+"=postgres://127.0.0.1:1/none")
	require.Error(t, err, "a server that was named but does not answer must not pass for a skip")
	require.Contains(t, out, "connecting to Postgres")
}

func TestMainRemovesWhatItsTestsShared(t *testing.T) {
	t.Parallel()
	out, err := again(t, "TestAgainPostgresContainer", containers.EnvPostgresDSN+"=")
	require.NoError(t, err, out)
	_, dsn, ok := strings.Cut(out, "DSN=")
	if !ok {
		t.Skip("no engine: " + out)
	}
	dsn, _, _ = strings.Cut(dsn, "\n")
	_, err = open(t, dsn).Conn(t.Context())
	require.Error(t, err)
}

func TestAgainPostgresContainer(t *testing.T) {
	onlyAgain(t)
	t.Log("DSN=" + containers.Postgres(t))
}

func TestDistributionBinary(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), containers.DistributionBinary(t), "--version").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "distribution/v3")
}

func TestBuildIsIdempotent(t *testing.T) {
	containers.Docker(t)
	for range 2 {
		require.NoError(t, containers.Build(func(format string, args ...any) { t.Logf(format, args...) }))
	}
}
