package porttest

import (
	"cmp"
	"encoding/json"
	"maps"

	"github.com/wharf-project/wharf/domain"
)

// RegistryContent says what to push into a registry. The same content gives the
// same digests.
type RegistryContent struct {
	Repository string
	Tags       []string // none: it is pushed by its digest alone
	Images     []RegistryImage
	Index      bool // an index of the images; else there is one image, as a plain manifest
	Docker     bool // Docker's media types in the place of OCI's
}

// RegistryImage is one manifest.
type RegistryImage struct {
	OS           string // "": linux
	Architecture string // as OCI documents name it: amd64, arm
	Variant      string
	Labels       map[string]string
	Annotations  map[string]string // of its entry in the index
	NoPlatform   bool              // its entry in the index has no platform
	Attestation  bool              // no image but a statement about one, as BuildKit adds to indexes
	Content      string            // different words make different layers
}

// Platform returns what the image says of itself.
func (i RegistryImage) Platform() (os, architecture, variant string) {
	if i.Attestation {
		return "unknown", "unknown", ""
	}
	return cmp.Or(i.OS, "linux"), i.Architecture, i.Variant
}

// skips returns why an adapter passes the image over; "" when it does not.
func (i RegistryImage) skips() string {
	switch os, _, _ := i.Platform(); {
	case i.Attestation:
		return "attestation"
	case os != "linux":
		return "foreign_os"
	}
	return ""
}

// made makes up what a registry would say of the content.
func (c RegistryContent) made() domain.Description {
	d := domain.Description{Digest: DigestOf("tag", c.words())}
	have := map[string]bool{}
	for _, i := range c.Images {
		alone := RegistryContent{Images: []RegistryImage{i}, Docker: c.Docker}
		digest, arch := DigestOf("tag", alone.words()), domain.ArchitectureOf(i.Architecture, i.Variant)
		if reason := i.skips(); reason != "" {
			d.Skipped = append(d.Skipped, domain.SkippedManifest{Digest: digest, Reason: reason})
			continue
		}
		if have[arch] {
			d.Skipped = append(d.Skipped, domain.SkippedManifest{Digest: digest, Reason: "architecture_twice"})
			continue
		}
		have[arch] = true
		labels := maps.Clone(i.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		d.Images = append(d.Images, domain.DescribedImage{
			Architecture: arch, ManifestDigest: digest, ConfigDigest: DigestOf("config", alone.words()),
			SizeBytes: int64(1000 + len(i.Content)), LayersBytes: int64(400 + len(i.Content)), Labels: labels,
		})
	}
	return d
}

// words is the content as text. Names of an index's entries count for the index
// alone, names of repositories and tags for nothing.
func (c RegistryContent) words() string {
	c.Repository, c.Tags = "", nil
	if !c.Index {
		images := make([]RegistryImage, len(c.Images))
		for n, i := range c.Images {
			i.Annotations, i.NoPlatform = nil, false
			images[n] = i
		}
		c.Images = images
	}
	text, _ := json.Marshal(c)
	return string(text)
}
