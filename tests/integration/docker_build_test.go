package integration_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// localEngine is the machine's engine as a local store, with a prefix for the
// names of one test: what has it is removed when the test ends.
type localEngine struct {
	api    *client.Client
	store  localStore
	prefix string
}

type localStore interface {
	port.Local
	port.Builder
	port.Containers
	port.Committer
}

func newLocalEngine(t *testing.T) *localEngine {
	t.Helper()
	address := containers.Docker(t)
	store, err := docker.OpenLocal(t.Context(), "docker:"+address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.(io.Closer).Close()) })
	e := &localEngine{store: store.(localStore), prefix: fmt.Sprintf("localhost/wharf-local-%d/", time.Now().UnixNano())}
	e.api, err = client.New(client.WithHost(address))
	require.NoError(t, err)
	t.Cleanup(func() { e.sweep(t); require.NoError(t, e.api.Close()) })
	return e
}

// sweep removes the containers of the test's images, and these.
func (e *localEngine) sweep(tb testing.TB) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	used, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true})
	require.NoError(tb, err)
	for _, c := range used.Items {
		if strings.HasPrefix(c.Image, e.prefix) || strings.HasPrefix(c.Labels["wharf.test"], e.prefix) {
			_, _ = e.api.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true})
		}
	}
	for _, name := range e.names(tb) {
		_, _ = e.api.ImageRemove(ctx, name, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	}
	for _, label := range []string{"org.example.test", "of.image", "of", "wharf.test"} { // those that lost their name
		_, err := e.api.ImagePrune(ctx, client.ImagePruneOptions{Filters: client.Filters{}.Add("dangling", "true").Add("label", label)})
		require.NoError(tb, err)
	}
}

// names are those of the test that the engine has now.
func (e *localEngine) names(tb testing.TB) (names []string) {
	tb.Helper()
	list, err := e.api.ImageList(context.WithoutCancel(tb.Context()), client.ImageListOptions{})
	require.NoError(tb, err)
	for _, i := range list.Items {
		for _, n := range slices.Concat(i.RepoTags, i.RepoDigests) {
			if strings.HasPrefix(n, e.prefix) {
				names = append(names, n)
			}
		}
	}
	return names
}

func (e *localEngine) find(tb testing.TB, name string) (domain.Digest, map[string]string) {
	tb.Helper()
	is, err := e.api.ImageInspect(tb.Context(), name)
	if err != nil {
		return "", nil
	}
	return domain.Digest(is.ID), is.Config.Labels
}

// build builds an image of one file.
func (e *localEngine) build(tb testing.TB, name, content string) domain.BuildOutcome {
	tb.Helper()
	out, err := e.store.Build(tb.Context(), domain.BuildRequest{Name: name, Labels: map[string]string{"wharf.test": e.prefix}, Source: domain.BuildSource{
		Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: "scratch", Files: map[string]string{"content": content}, Command: []string{"/none"}},
	}}, nil)
	require.NoError(tb, err)
	return out
}

// run makes a container, which sleeps if it is to run.
func (e *localEngine) run(tb testing.TB, image string, running bool) (id, name string) {
	tb.Helper()
	made, err := e.api.ContainerCreate(tb.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: image}})
	require.NoError(tb, err)
	if running {
		_, err = e.api.ContainerStart(tb.Context(), made.ID, client.ContainerStartOptions{})
		require.NoError(tb, err)
	}
	is, err := e.api.ContainerInspect(tb.Context(), made.ID, client.ContainerInspectOptions{})
	require.NoError(tb, err)
	return made.ID, strings.TrimPrefix(is.Container.Name, "/")
}

