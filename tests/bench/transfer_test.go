package bench_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// TestTransfer compares pushes and pulls of whole images with the tools that
// people use: make bench-transfer. Every tool is a process for each image, four
// at once; each run has an empty registry, and the order of the tools changes
// from run to run.
func TestTransfer(t *testing.T) {
	if os.Getenv("WHARF_BENCH_TRANSFER") == "" {
		t.Skip("make bench-transfer")
	}
	size, layers := number("WHARF_BENCH_MIB", 1024), number("WHARF_BENCH_LAYERS", 40)
	images, runs := number("WHARF_BENCH_IMAGES", 200), number("WHARF_BENCH_RUNS", 5)
	movers, missing := findMovers(t)
	large := []transferImage{writeImage(t, filepath.Join(t.TempDir(), "large"), layers, size<<20/layers)}
	var small []transferImage
	dir := t.TempDir()
	for n := range images {
		small = append(small, writeImage(t, filepath.Join(dir, strconv.Itoa(n)), 2, 16<<10))
	}
	for _, c := range []struct {
		name   string
		images []transferImage
	}{
		{fmt.Sprintf("%d MiB in %d layers", size, layers), large},
		{fmt.Sprintf("%d images of 2 layers of 16 KiB", images), small},
	} {
		pushes, pulls := map[string][]time.Duration{}, map[string][]time.Duration{}
		for n := range runs {
			order := slices.Clone(movers)
			order = append(order[n%len(order):], order[:n%len(order)]...)
			for _, m := range order {
				require.True(t, t.Run(fmt.Sprintf("%s/%d/%s", c.name, n, m.name), func(t *testing.T) {
					push, pull := measure(t, m, c.images)
					pushes[m.name], pulls[m.name] = append(pushes[m.name], push), append(pulls[m.name], pull)
				}))
			}
		}
		report(t, c.name+", push", pushes)
		report(t, c.name+", pull", pulls)
	}
	for _, m := range missing {
		t.Logf("missing: %s", m)
	}
}

// measure pushes the images to an empty registry and pulls them again.
func measure(t *testing.T, m mover, images []transferImage) (push, pull time.Duration) {
	t.Helper()
	host, to := startDistribution(t), t.TempDir()
	each := func(command func(n int, i transferImage) []string) time.Duration {
		_ = exec.CommandContext(t.Context(), "sync").Run() // nobody pays for who came before
		started := time.Now()
		group, ctx := errgroup.WithContext(t.Context())
		group.SetLimit(4)
		for n, i := range images {
			args := command(n, i)
			group.Go(func() error { return runMover(ctx, args) })
		}
		require.NoError(t, group.Wait())
		return time.Since(started)
	}
	remote := func(n int) string { return fmt.Sprintf("%s/bench/r%d:1", host, n) }
	push = each(func(n int, i transferImage) []string { return m.push(host, i.dir, remote(n)) })
	pull = each(func(n int, _ transferImage) []string {
		return m.pull(host, remote(n), filepath.Join(to, strconv.Itoa(n)))
	})
	for n, i := range images {
		_, err := os.Stat(filepath.Join(to, strconv.Itoa(n), "blobs", "sha256", i.manifest))
		require.NoError(t, err, "%s brings the image back", m.name)
	}
	return push, pull
}

func runMover(ctx context.Context, args []string) error {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func report(t *testing.T, what string, times map[string][]time.Duration) {
	t.Helper()
	median := map[string]time.Duration{}
	var names []string
	for name, list := range times {
		slices.Sort(list)
		median[name] = list[len(list)/2]
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(median[a], median[b]) })
	var lines []string
	fastest := time.Duration(0)
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("%s %s (%s-%s)", name, median[name].Round(time.Millisecond),
			times[name][0].Round(time.Millisecond), times[name][len(times[name])-1].Round(time.Millisecond)))
		if name != ours && name != unsynced && fastest == 0 {
			fastest = median[name]
		}
	}
	ratio := "no peer"
	if fastest > 0 {
		ratio = fmt.Sprintf("%.2f of the fastest peer's speed, unsynced %.2f", fastest.Seconds()/median[ours].Seconds(), fastest.Seconds()/median[unsynced].Seconds())
	}
	t.Logf("%s: %s; %s", what, ratio, strings.Join(lines, ", "))
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}
