package bench_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// As people get it, and without waiting for the disk: as the others do.
const (
	ours     = "wharf"
	unsynced = "wharf-unsynced"
)

// mover is a tool that pushes an OCI layout and pulls into one.
type mover struct {
	name string
	push func(host, dir, remote string) []string
	pull func(host, remote, dir string) []string
}

// findMovers builds or finds the tools, and names those that are not there.
func findMovers(t *testing.T) (found []mover, missing []string) {
	t.Helper()
	bin := t.TempDir()
	build := func(program string) string {
		path := filepath.Join(bin, filepath.Base(program))
		out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, program).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	mine, crane := build("github.com/wharf-project/wharf/tests/bench/mover"), build("github.com/google/go-containerregistry/cmd/crane")
	found = []mover{{ours,
		func(_, dir, remote string) []string { return []string{mine, "push", "oci:" + dir, "1", remote} },
		func(_, remote, dir string) []string { return []string{mine, "fetch", "oci:" + dir, "app:1", remote} },
	}, {unsynced,
		func(_, dir, remote string) []string { return []string{mine, "push", "oci:" + dir, "1", remote} },
		func(_, remote, dir string) []string {
			return []string{mine, "fetch-unsynced", "oci:" + dir, "app:1", remote}
		},
	}, {"crane",
		func(_, dir, remote string) []string { return []string{crane, "push", "--insecure", dir, remote} },
		func(_, remote, dir string) []string {
			return []string{crane, "pull", "--insecure", "--format=oci", remote, dir}
		},
	}}
	if skopeo, err := exec.LookPath("skopeo"); err == nil {
		found = append(found, mover{"skopeo",
			func(_, dir, remote string) []string {
				return []string{skopeo, "--insecure-policy", "copy", "--dest-tls-verify=false", "oci:" + dir + ":1", "docker://" + remote}
			},
			func(_, remote, dir string) []string {
				return []string{skopeo, "--insecure-policy", "copy", "--src-tls-verify=false", "docker://" + remote, "oci:" + dir + ":1"}
			}})
	} else {
		missing = append(missing, "skopeo (apt-get install skopeo)")
	}
	if regctl, err := buildRegctl(t); err == nil {
		copied := func(host, from, to string) []string {
			return []string{regctl, "--host", "reg=" + host + ",tls=disabled", "image", "copy", from, to}
		}
		found = append(found, mover{"regctl",
			func(host, dir, remote string) []string { return copied(host, "ocidir://"+dir+":1", remote) },
			func(host, remote, dir string) []string { return copied(host, remote, "ocidir://"+dir+":1") },
		})
	} else {
		missing = append(missing, "regctl: "+err.Error())
	}
	return found, missing
}

// buildRegctl builds in a module of its own, outside of this one.
func buildRegctl(t *testing.T) (string, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module bench\n\ngo 1.26\n"), 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "install", "github.com/regclient/regclient/cmd/regctl@v0.11.7")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return filepath.Join(dir, "regctl"), nil
}

// transferImage is a layout with one image, tagged 1.
type transferImage struct {
	dir      string
	manifest string // hexadecimal
}

// writeImage makes an image of layers that are compressed and cannot be made
// smaller: as nobody compresses again, all move the same bytes.
func writeImage(t *testing.T, dir string, layers, size int) transferImage {
	t.Helper()
	blobs := filepath.Join(dir, "blobs", "sha256")
	require.NoError(t, os.MkdirAll(blobs, 0o755))
	put := func(raw string) (digest string) {
		sum := sha256.Sum256([]byte(raw))
		digest = hex.EncodeToString(sum[:])
		require.NoError(t, os.WriteFile(filepath.Join(blobs, digest), []byte(raw), 0o644))
		return digest
	}
	var descriptors, diffs []string
	for range layers {
		f, err := os.CreateTemp(blobs, "layer-*")
		require.NoError(t, err)
		packed, plain := sha256.New(), sha256.New()
		z, err := gzip.NewWriterLevel(io.MultiWriter(f, packed), gzip.NoCompression)
		require.NoError(t, err)
		var seed [32]byte
		for i := range seed {
			seed[i] = byte(rand.Uint32())
		}
		_, err = io.CopyN(io.MultiWriter(z, plain), rand.NewChaCha8(seed), int64(size))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		info, err := f.Stat()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		digest := hex.EncodeToString(packed.Sum(nil))
		require.NoError(t, os.Rename(f.Name(), filepath.Join(blobs, digest)))
		descriptors = append(descriptors, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%d}`, digest, info.Size()))
		diffs = append(diffs, fmt.Sprintf(`"sha256:%x"`, plain.Sum(nil)))
	}
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}`, strings.Join(diffs, ","))
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[%s]}`,
		put(config), len(config), strings.Join(descriptors, ","))
	digest := put(manifest)
	index := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"1"}}]}`, digest, len(manifest))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644))
	return transferImage{dir, digest}
}
