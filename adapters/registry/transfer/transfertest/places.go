package transfertest

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

const (
	refName        = "org.opencontainers.image.ref.name"
	containerdName = "io.containerd.image.name"
)

// PutLayout adds content to an OCI layout, under a whole name.
func PutLayout(tb testing.TB, dir, called string, c Content) {
	tb.Helper()
	p, err := layout.FromPath(dir)
	if err != nil {
		p, err = layout.Write(dir, empty.Index)
		require.NoError(tb, err)
	}
	as := layout.WithAnnotations(map[string]string{containerdName: called, refName: called})
	switch c := c.(type) {
	case v1.Image:
		require.NoError(tb, p.AppendImage(c, as))
	case v1.ImageIndex:
		require.NoError(tb, p.AppendIndex(c, as))
	}
}

// NamesOfLayout tells what the names of a layout stand for.
func NamesOfLayout(tb testing.TB, dir string) map[string]domain.Digest {
	tb.Helper()
	names := map[string]domain.Digest{}
	p, err := layout.FromPath(dir)
	if errors.Is(err, os.ErrNotExist) {
		return names
	}
	require.NoError(tb, err)
	idx, err := p.ImageIndex()
	require.NoError(tb, err)
	manifest, err := idx.IndexManifest()
	require.NoError(tb, err)
	for _, m := range manifest.Manifests {
		n := m.Annotations[containerdName]
		require.NotContains(tb, names, n, "a name is there once")
		names[n] = domain.Digest(m.Digest.String())
	}
	return names
}

// Pack makes an archive of a directory, and Unpack a directory of an archive.
func Pack(tb testing.TB, dir, file string) {
	tb.Helper()
	f, err := os.Create(file)
	require.NoError(tb, err)
	w := tar.NewWriter(f)
	require.NoError(tb, w.AddFS(os.DirFS(dir)))
	require.NoError(tb, errors.Join(w.Close(), f.Close()))
}

// Unpack makes a directory of an archive; nothing when there is none.
func Unpack(tb testing.TB, file, dir string) {
	tb.Helper()
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	require.NoError(tb, err)
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(tb, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		to := filepath.Join(dir, filepath.Clean("/"+h.Name))
		require.NoError(tb, os.MkdirAll(filepath.Dir(to), 0o755))
		raw, err := io.ReadAll(r)
		require.NoError(tb, err)
		require.NoError(tb, os.WriteFile(to, raw, 0o644))
	}
}

// Publish puts content into a registry that speaks plain HTTP at host.
func Publish(tb testing.TB, host string, r domain.Reference, c Content) {
	tb.Helper()
	ref, err := name.NewTag(host+"/"+r.Path+":"+r.Tag, name.Insecure)
	require.NoError(tb, err)
	switch c := c.(type) {
	case v1.Image:
		require.NoError(tb, remote.Write(ref, c, remote.WithContext(tb.Context())))
	case v1.ImageIndex:
		require.NoError(tb, remote.WriteIndex(ref, c, remote.WithContext(tb.Context())))
	}
}

// Tagged tells what a tag of a registry stands for, and reads all that is behind
// it; zero for nothing.
func Tagged(tb testing.TB, host string, r domain.Reference) porttest.LocalContent {
	tb.Helper()
	ref, err := name.NewTag(host+"/"+r.Path+":"+r.Tag, name.Insecure)
	require.NoError(tb, err)
	d, err := remote.Get(ref, remote.WithContext(tb.Context()))
	if err != nil {
		return porttest.LocalContent{}
	}
	c := porttest.LocalContent{Digest: domain.Digest(d.Digest.String())}
	read := func(img v1.Image) {
		config, err := img.ConfigName()
		require.NoError(tb, err)
		c.Configs = append(c.Configs, domain.Digest(config.String()))
		layers, err := img.Layers()
		require.NoError(tb, err)
		for _, l := range layers {
			content, err := l.Compressed()
			require.NoError(tb, err)
			_, err = io.Copy(io.Discard, content) // verifies
			require.NoError(tb, errors.Join(err, content.Close()))
		}
	}
	if !d.MediaType.IsIndex() {
		img, err := d.Image()
		require.NoError(tb, err)
		read(img)
		return c
	}
	idx, err := d.ImageIndex()
	require.NoError(tb, err)
	manifest, err := idx.IndexManifest()
	require.NoError(tb, err)
	for _, m := range manifest.Manifests {
		img, err := idx.Image(m.Digest)
		require.NoError(tb, err)
		read(img)
	}
	return c
}
