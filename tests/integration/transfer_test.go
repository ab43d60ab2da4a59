package integration_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

func TestStoresKeepTheContractOnRealRegistries(t *testing.T) {
	t.Parallel()
	for name, version := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := containers.Registry(t, containers.RegistryOptions{Version: version, Delete: true})
			locked := containers.Registry(t, containers.RegistryOptions{Version: version, Auth: onlyRobot})
			for _, kind := range []string{"oci", "archive"} {
				t.Run(kind, func(t *testing.T) {
					h := transfertest.Harness(host, kind)
					h.Denied = func(_ testing.TB, r domain.Reference) (domain.Reference, domain.Registry) {
						r.Registry = locked
						return r, transfertest.Row(locked)
					}
					// The registry is one for both kinds of store.
					remote := h.Remote
					h.Remote = func(tb testing.TB, repository, tag string) (domain.Reference, domain.Registry) {
						tb.Helper()
						return remote(tb, repository+"/"+kind, tag)
					}
					porttest.RunLocal(t, h)
				})
			}
		})
	}
}

// What one of us and the tools that people use pushes, all the others pull, and
// the digest stays what it was.
func TestTransfersWorkTogetherWithOtherTools(t *testing.T) {
	t.Parallel()
	host := containers.Registry(t, containers.RegistryOptions{Delete: true})
	api, err := client.New(client.WithHost(containers.Docker(t)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = api.Close() })
	words := t.Name() + " " + host
	img, _ := transfertest.Make(t, porttest.LocalImage{Architectures: []string{"x86_64"}, Content: words})
	dir := t.TempDir()
	layout := filepath.Join(dir, "layout")
	transfertest.PutLayout(t, layout, "app:1", img)
	ref := func(tag string) domain.Reference { return domain.Reference{Registry: host, Path: "team/app", Tag: tag} }
	row := transfertest.Row(host)
	want, err := img.Digest()
	require.NoError(t, err)

	push := func(address, local, tag string) domain.PushOutcome {
		t.Helper()
		out, err := transfertest.Open(t, address).Push(t.Context(), domain.PushRequest{Local: local, Remote: ref(tag), Registry: row}, nil)
		require.NoError(t, err)
		return out
	}
	fetch := func(address, tag string) domain.FetchOutcome {
		t.Helper()
		out, err := transfertest.Open(t, address).Fetch(t.Context(), domain.FetchRequest{Local: "app:1", Remote: ref(tag), Registry: row}, nil)
		require.NoError(t, err)
		return out
	}
	ours := push("oci:"+layout, "app:1", "ours")
	require.Equal(t, want.String(), ours.Digest.String())

	t.Run("docker pulls what we pushed", func(t *testing.T) {
		pulled, err := api.ImagePull(t.Context(), ref("ours").Canonical(), client.ImagePullOptions{})
		require.NoError(t, err)
		require.NoError(t, pulled.Wait(t.Context()))
		drop(t, api, ref("ours").Canonical(), ref("docker").Canonical())
		got, err := api.ImageInspect(t.Context(), ref("ours").Canonical())
		require.NoError(t, err)
		require.Contains(t, got.RepoDigests, host+"/team/app@"+want.String())

		_, err = api.ImageTag(t.Context(), client.ImageTagOptions{Source: ref("ours").Canonical(), Target: ref("docker").Canonical()})
		require.NoError(t, err)
		pushed, err := api.ImagePush(t.Context(), ref("docker").Canonical(), client.ImagePushOptions{RegistryAuth: "e30="}) // {}
		require.NoError(t, err)
		require.NoError(t, pushed.Wait(t.Context()))
		out := fetch("archive:"+filepath.Join(dir, "docker.tar"), "docker")
		require.Equal(t, got.ID, out.Config.String(), "we pull what docker pushed")
		require.Equal(t, transfertest.Tagged(t, host, ref("docker")).Digest, out.Digest)

		saved, err := api.ImageSave(t.Context(), []string{ref("docker").Canonical()})
		require.NoError(t, err)
		file := filepath.Join(dir, "saved.tar")
		raw, err := io.ReadAll(saved)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, raw, 0o644))
		push("archive:"+file, ref("docker").Canonical(), "saved")
		require.Equal(t, got.ID, transfertest.Tagged(t, host, ref("saved")).Configs[0].String(), "we push what docker saved")
	})
	t.Run("docker loads what we fetched", func(t *testing.T) {
		file := filepath.Join(dir, "ours.tar")
		out := fetch("archive:"+file, "ours")
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		loaded, err := api.ImageLoad(t.Context(), bytes.NewReader(raw))
		require.NoError(t, err)
		said, err := io.ReadAll(loaded)
		require.NoError(t, err)
		drop(t, api, "docker.io/library/app:1")
		got, err := api.ImageInspect(t.Context(), "docker.io/library/app:1")
		require.NoError(t, err, "%s", said)
		require.Equal(t, out.Config.String(), got.ID)
	})
	t.Run("crane", func(t *testing.T) {
		crane := filepath.Join(t.TempDir(), "crane")
		run(t, "go", "build", "-o", crane, "github.com/google/go-containerregistry/cmd/crane")
		to := filepath.Join(dir, "crane")
		run(t, crane, "pull", "--insecure", "--format=oci", ref("ours").Canonical(), to)
		run(t, crane, "push", "--insecure", to, ref("crane").Canonical())
		require.Equal(t, ours.Digest, fetch("oci:"+layout, "crane").Digest)
		require.Equal(t, ours.Digest, push("oci:"+to, "", "again").Digest)
	})
	t.Run("skopeo", func(t *testing.T) {
		if _, err := exec.LookPath("skopeo"); err != nil {
			t.Skip("skopeo is not installed")
		}
		to := filepath.Join(dir, "skopeo")
		run(t, "skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "docker://"+ref("ours").Canonical(), "oci:"+to+":1")
		require.Equal(t, ours.Digest, push("oci:"+to, "1", "skopeo").Digest)
		run(t, "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "oci-archive:"+filepath.Join(dir, "ours.tar"), "docker://"+ref("archived").Canonical())
		require.Equal(t, ours.Digest, fetch("oci:"+layout, "archived").Digest)
	})
}

// What another repository of the registry has is mounted and not sent.
func TestContentIsMountedFromWhereItCame(t *testing.T) {
	t.Parallel()
	host := containers.Registry(t, containers.RegistryOptions{Delete: true})
	img, err := random.Image(1<<20, 3)
	require.NoError(t, err)
	from := domain.Reference{Registry: host, Path: "team/source", Tag: "1"}
	transfertest.Publish(t, host, from, img)
	l := transfertest.Open(t, "oci:"+t.TempDir())
	_, err = l.Fetch(t.Context(), domain.FetchRequest{Local: "app:1", Remote: from, Registry: transfertest.Row(host)}, nil)
	require.NoError(t, err)
	to := domain.Reference{Registry: host, Path: "team/copy", Tag: "1"}
	var mounted int
	out, err := l.Push(t.Context(), domain.PushRequest{Local: "app:1", Remote: to, Registry: transfertest.Row(host)}, func(e domain.TransferEvent) {
		if e.Status == "mounted" {
			mounted++
		}
	})
	require.NoError(t, err)
	require.Zero(t, out.SentBytes)
	require.Equal(t, 4, mounted, "three layers and the configuration")
	require.Equal(t, transfertest.Tagged(t, host, from), transfertest.Tagged(t, host, to))
}

func drop(t *testing.T, api *client.Client, names ...string) {
	t.Helper()
	t.Cleanup(func() {
		for _, n := range names {
			_, _ = api.ImageRemove(context.WithoutCancel(t.Context()), n, client.ImageRemoveOptions{Force: true, PruneChildren: true})
		}
	})
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
