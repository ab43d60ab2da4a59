package porttest

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// CommitterHarness is what [RunCommitter] needs of an implementation of
// [port.Committer].
type CommitterHarness struct {
	// New returns an agent without images whose name begins with Prefix.
	New func(tb testing.TB) port.Committer
	// Prefix is what the names of the suite's images begin with; they are removed
	// when the test ends.
	Prefix string
	// Run starts a container of an image with the labels; it is removed when the
	// test ends.
	Run func(tb testing.TB, c port.Committer, labels map[string]string) (id string)
	// Runs tells whether it still runs.
	Runs func(tb testing.TB, c port.Committer, id string) bool
	// Find returns the configuration of the image that has a name, and its
	// labels; "" when there is none.
	Find func(tb testing.TB, c port.Committer, name string) (domain.Digest, map[string]string)
}

// RunCommitter checks the contract of [port.Committer].
func RunCommitter(t *testing.T, h CommitterHarness) {
	for _, c := range []struct {
		name string
		test func(*committerRun)
	}{
		{"a commit names an image with the labels of both", (*committerRun).commits},
		{"a commit takes over the name", (*committerRun).takesOver},
		{"a container is known with its image and its labels", (*committerRun).knows},
		{"a container that is not there is not_found", (*committerRun).nothing},
		{"commits at the same time agree", (*committerRun).together},
		{"a context that has ended commits nothing", (*committerRun).ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &committerRun{T: t, h: h, agent: h.New(t)}
			r.container = h.Run(t, r.agent, map[string]string{"of.image": "1", "of.both": "image"})
			c.test(r)
		})
	}
}

type committerRun struct {
	*testing.T
	h         CommitterHarness
	agent     port.Committer
	container string
}

func (r *committerRun) request(tag string) domain.CommitRequest {
	return domain.CommitRequest{
		Container: r.container, Name: r.h.Prefix + "saved:" + tag,
		Labels: map[string]string{"of.request": "a 'b' \"c\" $d\nRUN x", "of.both": "request"},
	}
}

func (r *committerRun) find(tag string) domain.Digest {
	r.Helper()
	d, _ := r.h.Find(r, r.agent, r.request(tag).Name)
	return d
}

func (r *committerRun) commits() {
	var events []domain.TransferKind
	request := r.request("1")
	out, err := r.agent.Commit(r.Context(), request, func(e domain.TransferEvent) { events = append(events, e.Kind) })
	require.NoError(r, err)
	require.Equal(r, []domain.TransferKind{domain.TransferCommitStarted, domain.TransferCommitFinished}, events)
	require.Positive(r, out.SizeBytes)
	digest, labels := r.h.Find(r, r.agent, request.Name)
	require.Equal(r, out.Digest, digest)
	require.Equal(r, map[string]string{"of.image": "1", "of.both": "request", "of.request": request.Labels["of.request"]}, labels)
	require.True(r, r.h.Runs(r, r.agent, r.container), "the container goes on")
}

func (r *committerRun) takesOver() {
	one, err := r.agent.Commit(r.Context(), r.request("1"), nil)
	require.NoError(r, err)
	other, err := r.agent.Commit(r.Context(), r.request("2"), nil)
	require.NoError(r, err)
	now, err := r.agent.Commit(r.Context(), r.request("1"), nil)
	require.NoError(r, err)
	require.NotEqual(r, one.Digest, now.Digest)
	require.Equal(r, now.Digest, r.find("1"))
	require.Equal(r, other.Digest, r.find("2"))
}

func (r *committerRun) knows() {
	c, err := r.agent.Container(r.Context(), r.container)
	require.NoError(r, err)
	require.Equal(r, r.container, c.ID)
	require.True(r, c.Running)
	require.False(r, c.CreatedAt.IsZero())
	require.Equal(r, map[string]string{"of.image": "1", "of.both": "image"}, c.Labels)
	image, _ := r.h.Find(r, r.agent, c.ImageName)
	require.Equal(r, image, c.Image)
}

func (r *committerRun) nothing() {
	finished := func(e domain.TransferEvent) {
		if e.Kind == domain.TransferCommitFinished {
			r.Error("nothing was committed")
		}
	}
	request := r.request("1")
	request.Container = DigestOf("no container").Hex()
	_, err := r.agent.Commit(r.Context(), request, finished)
	requireCoded(r, err, domain.CodeNotFound, "container_not_found")
	_, err = r.agent.Container(r.Context(), request.Container)
	requireCoded(r, err, domain.CodeNotFound, "container_not_found")
	request.Container = "../images"
	_, err = r.agent.Commit(r.Context(), request, finished)
	requireCoded(r, err, domain.CodeInvalid, "")
	_, err = r.agent.Container(r.Context(), request.Container)
	requireCoded(r, err, domain.CodeInvalid, "")
	request = r.request("1")
	request.Name += "@" + DigestOf("x").String()
	_, err = r.agent.Commit(r.Context(), request, finished)
	requireCoded(r, err, domain.CodeInvalid, "")
	require.Empty(r, r.find("1"))
}

func (r *committerRun) together() {
	var mu sync.Mutex
	made := map[domain.Digest]bool{}
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			out, err := r.agent.Commit(r.Context(), r.request("1"), nil)
			if err != nil {
				r.Errorf("commit %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			made[out.Digest] = true
		})
	}
	wg.Wait()
	require.True(r, made[r.find("1")], "the name is of one of them")
	require.True(r, r.h.Runs(r, r.agent, r.container))
}

func (r *committerRun) ended() {
	endedContexts(r.T, func(ctx context.Context, code domain.Code) {
		_, err := r.agent.Commit(ctx, r.request("1"), nil)
		requireCoded(r, err, code, "")
		_, err = r.agent.Container(ctx, r.container)
		requireCoded(r, err, code, "")
	})
	require.Empty(r, r.find("1"))
	require.True(r, r.h.Runs(r, r.agent, r.container))
}
