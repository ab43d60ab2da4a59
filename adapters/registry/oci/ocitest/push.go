package ocitest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// Push pushes content to the registry at host, which speaks plain HTTP, and
// returns what port.Registry is to say of it. Options may hold credentials.
func Push(tb testing.TB, host string, c porttest.RegistryContent, options ...remote.Option) domain.Description {
	tb.Helper()
	require.True(tb, c.Index || len(c.Images) == 1, "a plain manifest has one image")
	var content interface {
		remote.Taggable
		Digest() (v1.Hash, error)
	}
	want := domain.Description{}
	if c.Index {
		content = index(tb, c, &want)
	} else {
		content = describe(tb, c.Images[0], image(tb, c.Images[0], c.Docker), &want)
	}
	digest, err := content.Digest()
	require.NoError(tb, err)
	want.Digest = domain.Digest(digest.String())

	repo, err := name.NewRepository(host+"/"+c.Repository, name.Insecure)
	require.NoError(tb, err)
	options = append(options, remote.WithContext(tb.Context()))
	targets := []name.Reference{repo.Digest(digest.String())}
	for _, tag := range c.Tags {
		targets = append(targets, repo.Tag(tag))
	}
	for n, ref := range targets {
		switch t := content.(type) {
		case v1.Image:
			err = remote.Write(ref, t, options...)
		case v1.ImageIndex:
			err = remote.WriteIndex(ref, t, options...)
		}
		require.NoError(tb, err, "pushing %s", targets[n])
	}
	return want
}

// image builds one image: a layer of its content, and a configuration.
func image(tb testing.TB, i porttest.RegistryImage, docker bool) v1.Image {
	tb.Helper()
	manifestType, configType, layerType := types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer
	if docker {
		manifestType, configType, layerType = types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer
	}
	if i.Attestation {
		layerType = "application/vnd.in-toto+json"
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, manifestType), configType)
	img, err := mutate.AppendLayers(base, static.NewLayer([]byte("layer: "+i.Content), layerType))
	require.NoError(tb, err)
	cfg, err := img.ConfigFile()
	require.NoError(tb, err)
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture, cfg.Variant = i.Platform()
	cfg.Config.Labels = i.Labels
	img, err = mutate.ConfigFile(img, cfg)
	require.NoError(tb, err)
	return img
}

// index builds an index of images.
func index(tb testing.TB, c porttest.RegistryContent, want *domain.Description) v1.ImageIndex {
	tb.Helper()
	indexType := types.OCIImageIndex
	if c.Docker {
		indexType = types.DockerManifestList
	}
	idx := mutate.IndexMediaType(empty.Index, indexType)
	for _, i := range c.Images {
		add := mutate.IndexAddendum{Add: describe(tb, i, image(tb, i, c.Docker), want)}
		add.Annotations = i.Annotations
		if !i.NoPlatform {
			os, architecture, variant := i.Platform()
			add.Platform = &v1.Platform{OS: os, Architecture: architecture, Variant: variant}
		}
		idx = mutate.AppendManifests(idx, add)
	}
	return idx
}

// describe adds to want what the port is to say of an image.
func describe(tb testing.TB, i porttest.RegistryImage, img v1.Image, want *domain.Description) v1.Image {
	tb.Helper()
	digest, err := img.Digest()
	require.NoError(tb, err)
	config, err := img.ConfigName()
	require.NoError(tb, err)
	raw, err := img.RawManifest()
	require.NoError(tb, err)
	var manifest v1.Manifest
	require.NoError(tb, json.NewDecoder(bytes.NewReader(raw)).Decode(&manifest))

	os, architecture, variant := i.Platform()
	arch, twice := domain.ArchitectureOf(architecture, variant), false
	for _, d := range want.Images {
		twice = twice || d.Architecture == arch
	}
	if os != "linux" || twice {
		want.Skipped = append(want.Skipped, domain.SkippedManifest{Digest: domain.Digest(digest.String()), Reason: "any"})
		return img
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	want.Images = append(want.Images, domain.DescribedImage{
		Architecture: arch, ManifestDigest: domain.Digest(digest.String()), ConfigDigest: domain.Digest(config.String()),
		SizeBytes: size, LayersBytes: size - manifest.Config.Size, Labels: i.Labels,
	})
	return img
}
