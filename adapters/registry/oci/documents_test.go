package oci_test

import (
	"fmt"
	"io"
	"log"

	"github.com/wharf-project/wharf/domain"
)

const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// manifest is an image manifest of two layers, 700 bytes with the configuration.
// More is put in before its end.
func manifest(config domain.Digest, more string) string {
	return manifestOf(ociConfig, config, "application/vnd.oci.image.layer.v1.tar+gzip", more)
}

func manifestOf(configType string, config domain.Digest, layerType, more string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":%q,"size":100,"digest":%q},
		"layers":[{"mediaType":%q,"size":200,"digest":%q},{"mediaType":%q,"size":400,"digest":%q}]%s}`,
		configType, config, layerType, digestOf("layer 1"), layerType, digestOf("layer 2"), more)
}

// entry is an entry of an index.
func entry(mediaType string, digest domain.Digest, more string) string {
	return fmt.Sprintf(`{"mediaType":%q,"size":1,"digest":%q%s}`, mediaType, digest, more)
}

func platform(os, architecture, variant string) string {
	return fmt.Sprintf(`,"platform":{"os":%q,"architecture":%q,"variant":%q}`, os, architecture, variant)
}
