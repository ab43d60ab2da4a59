package ocilayout

import (
	"cmp"
	"context"
	"encoding/json"
	"math"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// target is what a pull is to end with.
type target struct {
	image
	identifier string        // what to ask the registry for
	expected   domain.Digest // of the manifest; "" when the caller does not know
}

func targetOf(r domain.PullRequest) (target, error) {
	img, err := key(r.Reference.Canonical(), r.Architecture)
	if err != nil {
		return target{}, err
	}
	if r.Reference.Registry != r.Registry.Name {
		return target{}, domain.Invalid("registry_mismatch", img.canonical, "the image is not of the registry %s", r.Registry.Name)
	}
	if err := domain.ValidateRepositoryPath(r.Reference.Path); err != nil {
		return target{}, err
	}
	for _, d := range []domain.Digest{r.Reference.Digest, r.Manifest} {
		if d != "" {
			if _, err := domain.ParseDigest(d.String()); err != nil {
				return target{}, err
			}
		}
	}
	if r.Reference.Digest == "" {
		if err := domain.ValidateTag(r.Reference.Tag); err != nil {
			return target{}, err
		}
	}
	return target{image: img, identifier: cmp.Or(r.Reference.Digest.String(), r.Reference.Tag), expected: r.Manifest}, nil
}

// found is a manifest of the wanted platform, verified against what named it.
type found struct {
	desc descriptor
	doc  document
	raw  []byte
}

// resolve finds the manifest of t: what the reference names or, in an index, the
// entry of the architecture.
func (s *source) resolve(ctx context.Context, t target, pinned domain.Digest) (found, error) {
	f, err := s.document(ctx, t, t.identifier, pinned)
	if err != nil {
		return found{}, err
	}
	if f.doc.Manifests != nil {
		d, err := s.choose(f.doc.Manifests, t)
		if err != nil {
			return found{}, err
		}
		if f, err = s.document(ctx, t, d.Digest.String(), d.Digest); err != nil {
			return found{}, err
		}
	}
	if t.expected != "" {
		if t.expected.Algorithm() != f.desc.Digest.Algorithm() {
			f.desc.Digest = digestOf(f.raw, t.expected.Algorithm())
		}
		if f.desc.Digest != t.expected {
			return found{}, mismatch(t.canonical, "the registry now has manifest %s, not %s", f.desc.Digest, t.expected)
		}
	}
	return f, s.checkManifest(f, t)
}

// document reads and verifies one manifest or index; digest may be empty.
func (s *source) document(ctx context.Context, t target, identifier string, digest domain.Digest) (found, error) {
	raw, contentType, err := s.manifest(ctx, identifier, t.canonical)
	if err != nil {
		return found{}, err
	}
	algorithm := "sha256"
	if digest != "" {
		algorithm = digest.Algorithm()
	}
	f := found{raw: raw, desc: descriptor{Digest: digestOf(raw, algorithm), Size: int64(len(raw))}}
	if digest != "" && f.desc.Digest != digest {
		return found{}, mismatch(t.canonical, "the registry sent content of %s for manifest %s", f.desc.Digest, digest)
	}
	if err := json.Unmarshal(raw, &f.doc); err != nil {
		return found{}, malformed(s.on, "the manifest of %s is not readable", t.canonical)
	}
	f.desc.MediaType = cmp.Or(f.doc.MediaType, contentType)
	return f, nil
}

// choose picks the entry of the architecture, by digest when the caller knows it.
// Attestations and other systems' images have platforms that never match.
func (s *source) choose(entries []descriptor, t target) (descriptor, error) {
	var chosen *descriptor
	for i, d := range entries {
		if t.expected != "" && d.Digest == t.expected {
			chosen = &entries[i]
			break
		}
		if chosen == nil && d.Platform != nil && d.Platform.linux() &&
			domain.ArchitectureOf(d.Platform.Architecture, d.Platform.Variant) == t.architecture {
			chosen = &entries[i]
		}
	}
	if chosen == nil {
		return descriptor{}, domain.Errorf(domain.CodeNotFound, "architecture_not_found", t.String(), "the registry has no such architecture: %s", t)
	}
	if _, err := domain.ParseDigest(chosen.Digest.String()); err != nil {
		return descriptor{}, malformed(s.on, "the index of %s is not readable", t.canonical)
	}
	return *chosen, nil
}

// checkManifest refuses what is not an image manifest and what must not get near
// a path or a sum.
func (s *source) checkManifest(f found, t target) error {
	if !types.MediaType(f.desc.MediaType).IsImage() || f.doc.Manifests != nil || f.doc.Config == nil {
		return domain.Errorf(domain.CodePrecondition, reasonNotImage, t.canonical, "this is not a container image: %s", t.canonical)
	}
	var total int64
	for _, d := range append([]descriptor{*f.doc.Config}, f.doc.Layers...) {
		if _, err := domain.ParseDigest(d.Digest.String()); err != nil || d.Size < 0 || d.Size > math.MaxInt64-total {
			return malformed(s.on, "the manifest of %s is not readable", t.canonical)
		}
		total += d.Size
	}
	if f.doc.Config.Size > maxDocument {
		return malformed(s.on, "the configuration of %s is too large", t.canonical)
	}
	return nil
}

// checkPlatform verifies that the image is what its tag or index says. Configs
// often leave out the variant.
func checkPlatform(config []byte, t target) error {
	var p platform
	wrong := func(is string) error {
		return domain.Errorf(domain.CodePrecondition, reasonPlatform, t.String(), "the image is for %s, not for %s", is, t.architecture)
	}
	if err := json.Unmarshal(config, &p); err != nil || !p.linux() {
		return wrong("another system")
	}
	architecture, _ := domain.OCIPlatform(t.architecture)
	is := domain.ArchitectureOf(p.Architecture, p.Variant)
	ociIs, _ := domain.OCIPlatform(is)
	if is == t.architecture || p.Variant == "" && ociIs == architecture {
		return nil
	}
	return wrong(cmp.Or(is, "no known architecture"))
}
