package transfer

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
)

// savedImage is one of manifest.json, as docker save writes it.
type savedImage struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// saved reads an archive as docker save writes it. It has no manifests, so they
// are made, with compressed layers: the same ones each time. Until an image is
// chosen its entry has the digest of its configuration.
func (u *unpacked) saved(ctx context.Context) (*content, error) {
	raw, err := u.small("manifest.json", maxIndex)
	if err != nil {
		return nil, err
	}
	var images []savedImage
	if err := json.Unmarshal(raw, &images); err != nil {
		return nil, notAStore(u.on, "manifest.json cannot be read")
	}
	c := &content{on: u.on, readOnly: true}
	byConfig := map[domain.Digest]savedImage{}
	for _, i := range images {
		config, err := u.small(i.Config, maxDocument)
		if err != nil {
			return nil, err
		}
		d := descriptor{MediaType: string(types.DockerManifestSchema2), Digest: sha256Of(config)}
		byConfig[d.Digest] = i
		for _, tag := range i.RepoTags {
			named := d
			named.Annotations = map[string]string{containerdName: tag}
			c.entries = append(c.entries, entry{desc: named})
		}
		if len(i.RepoTags) == 0 {
			c.entries = append(c.entries, entry{desc: d})
		}
	}
	files := map[domain.Digest]string{}
	c.open = func(d domain.Digest) (*os.File, int64, error) {
		name, made := files[d]
		if !made {
			return nil, 0, fs.ErrNotExist
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, err
		}
		info, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, 0, err
		}
		return f, info.Size(), nil
	}
	c.convert = func(d descriptor) (descriptor, error) {
		made, err := u.convert(ctx, byConfig[d.Digest], files)
		made.Annotations = d.Annotations
		return made, storageError(u.on, "convert", err)
	}
	return c, nil
}

// convert makes the manifest of a saved image. What it makes is put into files.
func (u *unpacked) convert(ctx context.Context, i savedImage, files map[domain.Digest]string) (descriptor, error) {
	dir, err := u.tempDir()
	if err != nil {
		return descriptor{}, err
	}
	config, err := u.small(i.Config, maxDocument)
	if err != nil {
		return descriptor{}, err
	}
	var known struct {
		RootFS struct {
			DiffIDs []domain.Digest `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if json.Unmarshal(config, &known) != nil || len(known.RootFS.DiffIDs) != len(i.Layers) {
		return descriptor{}, notAStore(u.on, "the archive has other layers than the configuration of its image names")
	}
	layers := make([]descriptor, len(i.Layers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, name := range i.Layers {
		group.Go(func() (err error) {
			layers[n], err = u.convertLayer(ctx, name, known.RootFS.DiffIDs[n], filepath.Join(dir, fmt.Sprintf("layer-%d", n)))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return descriptor{}, err
	}
	for n, l := range layers {
		files[l.Digest] = filepath.Join(dir, fmt.Sprintf("layer-%d", n))
	}
	put := func(name string, raw []byte) (domain.Digest, error) {
		files[sha256Of(raw)] = filepath.Join(dir, name)
		return sha256Of(raw), os.WriteFile(filepath.Join(dir, name), raw, 0o600)
	}
	configDigest, err := put("config", config)
	if err != nil {
		return descriptor{}, err
	}
	manifest, err := json.Marshal(struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Config        descriptor      `json:"config"`
		Layers        []descriptor    `json:"layers"`
	}{2, types.DockerManifestSchema2, descriptor{MediaType: string(types.DockerConfigJSON), Digest: configDigest, Size: int64(len(config))}, layers})
	if err != nil {
		return descriptor{}, err
	}
	d, err := put("manifest", manifest)
	return descriptor{MediaType: string(types.DockerManifestSchema2), Digest: d, Size: int64(len(manifest))}, err
}

// convertLayer compresses a layer, which has to be the one that the
// configuration names. One that is compressed stays as it is.
func (u *unpacked) convertLayer(ctx context.Context, name string, diffID domain.Digest, to string) (descriptor, error) {
	m, found := u.find(name)
	if !found {
		return descriptor{}, incomplete(diffID)
	}
	f, err := u.open(m)
	if err != nil {
		return descriptor{}, err
	}
	defer func() { _ = f.Close() }()
	from := bufio.NewReaderSize(reading{ctx, io.LimitReader(f, m.size)}, 1<<20)
	magic, _ := from.Peek(4)

	out, err := os.Create(to)
	if err != nil {
		return descriptor{}, err
	}
	defer func() { _ = out.Close() }()
	packed := &tally{w: out, hash: sha256.New()}
	plain := sha256.New()
	d := descriptor{MediaType: string(types.DockerLayer)}
	switch {
	case isGzip(magic):
		// The content is looked at beside, for the digest that the image knows.
		var z *gzip.Reader
		if z, err = gzip.NewReader(io.TeeReader(from, packed)); err == nil {
			_, err = io.Copy(plain, z)
		}
		if err == nil {
			_, err = io.Copy(packed, from)
		}
	case string(magic) == "\x28\xb5\x2f\xfd":
		d.MediaType = string(types.DockerLayer[:len(types.DockerLayer)-len("gzip")]) + "zstd"
		_, err = io.Copy(packed, from)
		plain = nil // the registry and whoever runs it look at it
	default:
		var z *gzip.Writer
		if z, err = gzip.NewWriterLevel(packed, gzip.BestSpeed); err == nil {
			_, err = io.Copy(io.MultiWriter(plain, z), from)
		}
		if err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		return descriptor{}, err
	}
	if plain != nil && domain.Digest("sha256:"+hex.EncodeToString(plain.Sum(nil))) != diffID {
		return descriptor{}, mismatch(diffID)
	}
	d.Digest, d.Size = domain.Digest("sha256:"+hex.EncodeToString(packed.hash.Sum(nil))), packed.n
	return d, nil
}

// tally hashes and counts what is written.
type tally struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (t *tally) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.hash.Write(p[:n])
	t.n += int64(n)
	return n, err
}
