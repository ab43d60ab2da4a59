package transfertest

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// Content is an image or an index.
type Content interface {
	partial.WithRawManifest
	Digest() (v1.Hash, error)
	MediaType() (types.MediaType, error)
	Size() (int64, error)
}

// Make makes an image, or an index of several architectures, and says what it
// is. Each image has a layer that is its own and one that depends on the words
// only, both real archives that an engine can unpack.
func Make(tb testing.TB, i porttest.LocalImage) (Content, porttest.LocalContent) {
	tb.Helper()
	var want porttest.LocalContent
	var images []v1.Image
	for _, arch := range i.Architectures {
		img := Image(tb, arch, map[string]string{"words": i.Content}, map[string]string{"own": i.Content + " " + arch})
		config, err := img.ConfigName()
		require.NoError(tb, err)
		want.Configs = append(want.Configs, domain.Digest(config.String()))
		images = append(images, img)
	}
	var made Content = images[0]
	if len(images) > 1 {
		idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
		for n, img := range images {
			architecture, variant := domain.OCIPlatform(i.Architectures[n])
			idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
				Platform: &v1.Platform{OS: "linux", Architecture: architecture, Variant: variant},
			}})
		}
		made = idx
	}
	d, err := made.Digest()
	require.NoError(tb, err)
	want.Digest = domain.Digest(d.String())
	return made, want
}

// Image makes one image with a layer for each set of files.
func Image(tb testing.TB, arch string, layers ...map[string]string) v1.Image {
	tb.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, files := range layers {
		raw := Tar(tb, files)
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }, tarball.WithMediaType(types.OCILayer))
		require.NoError(tb, err)
		img, err = mutate.AppendLayers(img, layer)
		require.NoError(tb, err)
	}
	cfg, err := img.ConfigFile()
	require.NoError(tb, err)
	cfg = cfg.DeepCopy()
	cfg.OS = "linux"
	cfg.Architecture, cfg.Variant = domain.OCIPlatform(arch)
	cfg.Config.Cmd = []string{"/words"}
	img, err = mutate.ConfigFile(img, cfg)
	require.NoError(tb, err)
	return img
}

// Tar makes an archive of files.
func Tar(tb testing.TB, files map[string]string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(tb, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := io.WriteString(w, files[name])
		require.NoError(tb, err)
	}
	require.NoError(tb, w.Close())
	return b.Bytes()
}
