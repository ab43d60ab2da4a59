package oci

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// acceptManifests names what can be read here. Docker's schema 1 is left out:
// registries that can convert would otherwise send it.
const acceptManifests = string(types.OCIImageIndex + ", " + types.OCIManifestSchema1 + ", " + types.DockerManifestList + ", " + types.DockerManifestSchema2)

// document is a manifest or an index, whichever it turns out to be.
type document struct {
	v1.Manifest
	Manifests []v1.Descriptor `json:"manifests"`

	digest domain.Digest
	kind   types.MediaType // "" when it is none that is known
}

func (c *Client) manifestQuery(repo, ref string) (query, error) {
	if err := domain.ValidateRepositoryPath(repo); err != nil {
		return query{}, err
	}
	on := domain.JoinPath(c.row.Name, repo)
	if strings.Contains(ref, ":") {
		on += "@" + ref
	} else {
		on += ":" + ref
	}
	return query{
		subject: aboutManifest, method: http.MethodGet, path: "/v2/" + repo + "/manifests/" + ref,
		accept: acceptManifests, scope: scopePull(repo), limit: c.options.MaxManifestBytes, on: on,
	}, nil
}

// manifest reads what a reference points to and verifies it: against want when
// that is known, and against the digest that the registry claims.
func (c *Client) manifest(ctx context.Context, q query, want domain.Digest) (document, error) {
	a, err := c.ask(ctx, q)
	if err != nil || a.status != http.StatusOK {
		return document{}, c.translate(ctx, opDescribe, q, a, err)
	}
	var d document
	if err := json.Unmarshal(a.body, &d); err != nil {
		return document{}, c.malformed(opDescribe, q, "a manifest that cannot be read")
	}
	d.kind = d.kindOf(mediaTypeOf(a.header))
	claimed, err := claimedDigest(a.header)
	if err != nil {
		return document{}, c.malformed(opDescribe, q, "a digest that is none")
	}
	if d.kind.IsSchema1() { // its digest leaves the signatures out, and nothing of it is used
		d.digest = claimed
		return d, nil
	}
	for _, expected := range []domain.Digest{want, claimed} {
		if expected != "" && digestOf(expected.Algorithm(), a.body) != expected {
			return document{}, c.malformed(opDescribe, q, "a manifest that is not the one of digest %s", expected)
		}
	}
	if d.digest = want; d.digest == "" {
		d.digest = claimed
	}
	if d.digest == "" {
		d.digest = digestOf("sha256", a.body)
	}
	isIndex, isImage := len(d.Manifests) > 0, d.Config.Digest != (v1.Hash{}) || len(d.Layers) > 0
	switch {
	case isIndex && isImage, isIndex && d.kind.IsImage(), isImage && d.kind.IsIndex():
		return document{}, c.malformed(opDescribe, q, "a manifest that can be read in two ways")
	case d.kind.IsImage() && d.Config.Digest == (v1.Hash{}):
		return document{}, c.malformed(opDescribe, q, "a manifest without a configuration")
	}
	return d, nil
}

// kindOf trusts the Content-Type where it names a manifest, else what the
// document says of itself, else its form.
func (d document) kindOf(contentType string) types.MediaType {
	for _, t := range []types.MediaType{types.MediaType(contentType), d.MediaType} {
		if t.IsImage() || t.IsIndex() || t.IsSchema1() {
			return t
		}
	}
	switch {
	case d.SchemaVersion == 1:
		return types.DockerManifestSchema1
	case d.MediaType != "":
		return ""
	case len(d.Manifests) > 0:
		return types.OCIImageIndex
	case d.Config.Digest != (v1.Hash{}):
		return types.OCIManifestSchema1
	}
	return ""
}

// claimedDigest is the digest that the registry gives in a header; it may give
// none.
func claimedDigest(h http.Header) (domain.Digest, error) {
	text := h.Get("Docker-Content-Digest")
	if text == "" {
		return "", nil
	}
	return domain.ParseDigest(text)
}

// mediaTypeOf is the Content-Type in lowercase and without parameters.
func mediaTypeOf(h http.Header) string {
	text := h.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(text); err == nil {
		return t
	}
	t, _, _ := strings.Cut(text, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// digestOf computes a digest; "" for an algorithm that is not known.
func digestOf(algorithm string, content []byte) domain.Digest {
	h, err := v1.Hasher(algorithm)
	if err != nil {
		return ""
	}
	h.Write(content)
	return domain.Digest(algorithm + ":" + hex.EncodeToString(h.Sum(nil)))
}
