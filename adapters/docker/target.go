package docker

import (
	"net/url"
	"strings"

	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"

	"github.com/wharf-project/wharf/domain"
)

// target is what a transfer is to end with, and the registry's side of it.
type target struct {
	canonical    string // in the registry
	local        string // name that a pull gives the image; empty for a push
	architecture string // "": whatever the engine takes
	tag          string
	registry     string // its name, as people know it
	source       string // repository as the engine must call it to reach the registry
	renamed      bool   // source is not the repository of local
	manifest     domain.Digest
	auth         string // for the registry of source and no other
}

func targetOf(r domain.PullRequest) (target, error) {
	arch, err := domain.NormalizeArchitecture(r.Architecture)
	if err != nil {
		return target{}, err
	}
	t, err := remoteOf(r.Reference, r.Registry, r.Manifest)
	t.architecture, t.local = arch, t.canonical
	return t, err
}

// remoteOf is the registry's side of a transfer. Credentials are those of the
// registry that the reference names, and no other's.
func remoteOf(ref domain.Reference, r domain.Registry, manifest domain.Digest) (target, error) {
	t := target{canonical: ref.Canonical(), tag: ref.Tag, registry: r.Name, manifest: manifest}
	if ref.Registry != r.Name {
		return target{}, domain.Invalid("registry_mismatch", t.canonical, "the image is not of the registry %s", r.Name)
	}
	if ref.Digest != "" {
		return target{}, domain.Invalid("reference_invalid", t.canonical, "an engine keeps images by tag; name the digest as the manifest")
	}
	if err := domain.ValidateRepositoryPath(ref.Path); err != nil {
		return target{}, err
	}
	if err := domain.ValidateTag(ref.Tag); err != nil {
		return target{}, err
	}
	if manifest != "" {
		if _, err := domain.ParseDigest(manifest.String()); err != nil {
			return target{}, err
		}
	}
	if name, ok := canonicalOf(t.canonical); !ok || name != t.canonical || ref.Registry == "index.docker.io" {
		// The engine would keep it under another name than asked for.
		return target{}, domain.Invalid("reference_invalid", t.canonical, "an engine cannot keep an image of this name")
	}
	host, err := pullHost(r)
	if err != nil {
		return target{}, err
	}
	t.source, t.renamed = domain.JoinPath(host, ref.Path), host != ref.Registry
	t.auth, err = authOf(r, host)
	return t, err
}

// pullHost is the host that the engine is to contact: that of the registry's
// URL. The hosts of Docker Hub are one to an engine, which knows it by its name.
func pullHost(r domain.Registry) (string, error) {
	bad := domain.Invalid("registry_invalid", "url", "not a registry's URL: %s", domain.Quote(r.Endpoint()))
	u, err := url.Parse(r.Endpoint())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return "", bad
	}
	standard := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	host, err := domain.NormalizeRegistryHost(strings.TrimSuffix(u.Host, standard))
	if err != nil {
		return "", bad
	}
	if isHub(host) && isHub(r.Name) || host+standard == r.Name {
		return r.Name, nil
	}
	return host, nil
}

func isHub(host string) bool {
	return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io"
}

// localName reads the name that an image has, or is to have, in the engine.
func localName(name string) (domain.Reference, error) {
	ref, err := domain.ParseReference(name)
	if err == nil && ref.Registry == "index.docker.io" {
		err = domain.Invalid("reference_invalid", ref.Canonical(), "an engine cannot keep an image of this name")
	}
	return ref, err
}

// newName is localName for a name that is to be given: one with a tag.
func newName(name string) (domain.Reference, error) {
	ref, err := localName(name)
	if err == nil && ref.Digest != "" {
		err = domain.Invalid("reference_invalid", ref.Canonical(), "an image is named by a tag, not by a digest")
	}
	return ref, err
}

// authOf is the header that an engine passes on to the registry; "" for none.
func authOf(r domain.Registry, host string) (string, error) {
	if r.Username == "" {
		return "", nil
	}
	auth, err := authconfig.Encode(registry.AuthConfig{Username: r.Username, Password: r.Password.Reveal(), ServerAddress: host})
	if err != nil {
		return "", domain.Internal("docker: auth", err)
	}
	return auth, nil
}
