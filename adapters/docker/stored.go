package docker

import (
	"slices"
	"strings"

	"github.com/moby/moby/api/types/image"

	"github.com/wharf-project/wharf/domain"
)

// stored is an image as the engine describes it.
type stored struct {
	id           string // with its algorithm
	digest       domain.Digest
	architecture string // our name, "" when it has none of a system that nodes run
	noVariant    bool   // the configuration leaves it out
	size         int64
	repoDigests  []string
	labels       map[string]string
}

func (e *engine) storedOf(i image.InspectResponse) (stored, error) {
	s := stored{id: idOf(i.ID), size: i.Size, repoDigests: i.RepoDigests, noVariant: i.Variant == ""}
	if i.Config != nil {
		s.labels = i.Config.Labels
	}
	var err error
	if s.digest, err = domain.ParseDigest(s.id); err != nil {
		return stored{}, domain.Errorf(domain.CodeUnavailable, reasonFailed, e.on, "the engine has an image without an id: %s", domain.Quote(i.ID))
	}
	if i.Os == "linux" || i.Os == "" {
		s.architecture = domain.ArchitectureOf(i.Architecture, i.Variant)
	}
	return s, nil
}

// fits tells whether the image is for an architecture, "" for any;
// configurations often leave out the variant.
func (s stored) fits(architecture string) bool {
	if architecture == "" || s.architecture == "" || s.architecture == architecture {
		return s.architecture != ""
	}
	is, _ := domain.OCIPlatform(s.architecture)
	want, _ := domain.OCIPlatform(architecture)
	return s.noVariant && is == want
}

// came tells whether the image was pulled as this manifest, from wherever: what
// a digest names is the same everywhere.
func (s stored) came(manifest domain.Digest) bool {
	return s.digest == manifest || slices.ContainsFunc(s.repoDigests, func(d string) bool { // the former: the containerd image store
		return strings.HasSuffix(d, "@"+manifest.String())
	})
}

// idOf gives an id its algorithm, which Podman leaves out.
func idOf(id string) string {
	if len(id) == 64 && !strings.Contains(id, ":") {
		return "sha256:" + id
	}
	return id
}

// canonicalOf normalises a tag of the engine, which shortens names of Docker
// Hub. False: no name of ours, such as <none>:<none>.
func canonicalOf(tag string) (string, bool) {
	r, err := domain.ParseReference(tag)
	if err != nil || r.Digest != "" {
		return "", false
	}
	return r.Canonical(), true
}
