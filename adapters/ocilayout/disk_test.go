package ocilayout_test

import (
	"crypto/sha512"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
)

func TestDirectoryThatVanishesDuringAPull(t *testing.T) {
	h, dir := newHub(t), filepath.Join(t.TempDir(), "agent")
	a := open(t, dir, ocilayout.Options{Jobs: 1})
	p := h.one(t, "1", "a")
	h.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if blobOf(r) == sum("content a") {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	_, err := a.Pull(t.Context(), p.Request, nil)
	fails(t, err, domain.CodeUnavailable, "agent_storage")
	require.NoDirExists(t, dir)
}

func TestImageOfAnotherTool(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	p, err := layout.FromPath(dir)
	require.NoError(t, err)
	const canonical = "cr.example.org/app:1"
	for _, content := range []string{"a", "the same name once more"} {
		require.NoError(t, p.AppendImage(imageOf(t, content, "aarch64"), layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": canonical})))
	}
	require.Len(t, inventory(t, a), 1)
	require.Equal(t, "aarch64", inventory(t, a)[0].Architecture, "the config says so when the entry does not")
	pull(t, a, h.one(t, "1", "b"))
	require.Len(t, inventory(t, a), 2)
	_, err = a.Remove(t.Context(), domain.RemoveRequest{Canonical: canonical, Architecture: "amd64"})
	fails(t, err, domain.CodeNotFound, "image_not_found")
	_, err = a.Remove(t.Context(), domain.RemoveRequest{Canonical: canonical, Architecture: "arm64"})
	require.NoError(t, err)
	require.Len(t, inventory(t, a), 1)
	sound(t, dir)
}

func TestOtherAlgorithm(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	sum512 := func(s string) string { return fmt.Sprintf("sha512:%x", sha512.Sum512([]byte(s))) }
	config, layer := `{"os":"linux","architecture":"amd64"}`, "layer"
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
		"config":{"digest":%q,"size":%d},"layers":[{"digest":%q,"size":%d}]}`, sum512(config), len(config), sum512(layer), len(layer))
	served := map[string]string{sum512(config): config, sum512(layer): layer}
	h.set(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") {
			return answer(w, manifest)
		}
		return blobOf(r) != "" && answer(w, served[blobOf(r)])
	})
	request := domain.PullRequest{
		Reference: domain.Reference{Registry: h.host, Path: "app", Tag: "1"}, Architecture: "x86_64",
		Manifest: domain.Digest(sum512(manifest)), Registry: h.row(),
	}
	out, err := a.Pull(t.Context(), request, nil)
	require.NoError(t, err)
	require.EqualValues(t, sum512(config), out.Digest)
	require.EqualValues(t, len(config)+len(layer), out.SizeBytes)
	require.Len(t, inventory(t, a), 1)

	served[sum512(layer)] = "LAYER"
	_, err = a.Remove(t.Context(), domain.RemoveRequest{Canonical: request.Reference.Canonical(), Architecture: "x86_64"})
	require.NoError(t, err)
	_, err = a.Pull(t.Context(), request, nil)
	fails(t, err, domain.CodePrecondition, "digest_mismatch")
}
