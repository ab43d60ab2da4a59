package kernels

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

// Image is one tag to push: several architectures make an index.
type Image struct {
	Repository    string
	Tag           string
	Labels        map[string]string
	Architectures []string // as registries call them; none: amd64
}

// Layer makes a small real layer: a tar archive of one file.
func Layer(path, content string) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(content)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	raw := buf.Bytes()
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
}

// Build makes the image of one architecture: a base layer that all images
// share and a layer of its own.
func (i Image) Build(arch string) (v1.Image, error) {
	base, err := Layer("etc/os-release", "NAME=wharf-sample\n")
	if err != nil {
		return nil, err
	}
	own, err := Layer("etc/image", fmt.Sprintf("%s:%s %s\n", i.Repository, i.Tag, arch))
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), base, own)
	if err != nil {
		return nil, err
	}
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture, cf.Config.Labels = "linux", arch, i.Labels
	return mutate.ConfigFile(img, cf)
}

// Push pushes images to a registry without credentials, eight at a time. Host
// is host:port; plain HTTP is used for loopback.
func Push(ctx context.Context, host string, images []Image) error {
	pusher, err := remote.NewPusher(remote.WithContext(ctx), remote.WithTransport(transport()))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, img := range images {
		g.Go(func() error {
			ref, err := name.NewTag(host+"/"+img.Repository+":"+img.Tag, name.Insecure, name.WeakValidation)
			if err != nil {
				return err
			}
			what, err := img.taggable()
			if err != nil {
				return fmt.Errorf("%s: %w", ref, err)
			}
			if err := pusher.Push(ctx, ref, what); err != nil {
				return fmt.Errorf("%s: %w", ref, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// PushAs pushes one image under several tags, which then share its digest.
func PushAs(ctx context.Context, host string, img Image, tags ...string) error {
	what, err := img.taggable()
	if err != nil {
		return err
	}
	for _, tag := range tags {
		ref, err := name.NewTag(host+"/"+img.Repository+":"+tag, name.Insecure)
		if err != nil {
			return err
		}
		if err := remote.Push(ref, what, remote.WithContext(ctx), remote.WithTransport(transport())); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
	}
	return nil
}

func (i Image) taggable() (remote.Taggable, error) {
	if len(i.Architectures) < 2 {
		arch := "amd64"
		if len(i.Architectures) == 1 {
			arch = i.Architectures[0]
		}
		return i.Build(arch)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range i.Architectures {
		img, err := i.Build(arch)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return index, nil
}

func transport() http.RoundTripper {
	t := remote.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	return t
}
