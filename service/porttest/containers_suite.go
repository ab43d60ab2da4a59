package porttest

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// ContainersHarness is what [RunContainers] needs of an implementation of
// [port.Containers].
type ContainersHarness struct {
	// New returns an agent; it may have containers that are not the suite's.
	New func(tb testing.TB) port.Containers
	// Run makes a container of an image, and the image where it is not there. The
	// image "x/child" is made of the image "x". Containers and images are removed
	// when the test ends.
	Run func(tb testing.TB, c port.Containers, image string, running bool) domain.Container
}

// RunContainers checks the contract of [port.Containers].
func RunContainers(t *testing.T, h ContainersHarness) {
	for _, c := range []struct {
		name string
		test func(*containersRun)
	}{
		{"the containers are those of the images and no others", (*containersRun).exact},
		{"a container that was stopped is there and does not run", (*containersRun).stops},
		{"a container that was removed is gone and no other", (*containersRun).removes},
		{"a container that runs is not removed", (*containersRun).running},
		{"what is gone is stopped and removed", (*containersRun).gone},
		{"removals at the same time agree", (*containersRun).together},
		{"a context that has ended changes nothing at all", (*containersRun).ended},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(&containersRun{T: t, h: h, agent: h.New(t)}) })
	}
}

type containersRun struct {
	*testing.T
	h     ContainersHarness
	agent port.Containers
}

func (r *containersRun) run(image string, running bool) domain.Container {
	r.Helper()
	c := r.h.Run(r, r.agent, image, running)
	require.Equal(r, running, c.Running)
	return c
}

// are checks which containers the images of some have.
func (r *containersRun) are(of []domain.Container, want ...domain.Container) {
	r.Helper()
	var images []domain.Digest
	for _, c := range of {
		images = append(images, c.Image)
	}
	got, err := r.agent.Containers(r.Context(), images...)
	require.NoError(r, err)
	for i, c := range got {
		require.False(r, c.CreatedAt.IsZero(), "it is known when %s was made", c.Name)
		got[i].CreatedAt, got[i].ImageName, got[i].Labels = domain.Container{}.CreatedAt, "", nil
	}
	for i := range want {
		want[i].CreatedAt, want[i].ImageName, want[i].Labels = domain.Container{}.CreatedAt, "", nil
	}
	require.ElementsMatch(r, want, got)
}

func (r *containersRun) exact() {
	a, a2, b, child := r.run("a", true), r.run("a", false), r.run("b", false), r.run("a/child", false)
	require.Equal(r, a.Image, a2.Image)
	require.NotEqual(r, a.Image, child.Image)
	r.are([]domain.Container{a}, a, a2)
	r.are([]domain.Container{child}, child)
	r.are([]domain.Container{a, b}, a, a2, b)
	r.are(nil)
	r.are([]domain.Container{{Image: DigestOf("unknown")}})
}

func (r *containersRun) stops() {
	c, other := r.run("a", true), r.run("a", true)
	for range 2 {
		require.NoError(r, r.agent.StopContainer(r.Context(), c.ID))
		c.Running = false
		r.are([]domain.Container{c}, c, other)
	}
}

func (r *containersRun) removes() {
	c, other, child := r.run("a", false), r.run("a", false), r.run("a/child", true)
	for range 2 {
		require.NoError(r, r.agent.RemoveContainer(r.Context(), c.ID))
		r.are([]domain.Container{c, child}, other, child)
	}
}

func (r *containersRun) running() {
	c := r.run("a", true)
	requireCoded(r, r.agent.RemoveContainer(r.Context(), c.ID), domain.CodeConflict, "container_running")
	r.are([]domain.Container{c}, c)
	require.NoError(r, r.agent.StopContainer(r.Context(), c.ID))
	require.NoError(r, r.agent.RemoveContainer(r.Context(), c.ID))
	r.are([]domain.Container{c})
}

func (r *containersRun) gone() {
	id := DigestOf("no container").Hex()
	require.NoError(r, r.agent.StopContainer(r.Context(), id))
	require.NoError(r, r.agent.RemoveContainer(r.Context(), id))
	for _, hostile := range []string{"", "../images/x", "a?force=1"} {
		requireCoded(r, r.agent.StopContainer(r.Context(), hostile), domain.CodeInvalid, "")
		requireCoded(r, r.agent.RemoveContainer(r.Context(), hostile), domain.CodeInvalid, "")
	}
}

func (r *containersRun) together() {
	c, other := r.run("a", true), r.run("a", false)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := r.agent.StopContainer(r.Context(), c.ID); err != nil {
				r.Errorf("stop %d: %v", i, err)
			}
			if err := r.agent.RemoveContainer(r.Context(), c.ID); err != nil {
				r.Errorf("removal %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	r.are([]domain.Container{c}, other)
}

func (r *containersRun) ended() {
	c, stopped := r.run("a", true), r.run("a", false)
	endedContexts(r.T, func(ctx context.Context, code domain.Code) {
		got, err := r.agent.Containers(ctx, c.Image)
		requireCoded(r, err, code, "")
		require.Empty(r, got, "a list is complete or an error")
		requireCoded(r, r.agent.StopContainer(ctx, c.ID), code, "")
		requireCoded(r, r.agent.RemoveContainer(ctx, stopped.ID), code, "")
	})
	r.are([]domain.Container{c}, c, stopped)
}