// sleeper is a folder with a program that sleeps, and with a Dockerfile.
func sleeper(tb testing.TB, dockerfile string) domain.BuildSource {
	tb.Helper()
	dir := tb.TempDir()
	src := filepath.Join(tb.TempDir(), "main.go")
	require.NoError(tb, os.WriteFile(src, []byte("package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n"), 0o600))
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-o", filepath.Join(dir, "sleeper"), src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(tb, err, "%s", out)
	require.NoError(tb, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	return domain.BuildSource{Type: domain.BuildFromDirectory, Path: dir}
}

const sleeps = "FROM scratch\nCOPY sleeper /sleeper\nCMD [\"/sleeper\"]\n"

func TestARealEngineBuilds(t *testing.T) {
	e := newLocalEngine(t)
	porttest.RunBuilder(t, porttest.BuilderHarness{
		New: func(tb testing.TB) port.Builder {
			tb.Cleanup(func() { e.sweep(tb) })
			return e.store
		},
		Prefix: e.prefix,
		Find: func(tb testing.TB, _ port.Builder, name string) (domain.Digest, map[string]string) {
			tb.Helper()
			return e.find(tb, name)
		},
		Broken: func(tb testing.TB) domain.BuildSource {
			tb.Helper()
			return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: "scratch", Requirements: []string{"a"}}}
		},
		Use:         func(tb testing.TB, _ port.Builder, name string) { tb.Helper(); e.run(tb, name, false) },
		Dockerfiles: true,
	})
}

func TestARealEngineKnowsItsContainers(t *testing.T) {
	e := newLocalEngine(t)
	source := sleeper(t, sleeps)
	porttest.RunContainers(t, porttest.ContainersHarness{
		New: func(tb testing.TB) port.Containers {
			tb.Cleanup(func() { e.sweep(tb) })
			return e.store
		},
		Run: func(tb testing.TB, _ port.Containers, image string, running bool) domain.Container {
			tb.Helper()
			name, parent := e.prefix+image+":1", e.prefix+strings.TrimSuffix(image, "/child")+":1"
			label := map[string]string{"of": strings.TrimSuffix(image, "/child")}
			_, err := e.store.Build(tb.Context(), domain.BuildRequest{Name: parent, Source: source, Labels: label}, nil)
			require.NoError(tb, err)
			if name != parent {
				_, err := e.store.Build(tb.Context(), domain.BuildRequest{Name: name, Source: domain.BuildSource{
					Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: parent, Files: map[string]string{"child": "1"}},
				}}, nil)
				require.NoError(tb, err)
			}
			c := domain.Container{Running: running}
			c.ID, c.Name = e.run(tb, name, running)
			c.Image, _ = e.find(tb, name)
			return c
		},
	})
}

func TestARealEngineCommits(t *testing.T) {
	e := newLocalEngine(t)
	source := sleeper(t, sleeps)
	porttest.RunCommitter(t, porttest.CommitterHarness{
		New: func(tb testing.TB) port.Committer {
			tb.Cleanup(func() { e.sweep(tb) })
			return e.store
		},
		Prefix: e.prefix,
		Run: func(tb testing.TB, _ port.Committer, labels map[string]string) string {
			tb.Helper()
			_, err := e.store.Build(tb.Context(), domain.BuildRequest{Name: e.prefix + "base:1", Source: source, Labels: labels}, nil)
			require.NoError(tb, err)
			id, _ := e.run(tb, e.prefix+"base:1", true)
			return id
		},
		Runs: func(tb testing.TB, _ port.Committer, id string) bool {
			tb.Helper()
			is, err := e.api.ContainerInspect(tb.Context(), id, client.ContainerInspectOptions{})
			require.NoError(tb, err)
			return is.Container.State.Running && !is.Container.State.Paused
		},
		Find: func(tb testing.TB, _ port.Committer, name string) (domain.Digest, map[string]string) {
			tb.Helper()
			return e.find(tb, name)
		},
	})
}

// The first step works, the second does not: what had the name keeps it, the log
// says why, and no container of a step is left.
func TestARealBuildThatFailsAtItsSecondStep(t *testing.T) {
	e := newLocalEngine(t)
	before := e.build(t, e.prefix+"app:1", "before")
	count := func() int {
		list, err := e.api.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("ancestor", string(before.Digest))})
		require.NoError(t, err)
		return len(list.Items)
	}
	source := sleeper(t, "FROM "+e.prefix+"app:1\nRUN [\"/none\"]\n")
	_, err := e.store.Build(t.Context(), domain.BuildRequest{Name: e.prefix + "app:1", Source: source}, nil)
	requireReason(t, err, domain.CodePrecondition, "build_failed")
	require.Contains(t, domain.MessageOf(err), "Step 2/2")
	require.Contains(t, domain.MessageOf(err), "/none")
	now, _ := e.find(t, e.prefix+"app:1")
	require.Equal(t, before.Digest, now)
	require.Zero(t, count())
	require.Equal(t, []string{e.prefix + "app:1"}, e.names(t))
}
