package porttest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// engineFake is what the suites need of a fake engine, with a fault or without.
type engineFake interface {
	port.Agent
	port.Builder
	port.Containers
	port.Committer
	Run(name string, running bool, labels ...map[string]string) (domain.Container, bool)
	Find(name string) (domain.Digest, map[string]string)
}

func builderHarness(wrap func(*porttest.Engine) engineFake) porttest.BuilderHarness {
	return porttest.BuilderHarness{
		New:    func(testing.TB) port.Builder { return wrap(porttest.NewEngine(nil)) },
		Prefix: "cr.example.org/team/",
		Find: func(_ testing.TB, b port.Builder, name string) (domain.Digest, map[string]string) {
			return b.(engineFake).Find(name)
		},
		Broken: func(testing.TB) domain.BuildSource {
			return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{
				BaseImage: "python:3", Requirements: []string{porttest.BrokenRequirement},
			}}
		},
		Use: func(tb testing.TB, b port.Builder, name string) {
			tb.Helper()
			_, ok := b.(engineFake).Run(name, false)
			require.True(tb, ok)
		},
		Dockerfiles: true,
	}
}

func containersHarness(wrap func(*porttest.Engine) engineFake) porttest.ContainersHarness {
	return porttest.ContainersHarness{
		New: func(testing.TB) port.Containers { return wrap(porttest.NewEngine(nil)) },
		Run: func(tb testing.TB, c port.Containers, image string, running bool) domain.Container {
			tb.Helper()
			return runEngine(tb, c.(engineFake), image, nil, running)
		},
	}
}

func committerHarness(wrap func(*porttest.Engine) engineFake) porttest.CommitterHarness {
	return porttest.CommitterHarness{
		New:    func(testing.TB) port.Committer { return wrap(porttest.NewEngine(nil)) },
		Prefix: "cr.example.org/team/",
		Run: func(tb testing.TB, c port.Committer, labels map[string]string) string {
			tb.Helper()
			return runEngine(tb, c.(engineFake), "base", labels, true).ID
		},
		Runs: func(tb testing.TB, c port.Committer, id string) bool {
			tb.Helper()
			e := c.(engineFake)
			image, _ := e.Find("base")
			list, err := e.Containers(tb.Context(), image)
			require.NoError(tb, err)
			return len(list) == 1 && list[0].ID == id && list[0].Running
		},
		Find: func(_ testing.TB, c port.Committer, name string) (domain.Digest, map[string]string) {
			return c.(engineFake).Find(name)
		},
	}
}

// runEngine builds an image whose content is its name and runs it.
func runEngine(tb testing.TB, e engineFake, image string, labels map[string]string, running bool) domain.Container {
	tb.Helper()
	_, err := e.Build(tb.Context(), domain.BuildRequest{Name: image, Labels: labels, Source: domain.BuildSource{
		Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: "scratch", Files: map[string]string{"name": image}},
	}}, nil)
	require.NoError(tb, err)
	c, ok := e.Run(image, running)
	require.True(tb, ok)
	return c
}

func TestEngine(t *testing.T) {
	plain := func(e *porttest.Engine) engineFake { return e }
	t.Run("builds", func(t *testing.T) { porttest.RunBuilder(t, builderHarness(plain)) })
	t.Run("has containers", func(t *testing.T) { porttest.RunContainers(t, containersHarness(plain)) })
	t.Run("commits", func(t *testing.T) { porttest.RunCommitter(t, committerHarness(plain)) })
}

// What an engine builds is in its inventory, with who uses it, and hooks see its
// operations.
func TestEngineIsAnAgent(t *testing.T) {
	e := porttest.NewEngine(nil)
	a, err := porttest.OpenEngines(map[domain.AgentID]*porttest.Engine{"node1": e})(t.Context(), domain.Agent{ID: "node1"})
	require.NoError(t, err)
	_, err = porttest.OpenEngines(nil)(t.Context(), domain.Agent{ID: "node1"})
	require.ErrorIs(t, err, domain.ErrUnavailable)

	c := runEngine(t, e, "cr.example.org/team/tool:1", nil, false)
	inventory, err := a.Inventory(t.Context())
	require.NoError(t, err)
	require.Len(t, inventory.Images, 1)
	require.Equal(t, []string{c.Name}, inventory.Images[0].Containers)
	require.Equal(t, c.Image, inventory.Images[0].Digest)
	require.NoError(t, e.RemoveContainer(t.Context(), c.ID))
	_, err = a.Remove(t.Context(), domain.RemoveRequest{Canonical: "cr.example.org/team/tool:1", Architecture: "amd64"})
	require.NoError(t, err)
	_, ok := e.Run("cr.example.org/team/tool:1", true)
	require.False(t, ok)

	e.SetHook(func(_ context.Context, op, key string) error {
		return domain.Errorf(domain.CodeUnavailable, "agent_unavailable", key, "%s", op)
	})
	for op, call := range map[string]func() error{
		porttest.OpBuild: func() error {
			_, err := e.Build(t.Context(), domain.BuildRequest{Name: "a", Source: domain.BuildSource{
				Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: "scratch"},
			}}, nil)
			return err
		},
		porttest.OpUntag:           func() error { return e.Untag(t.Context(), "a") },
		porttest.OpContainers:      func() error { _, err := e.Containers(t.Context()); return err },
		porttest.OpContainer:       func() error { _, err := e.Container(t.Context(), "c1"); return err },
		porttest.OpStopContainer:   func() error { return e.StopContainer(t.Context(), "c1") },
		porttest.OpRemoveContainer: func() error { return e.RemoveContainer(t.Context(), "c1") },
		porttest.OpCommit: func() error {
			_, err := e.Commit(t.Context(), domain.CommitRequest{Container: "c1", Name: "a"}, nil)
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, domain.ErrUnavailable)
		require.Equal(t, op, domain.MessageOf(err))
	}
}
