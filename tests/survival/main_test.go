package survival_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

const (
	asRole = "WHARF_TEST_ROLE" // what the test binary is, when it is not the tests
	asSpec = "WHARF_TEST_SPEC"
	soak   = "WHARF_TEST_SOAK"
	seeded = "WHARF_TEST_SEED"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(asRole); name != "" {
		os.Exit(play(name, os.Getenv(asSpec)))
	}
	flag.Parse()
	// They wait more than they compute: as many at once as there are processors would take ten minutes.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(containers.Main(m))
}

// role is what a process is started for.
type role interface {
	role() string
	run(ctx context.Context, log *slog.Logger) error
}

// play is the whole life of a process that is not the tests.
func play(name, spec string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the test holds the other end: a test that is killed takes its processes with it
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	what := map[string]role{(&job{}).role(): &job{}, (&station{}).role(): &station{}}[name]
	err := json.Unmarshal([]byte(spec), what)
	if err == nil {
		err = what.run(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		return 1
	}
	return 0
}

// choices are random and can be repeated.
func choices(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if s := os.Getenv(seeded); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d", seeded, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// sized is a number for every run, and another for long ones. Short runs, and
// those under the race detector, make do with a fifth.
func sized(usual, long int) int {
	switch {
	case os.Getenv(soak) != "":
		return long
	case testing.Short() || raced:
		return usual / 5
	}
	return usual
}
