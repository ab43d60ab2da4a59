package porttest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *builderRun) dockerfiles() {
	if !r.h.Dockerfiles {
		_, err := r.builder.Build(r.Context(), r.request("1", r.folder("FROM scratch\n", nil)), nil)
		requireCoded(r, err, domain.CodePrecondition, "build_unsupported")
		return
	}
	const dockerfile = "FROM scratch\nCOPY content /content\nLABEL from=file\n"
	files := map[string]string{"content": "a"}
	for tag, s := range map[string]domain.BuildSource{
		"folder": r.folder(dockerfile, files), "tar": r.archive(dockerfile, files, false), "gz": r.archive(dockerfile, files, true),
	} {
		out := r.build(tag, s)
		require.Equal(r, out.Digest, r.find(tag), tag)
		require.Positive(r, out.SizeBytes)
	}
}

func (r *builderRun) noSource() {
	if !r.h.Dockerfiles {
		r.Skip("it builds from templates")
	}
	missing := filepath.Join(r.TempDir(), "missing")
	for _, kind := range []domain.BuildSourceType{domain.BuildFromDirectory, domain.BuildFromTarball} {
		_, err := r.builder.Build(r.Context(), r.request("1", domain.BuildSource{Type: kind, Path: missing}), nil)
		requireCoded(r, err, domain.CodeNotFound, "build_source_not_found")
		require.NotContains(r, domain.MessageOf(err), filepath.Dir(missing), "where sources are is the server's business")
	}
	_, err := r.builder.Build(r.Context(), r.request("1", domain.BuildSource{Type: domain.BuildFromDirectory, Path: r.TempDir()}), nil)
	requireCoded(r, err, domain.CodePrecondition, "build_failed")
	require.Empty(r, r.find("1"))
}

// folder makes a source of a folder.
func (r *builderRun) folder(dockerfile string, files map[string]string) domain.BuildSource {
	r.Helper()
	dir := r.TempDir()
	require.NoError(r, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	for name, content := range files {
		require.NoError(r, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return domain.BuildSource{Type: domain.BuildFromDirectory, Path: dir}
}

// archive makes a source of a tar archive.
func (r *builderRun) archive(dockerfile string, files map[string]string, compressed bool) domain.BuildSource {
	r.Helper()
	var raw, small bytes.Buffer
	w := tar.NewWriter(&raw)
	add := func(name, content string) {
		require.NoError(r, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
		_, err := w.Write([]byte(content))
		require.NoError(r, err)
	}
	add("Dockerfile", dockerfile)
	for name, content := range files {
		add(name, content)
	}
	require.NoError(r, w.Close())
	z := gzip.NewWriter(&small)
	_, err := z.Write(raw.Bytes())
	require.NoError(r, err)
	require.NoError(r, z.Close())
	file, content := filepath.Join(r.TempDir(), "source"), raw.Bytes()
	if compressed {
		content = small.Bytes()
	}
	require.NoError(r, os.WriteFile(file, content, 0o600))
	return domain.BuildSource{Type: domain.BuildFromTarball, Path: file}
}
