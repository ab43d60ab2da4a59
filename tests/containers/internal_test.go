package containers

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://u:p@h:5432/a?sslmode=disable": "postgres://u:p@h:5432/b?sslmode=disable",
		"postgresql://u@h":                        "postgresql://u@h/b",
		"postgres:///a?host=/run/postgresql":      "postgres:///b?host=%2Frun%2Fpostgresql",
		"postgres://h/?dbname=a":                  "postgres://h/b",
		"host=h user=u dbname=a password='x y'":   "host=h user=u dbname=a password='x y' dbname=b",
	} {
		require.Equal(t, want, withDatabase(in, "b"))
	}
}

func TestMergedPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"./":                    ".",
		"./bin/dash":            "usr/bin/dash",
		"./lib/x/libc.so.6":     "usr/lib/x/libc.so.6",
		"lib64/ld.so":           "usr/lib64/ld.so",
		"./usr/lib/x/libpq.so":  "usr/lib/x/libpq.so",
		"./library":             "library",
		"./etc/../../../passwd": "passwd",
	} {
		require.Equal(t, want, mergedPath(in))
	}
}

func TestLazy(t *testing.T) {
	t.Parallel()
	var l lazy[int]
	calls := 0
	fail := func() (int, error) { calls++; return 0, errors.New("no") }
	for range 5 {
		_, err := l.get(fail)
		require.Error(t, err)
	}
	require.Equal(t, maxTries, calls)

	l = lazy[int]{}
	_, err := l.get(fail)
	require.Error(t, err)
	for range 3 {
		v, err := l.get(func() (int, error) { calls++; return 7, nil })
		require.NoError(t, err)
		require.Equal(t, 7, v)
	}
	require.Equal(t, maxTries+2, calls)

	l = lazy[int]{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = l.get(func() (int, error) { runtime.Goexit(); return 0, nil })
	}()
	<-done
	l.tries = maxTries
	_, err = l.get(fail)
	require.ErrorIs(t, err, errInterrupted)
}

// tiny returns a description of an image that exists nowhere, and a counter of how often it was built.
func tiny(t *testing.T, cli client.APIClient, official string) (*image, *atomic.Int32) {
	t.Helper()
	builds := new(atomic.Int32)
	img := &image{
		name:     "tiny",
		official: official,
		local:    "localhost/wharf-test/tiny:" + randomName("t"),
		recipe: func(_ context.Context, dir string, _ Progress) (v1.Image, error) {
			builds.Add(1)
			fs, err := newRootFS(dir)
			if err != nil {
				return nil, err
			}
			return fs.image(v1.Config{})
		},
	}
	t.Cleanup(func() {
		for _, ref := range []string{img.official, img.local} {
			_, _ = cli.ImageRemove(context.WithoutCancel(t.Context()), ref, client.ImageRemoveOptions{})
		}
		_ = os.Remove(lockPath(img.local))
	})
	return img, builds
}

func TestFetchPullsFirst(t *testing.T) {
	t.Parallel()
	host := Registry(t, RegistryOptions{})
	cli, err := engine()
	require.NoError(t, err)
	img, builds := tiny(t, cli, host+"/official/tiny:1")
	content, err := random.Image(256, 1)
	require.NoError(t, err)
	tag, err := name.NewTag(img.official)
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, content))

	ref, err := img.fetch(t.Context(), cli, t.Logf)
	require.NoError(t, err)
	require.Equal(t, img.official, ref)
	require.Zero(t, builds.Load())
}

func TestFetchDoesNotWaitForASilentRegistry(t *testing.T) {
	t.Parallel()
	Docker(t)
	cli, err := engine()
	require.NoError(t, err)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	img, builds := tiny(t, cli, silent.Addr().String()+"/official/tiny:1")

	began := time.Now()
	ref, err := img.fetch(t.Context(), cli, t.Logf)
	require.NoError(t, err)
	require.Equal(t, img.local, ref)
	require.EqualValues(t, 1, builds.Load())
	require.Less(t, time.Since(began), 3*firstContact)
}

// Two processes differ from two goroutines only in what this test does not use: the memory of what is known.
func TestFetchBuildsOnce(t *testing.T) {
	t.Parallel()
	Docker(t)
	cli, err := engine()
	require.NoError(t, err)
	img, builds := tiny(t, cli, "127.0.0.1:1/official/tiny:1")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			ref, err := img.fetch(t.Context(), cli, t.Logf)
			if err != nil || ref != img.local {
				t.Errorf("got %q, %v", ref, err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, builds.Load())
}

func TestRemoveLeftovers(t *testing.T) {
	t.Parallel()
	Docker(t)
	cli, err := engine()
	require.NoError(t, err)
	ref, err := registryV3Image.reference(t.Logf)
	if err != nil {
		giveUp(t, err)
	}
	dead := exec.Command("true")
	require.NoError(t, dead.Run())
	create := func(labels map[string]string) string {
		c, err := cli.ContainerCreate(t.Context(), client.ContainerCreateOptions{
			Config: &container.Config{Image: ref, Labels: labels},
		})
		require.NoError(t, err)
		return c.ID
	}
	mine := create(ownerLabels())
	orphan := create(map[string]string{labelHost: ownerHost(), labelPID: strconv.Itoa(dead.Process.Pid)})
	foreign := create(map[string]string{labelHost: "elsewhere", labelPID: strconv.Itoa(dead.Process.Pid)})
	t.Cleanup(func() {
		for _, id := range []string{mine, foreign} {
			_, err := cli.ContainerRemove(context.WithoutCancel(t.Context()), id, client.ContainerRemoveOptions{})
			require.NoError(t, err)
		}
	})

	removeLeftovers(t.Context(), cli)
	_, err = cli.ContainerInspect(t.Context(), orphan, client.ContainerInspectOptions{})
	require.ErrorContains(t, err, "No such container")
	for _, id := range []string{mine, foreign} {
		_, err = cli.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
		require.NoError(t, err)
	}
}
