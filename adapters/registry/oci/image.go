package oci

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// image adds the image of a manifest, or skips it. Arch is known from an index,
// else the configuration tells.
func (s *survey) image(ctx context.Context, m document, arch string) error {
	if !isImage(m) {
		s.skip(m.digest, SkipArtifact)
		return nil
	}
	q := query{
		subject: aboutBlob, method: http.MethodGet, path: "/v2/" + s.repo + "/blobs/" + m.Config.Digest.String(),
		scope: scopePull(s.repo), limit: s.client.options.MaxConfigBytes, on: domain.JoinPath(s.client.row.Name, s.repo) + "@" + m.digest.String(),
	}
	size, ok := sizeOf(m)
	if !ok {
		return s.client.malformed(opDescribe, q, "a manifest with impossible sizes")
	}
	a, err := s.client.ask(ctx, q)
	if err == nil && a.saysAbsent() {
		s.skip(m.digest, SkipAbsent)
		return nil
	}
	if err != nil || a.status != http.StatusOK {
		return s.client.translate(ctx, opDescribe, q, a, err)
	}
	if digestOf(m.Config.Digest.Algorithm, a.body).String() != m.Config.Digest.String() {
		return s.client.malformed(opDescribe, q, "a configuration that is not the one of digest %s", m.Config.Digest)
	}
	var cfg config
	if err := json.Unmarshal(a.body, &cfg); err != nil {
		return s.client.malformed(opDescribe, q, "a configuration that cannot be read")
	}
	if arch == "" {
		var reason string
		if arch, reason = s.place(cfg.OS, cfg.Architecture, cfg.Variant); reason != "" {
			s.skip(m.digest, reason)
			return nil
		}
	}
	s.have[arch] = true
	s.result.Images = append(s.result.Images, domain.DescribedImage{
		Architecture: arch, ManifestDigest: m.digest, ConfigDigest: domain.Digest(m.Config.Digest.String()),
		SizeBytes: size, LayersBytes: size - m.Config.Size, Labels: cfg.labels(),
	})
	return nil
}

// isImage tells images from what else registries store as manifests: by the
// type of the artifact, of the configuration, and of the layers (signatures and
// attestations may come with an image's configuration).
func isImage(m document) bool {
	if isArtifactType(m.ArtifactType) || !isConfig(m) {
		return false
	}
	for _, layer := range m.Layers {
		if isLayer(layer.MediaType) {
			return true
		}
	}
	return len(m.Layers) == 0
}

// isConfig tells whether the configuration is an image's. Docker before 2017
// pushed it under types that registries made up.
func isConfig(m document) bool {
	switch t := m.Config.MediaType; t {
	case "":
		return true
	case "application/octet-stream", "application/json", "text/html":
		return m.kind == types.DockerManifestSchema2
	default:
		return t.IsConfig()
	}
}

func isArtifactType(t string) bool {
	mt := types.MediaType(t)
	return t != "" && !mt.IsConfig() && !mt.IsImage()
}

func isLayer(t types.MediaType) bool {
	s := string(t)
	return s == "" || strings.HasPrefix(s, "application/vnd.oci.image.layer.") ||
		strings.HasPrefix(s, "application/vnd.docker.") || strings.Contains(s, "tar")
}

// sizeOf sums the layers and the configuration; false for sizes that no content
// has.
func sizeOf(m document) (int64, bool) {
	total := m.Config.Size
	if total < 0 {
		return 0, false
	}
	for _, layer := range m.Layers {
		if layer.Size < 0 || total > math.MaxInt64-layer.Size {
			return 0, false
		}
		total += layer.Size
	}
	return total, true
}

// config is what is read of an image configuration. All of it may be missing.
type config struct {
	Architecture    string           `json:"architecture"`
	Variant         string           `json:"variant"`
	OS              string           `json:"os"`
	Config          *containerConfig `json:"config"`
	ContainerConfig *containerConfig `json:"container_config"`
}

type containerConfig struct {
	Labels labels `json:"Labels"`
}

// labels returns the labels, never nil; those of container_config, which old
// builders wrote, only when there are no others.
func (c config) labels() map[string]string {
	for _, from := range []*containerConfig{c.Config, c.ContainerConfig} {
		if from != nil && len(from.Labels) > 0 {
			return from.Labels
		}
	}
	return map[string]string{}
}

// labels drops entries that are not text, instead of the whole configuration.
type labels map[string]string

// UnmarshalJSON reads an object; anything else is no labels.
func (l *labels) UnmarshalJSON(data []byte) error {
	*l = nil
	var raw map[string]any
	_ = json.Unmarshal(data, &raw) // stays nil
	for k, v := range raw {
		if text, isText := v.(string); isText {
			if *l == nil {
				*l = labels{}
			}
			(*l)[k] = text
		}
	}
	return nil
}
