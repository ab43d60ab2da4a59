package transfer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// workDir is where the files of a template go.
const workDir = "/app"

// layerOf makes a layer of files, the same bytes for the same files; nil for
// none. Errors: invalid, reason template_invalid, on a path that leads out of
// the working directory or cannot be a file.
func layerOf(files map[string]string) ([]byte, error) {
	if len(files) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	made := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		clean := path.Clean(name)
		if name == "" || clean == "." || path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") || strings.HasSuffix(name, "/") || strings.ContainsRune(name, 0) {
			return nil, domain.Invalid("template_invalid", "files", "not a path below the working directory: %s", domain.Quote(name))
		}
		full := path.Join(workDir[1:], clean)
		parts := strings.Split(full, "/")
		for n := 1; n < len(parts); n++ {
			dir := strings.Join(parts[:n], "/") + "/"
			if made[strings.TrimSuffix(dir, "/")] {
				return nil, domain.Invalid("template_invalid", "files", "a file and a folder have one path: %s", domain.Quote(name))
			}
			if made[dir] {
				continue
			}
			made[dir] = true
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: time.Unix(0, 0)}); err != nil {
				return nil, err
			}
		}
		if made[full] || made[full+"/"] {
			return nil, domain.Invalid("template_invalid", "files", "two files have one path: %s", domain.Quote(name))
		}
		made[full] = true
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: full, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(0, 0)}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// fixedLayer is a compressed layer in memory.
type fixedLayer struct {
	raw   []byte
	media types.MediaType
}

// Digest implements v1.Layer, as do the methods below.
func (l *fixedLayer) Digest() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(l.raw))
	return h, err
}

// DiffID is the digest of the content.
func (l *fixedLayer) DiffID() (v1.Hash, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return v1.Hash{}, err
	}
	h, _, err := v1.SHA256(r)
	return h, err
}

// Compressed gives the bytes.
func (l *fixedLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.raw)), nil
}

// Uncompressed gives the content.
func (l *fixedLayer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.raw))
}

// Size is of the bytes.
func (l *fixedLayer) Size() (int64, error) { return int64(len(l.raw)), nil }

// MediaType is that of the base image's layers.
func (l *fixedLayer) MediaType() (types.MediaType, error) { return l.media, nil }
