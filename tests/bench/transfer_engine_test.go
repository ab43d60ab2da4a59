package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
)

// engineMover pushes an image of the engine, and pulls one into it. Both are the
// engine's work: what is compared is what is done around it.
type engineMover struct {
	name string
	push func(ctx context.Context, local, remote string) error
	pull func(ctx context.Context, local, remote string) error
}

func engineMovers(t *testing.T) []engineMover {
	t.Helper()
	store, err := docker.OpenLocal(t.Context(), "")
	require.NoError(t, err)
	row := func(remote string) (domain.Reference, domain.Registry) {
		ref, err := domain.ParseReference(remote)
		require.NoError(t, err)
		return ref, domain.Registry{Name: ref.Registry, URL: "http://" + ref.Registry, Type: domain.RegistryOCI}
	}
	return []engineMover{{ours,
		func(ctx context.Context, local, remote string) error {
			ref, reg := row(remote)
			_, err := store.Push(ctx, domain.PushRequest{Local: local, Remote: ref, Registry: reg}, nil)
			return err
		},
		func(ctx context.Context, local, remote string) error {
			ref, reg := row(remote)
			_, err := store.Fetch(ctx, domain.FetchRequest{Remote: ref, Registry: reg, Local: local}, nil)
			return err
		},
	}, {"docker",
		func(ctx context.Context, local, remote string) error {
			if err := runMover(ctx, []string{"docker", "tag", local, remote}); err != nil {
				return err
			}
			return runMover(ctx, []string{"docker", "push", "--quiet", remote})
		},
		func(ctx context.Context, local, remote string) error {
			if err := runMover(ctx, []string{"docker", "pull", "--quiet", remote}); err != nil {
				return err
			}
			return runMover(ctx, []string{"docker", "tag", remote, local})
		},
	}}
}

// TestTransferEngine compares pushes from and pulls into an engine with those of
// docker's own command: make bench-transfer.
func TestTransferEngine(t *testing.T) {
	if os.Getenv("WHARF_BENCH_TRANSFER") == "" {
		t.Skip("make bench-transfer")
	}
	size, layers := number("WHARF_BENCH_MIB", 1024), number("WHARF_BENCH_LAYERS", 40)
	images, runs := number("WHARF_BENCH_IMAGES", 200), number("WHARF_BENCH_RUNS", 5)
	movers := engineMovers(t)
	for _, c := range []struct {
		name                 string
		images, layers, size int
	}{
		{fmt.Sprintf("engine, %d MiB in %d layers", size, layers), 1, layers, size << 20 / layers},
		{fmt.Sprintf("engine, %d images of 2 layers of 16 KiB", images), images, 2, 16 << 10},
	} {
		locals := loadImages(t, c.images, c.layers, c.size)
		pushes, pulls := map[string][]time.Duration{}, map[string][]time.Duration{}
		for n := range runs {
			order := slices.Clone(movers)
			order = append(order[n%len(order):], order[:n%len(order)]...)
			for _, m := range order {
				require.True(t, t.Run(fmt.Sprintf("%s/%d/%s", c.name, n, m.name), func(t *testing.T) {
					push, pull := measureEngine(t, m, locals)
					pushes[m.name], pulls[m.name] = append(pushes[m.name], push), append(pulls[m.name], pull)
				}))
			}
		}
		for what, times := range map[string]map[string][]time.Duration{"push": pushes, "pull": pulls} {
			times[unsynced] = times[ours] // the engine decides about that
			report(t, c.name+", "+what, times)
		}
		removeImages(t, locals...)
	}
}

// loadImages gives the engine images of random layers and returns their names.
func loadImages(t *testing.T, images, layers, size int) []string {
	t.Helper()
	var names []string
	for n := range images {
		local := fmt.Sprintf("wharf-bench-%d:1", n)
		img, err := random.Image(int64(size), int64(layers))
		require.NoError(t, err)
		config, err := img.ConfigFile()
		require.NoError(t, err)
		config.OS, config.Architecture = "linux", "amd64"
		img, err = mutate.ConfigFile(img, config)
		require.NoError(t, err)
		tag, err := name.NewTag(local)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "image.tar")
		require.NoError(t, tarball.WriteToFile(file, tag, img))
		require.NoError(t, runMover(t.Context(), []string{"docker", "load", "--quiet", "--input", file}))
		require.NoError(t, os.Remove(file))
		names = append(names, local)
	}
	t.Cleanup(func() { removeImages(t, names...) })
	return names
}

func removeImages(t *testing.T, names ...string) {
	t.Helper()
	_ = exec.CommandContext(context.WithoutCancel(t.Context()), "docker", append([]string{"rmi", "--force"}, names...)...).Run() // those that are there
}

// measureEngine pushes the images to an empty registry, and pulls them when the
// engine has them no more.
func measureEngine(t *testing.T, m engineMover, locals []string) (push, pull time.Duration) {
	t.Helper()
	host := startDistribution(t)
	remotes, saved := make([]string, len(locals)), filepath.Join(t.TempDir(), "saved.tar")
	for i := range locals {
		remotes[i] = host + "/bench/r" + strconv.Itoa(i) + ":1"
	}
	each := func(do func(ctx context.Context, local, remote string) error) time.Duration {
		_ = exec.CommandContext(t.Context(), "sync").Run()
		started := time.Now()
		group, ctx := errgroup.WithContext(t.Context())
		group.SetLimit(4)
		for i := range locals {
			group.Go(func() error { return do(ctx, locals[i], remotes[i]) })
		}
		require.NoError(t, group.Wait())
		return time.Since(started)
	}
	push = each(m.push)
	require.NoError(t, runMover(t.Context(), append([]string{"docker", "save", "--output", saved}, locals...)))
	removeImages(t, slices.Concat(locals, remotes)...)
	pull = each(m.pull)
	removeImages(t, slices.Concat(locals, remotes)...)
	require.NoError(t, runMover(t.Context(), []string{"docker", "load", "--quiet", "--input", saved}))
	return push, pull
}
