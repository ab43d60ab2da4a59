package transfer_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

func builderAt(tb testing.TB, dir string) port.Builder {
	tb.Helper()
	b, ok := open(tb, "oci:"+dir, transfer.Options{}).(port.Builder)
	require.True(tb, ok, "a layout can build")
	return b
}

func request(base string) domain.BuildRequest {
	return domain.BuildRequest{
		Name: "built:1", Architecture: "amd64", Labels: map[string]string{"who": "me"},
		Source: domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{
			BaseImage: base, Files: map[string]string{"main.py": "print()", "lib/a.py": "a"}, Command: []string{"python", "main.py"},
		}},
	}
}

// imageAt is the image of a name in a layout.
func imageAt(tb testing.TB, dir, name string) v1.Image {
	tb.Helper()
	d, found := transfertest.NamesOfLayout(tb, dir)[name]
	require.True(tb, found, name)
	h, err := v1.NewHash(d.String())
	require.NoError(tb, err)
	img, err := layout.Path(dir).Image(h)
	require.NoError(tb, err)
	return img
}

func TestABuildPutsFilesOnItsBase(t *testing.T) {
	r := record(t)
	base := transfertest.Image(t, "x86_64", map[string]string{"etc/base": "1"})
	transfertest.Publish(t, r.host, r.ref("team/base", "1"), base)
	row := transfertest.Row(r.host)
	var digests []domain.Digest
	for _, dir := range []string{t.TempDir(), t.TempDir()} {
		q := request(r.ref("team/base", "1").Canonical())
		q.Base = &row
		var said int
		out, err := builderAt(t, dir).Build(t.Context(), q, func(e domain.TransferEvent) {
			if e.Kind == domain.TransferBuild {
				said++
			}
		})
		require.NoError(t, err)
		require.Equal(t, 2, said)
		digests = append(digests, out.Digest)

		img := imageAt(t, dir, "docker.io/library/built:1")
		require.NoError(t, validate.Image(img))
		require.Equal(t, sizeOf(t, img), out.SizeBytes)
		config, err := img.ConfigName()
		require.NoError(t, err)
		require.Equal(t, out.Digest.String(), config.String())
		cfg, err := img.ConfigFile()
		require.NoError(t, err)
		require.Equal(t, []string{"python", "main.py"}, cfg.Config.Cmd)
		require.Equal(t, "/app", cfg.Config.WorkingDir)
		require.Equal(t, map[string]string{"who": "me"}, cfg.Config.Labels)
		require.Equal(t, "amd64", cfg.Architecture)
		layers, err := img.Layers()
		require.NoError(t, err)
		require.Len(t, layers, 2)
		require.Equal(t, map[string]string{"app/": "", "app/lib/": "", "app/lib/a.py": "a", "app/main.py": "print()"}, filesOf(t, layers[1]))
	}
	require.Equal(t, digests[0], digests[1], "the same input, the same digest")
}

func filesOf(tb testing.TB, l v1.Layer) map[string]string {
	tb.Helper()
	content, err := l.Compressed()
	require.NoError(tb, err)
	defer content.Close()
	z, err := gzip.NewReader(content)
	require.NoError(tb, err)
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(tb, err)
		raw, err := io.ReadAll(r)
		require.NoError(tb, err)
		files[h.Name] = string(raw)
	}
}

func TestABuildFromScratchReplacesAndUntagRemoves(t *testing.T) {
	dir := t.TempDir()
	b := builderAt(t, dir)
	first, err := b.Build(t.Context(), request("scratch"), nil)
	require.NoError(t, err)
	changed := request("scratch")
	changed.Source.Template.Files = map[string]string{"main.py": "other"}
	second, err := b.Build(t.Context(), changed, nil)
	require.NoError(t, err)
	require.NotEqual(t, first.Digest, second.Digest)
	require.Len(t, transfertest.NamesOfLayout(t, dir), 1)

	kept := request("scratch")
	kept.Name = "kept:1"
	_, err = b.Build(t.Context(), kept, nil)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, b.Untag(t.Context(), "built:1"), "one that is gone is nil")
	}
	require.Equal(t, []string{"docker.io/library/kept:1"}, slices.Collect(maps.Keys(transfertest.NamesOfLayout(t, dir))))
	require.NoError(t, validate.Image(imageAt(t, dir, "docker.io/library/kept:1")))
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(t, err)
	require.Len(t, blobs, 3, "manifest, configuration and layer of what is kept")
}

func TestWhatIsNotBuilt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*domain.BuildRequest)
		code   domain.Code
		reason string
	}{
		"a folder": {func(r *domain.BuildRequest) {
			r.Source = domain.BuildSource{Type: domain.BuildFromDirectory, Path: "/x"}
		}, domain.CodePrecondition, "build_unsupported"},
		"a tarball":    {func(r *domain.BuildRequest) { r.Source = domain.BuildSource{Type: domain.BuildFromTarball, Path: "/x"} }, domain.CodePrecondition, "build_unsupported"},
		"requirements": {func(r *domain.BuildRequest) { r.Source.Template.Requirements = []string{"numpy"} }, domain.CodePrecondition, "build_unsupported"},
		"no template":  {func(r *domain.BuildRequest) { r.Source.Template = nil }, domain.CodeInvalid, "template_invalid"},
		"a way out":    {func(r *domain.BuildRequest) { r.Source.Template.Files = map[string]string{"../etc/x": ""} }, domain.CodeInvalid, "template_invalid"},
		"a root":       {func(r *domain.BuildRequest) { r.Source.Template.Files = map[string]string{"/etc/x": ""} }, domain.CodeInvalid, "template_invalid"},
		"a clash":      {func(r *domain.BuildRequest) { r.Source.Template.Files = map[string]string{"a": "", "a/b": ""} }, domain.CodeInvalid, "template_invalid"},
		"no base":      {func(r *domain.BuildRequest) { r.Source.Template.BaseImage = "no-such:1" }, domain.CodeNotFound, "image_not_found"},
		"no name":      {func(r *domain.BuildRequest) { r.Name = "" }, domain.CodeInvalid, "reference_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := request("scratch")
			c.change(&r)
			_, err := builderAt(t, dir).Build(t.Context(), r, nil)
			requireCode(t, err, c.code, c.reason)
			require.Empty(t, transfertest.NamesOfLayout(t, dir))
		})
	}
}
