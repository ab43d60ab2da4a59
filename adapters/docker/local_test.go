package docker_test

import (
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestOpenLocal(t *testing.T) {
	var _ port.OpenLocal = docker.OpenLocal
	f := newFake(t)
	nobody := "unix://" + filepath.Join(t.TempDir(), "none.sock")
	for _, c := range []struct{ host, tls, address, want string }{
		{"unix://" + f.socket, "", "", "image_not_found"},
		{"unix://" + f.socket, "", "docker", "image_not_found"},
		{nobody, "", "docker:unix://" + f.socket, "image_not_found"},
		{nobody, "", "", "engine_unavailable"},
		{"tcp://127.0.0.1:1", "", "", "engine_unavailable"},
		{"", "", "docker:tcp://127.0.0.1:1", "store_invalid"}, // in plain
		{"tcp://127.0.0.1:1", "1", "", "agent_tls"},
		{"nonsense", "", "", "store_invalid"},
		{"tcp://u:hunter2@h:1", "", "", "store_invalid"},
		{"", "", "docker:", "store_invalid"},
		{"", "", "oci:/x", "store_invalid"},
		{"", "", "unix://" + f.socket, "store_invalid"},
	} {
		t.Setenv("DOCKER_HOST", c.host)
		t.Setenv("DOCKER_TLS_VERIFY", c.tls)
		t.Setenv("DOCKER_CERT_PATH", t.TempDir())
		store, err := docker.OpenLocal(t.Context(), c.address)
		if err == nil {
			_, err = store.Push(t.Context(), pushRequest(), nil)
			require.NoError(t, store.(io.Closer).Close())
		} else {
			require.Nil(t, store)
		}
		require.Equal(t, c.want, domain.ReasonOf(err), "%+v: %v", c, err)
		require.NotContains(t, err.Error(), "hunter2")
		if c.want == "engine_unavailable" {
			require.Contains(t, domain.MessageOf(err), "DOCKER_HOST")
		}
	}
}

// One that removes itself, or that somebody else removes.
func TestAContainerThatIsBeingRemoved(t *testing.T) {
	f := newFake(t)
	a := f.open(t).(port.Containers)
	f.answer("DELETE /containers/c1", func(w http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.URL.RawQuery, "without force, and without volumes")
		refuse(w, http.StatusConflict, "removal of container c1 is already in progress")
	})
	f.answer("POST /containers/c1/wait", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]int{"StatusCode": 0}) })
	require.NoError(t, a.RemoveContainer(t.Context(), "c1"))
	f.answer("POST /containers/c1/wait", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "No such container") })
	require.NoError(t, a.RemoveContainer(t.Context(), "c1"))
	f.answer("POST /containers/c1/stop", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	require.NoError(t, a.StopContainer(t.Context(), "c1"), "it does not run")
}

// Podman commits without labels.
func TestACommitWithoutItsLabelsNamesNothing(t *testing.T) {
	f := newFake(t)
	f.works()
	c := f.open(t).(port.Committer)
	r := domain.CommitRequest{Container: "c1", Name: "app:1", Labels: map[string]string{"b": "2"}}
	_, err := c.Commit(t.Context(), r, nil)
	fails(t, err, domain.CodePrecondition, "agent_unsupported")
	require.Empty(t, f.tags())
	require.Equal(t, "DELETE /v1.41/images/"+porttest.DigestOf("committed").String(), lastOf(f.changes()))
	r.Labels = nil
	out, err := c.Commit(t.Context(), r, nil)
	require.NoError(t, err)
	require.Equal(t, domain.CommitOutcome{Digest: porttest.DigestOf("committed"), SizeBytes: 100}, out)
	require.Equal(t, []string{"docker.io/library/app:1"}, f.tags())
}

func lastOf(s []string) string { return s[len(s)-1] }
