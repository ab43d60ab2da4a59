package oci

import (
	"context"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/wharf-project/wharf/domain"
)

// Reasons why something behind a tag is no image of the catalogue.
const (
	SkipAttestation  = "attestation"          // platform unknown/unknown
	SkipArtifact     = "artifact"             // a chart, a signature, a bill of materials
	SkipForeignOS    = "foreign_os"           // not Linux
	SkipSchema1      = "schema1"              // Docker's manifest format before 2016
	SkipUnknownType  = "unknown_media_type"   // neither manifest nor index
	SkipNestedIndex  = "nested_index"         // an index inside an index
	SkipArchitecture = "architecture_unknown" // none given, or none that can be named
	SkipDuplicate    = "architecture_twice"   // an earlier manifest of the index has it
	SkipAbsent       = "content_absent"       // the registry lists it and does not have it
)

// maxChildren bounds the manifests of one index; each may cost two requests.
const maxChildren = 256

// Describe reads what is behind a reference: by its digest when it has one, else
// by its tag. An image costs two requests, an index one more than two per image.
func (c *Client) Describe(ctx context.Context, r domain.Reference, known domain.Digest) (domain.Description, error) {
	if err := domain.RefuseInTx(ctx, opDescribe); err != nil {
		return domain.Description{}, err
	}
	ref := r.Digest.String()
	if ref == "" {
		if err := domain.ValidateTag(r.Tag); err != nil {
			return domain.Description{}, err
		}
		ref = r.Tag
	} else if _, err := domain.ParseDigest(ref); err != nil {
		return domain.Description{}, err
	}
	q, err := c.manifestQuery(r.Path, ref)
	if err != nil {
		return domain.Description{}, err
	}
	if known != "" {
		same, err := c.unchanged(ctx, q, known)
		if err != nil {
			return domain.Description{}, err
		}
		if same {
			return domain.Description{Digest: known, Unchanged: true}, nil
		}
	}
	doc, err := c.manifest(ctx, q, r.Digest)
	if err != nil {
		return domain.Description{}, err
	}
	s := survey{client: c, repo: r.Path, result: domain.Description{Digest: doc.digest}, have: map[string]bool{}}
	switch {
	case doc.kind.IsIndex():
		err = s.index(ctx, q, doc)
	case doc.kind.IsImage():
		err = s.image(ctx, doc, "")
	case doc.kind.IsSchema1():
		s.skip(doc.digest, SkipSchema1)
	default:
		s.skip(doc.digest, SkipUnknownType)
	}
	if err != nil {
		return domain.Description{}, err
	}
	return s.result, nil
}

// unchanged asks for the digest alone. Where a HEAD tells nothing, or says no,
// the GET that follows decides.
func (c *Client) unchanged(ctx context.Context, q query, known domain.Digest) (bool, error) {
	q.method = http.MethodHead
	a, err := c.ask(ctx, q)
	switch {
	case err != nil:
		return false, c.translate(ctx, opDescribe, q, a, err)
	case a.status == http.StatusOK:
		claimed, err := claimedDigest(a.header)
		return err == nil && claimed == known, nil
	}
	switch a.status { // a HEAD has no body to explain these
	case http.StatusNotFound, http.StatusForbidden, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return false, nil
	}
	return false, c.translate(ctx, opDescribe, q, a, nil)
}

// survey collects what is behind one reference.
type survey struct {
	client *Client
	repo   string
	result domain.Description
	have   map[string]bool // architectures
}

func (s *survey) skip(d domain.Digest, reason string) {
	s.result.Skipped = append(s.result.Skipped, domain.SkippedManifest{Digest: d, Reason: reason})
}

// index reads the manifests of an index in their order. Of two that have one
// architecture the first counts, as it does for engines.
func (s *survey) index(ctx context.Context, q query, doc document) error {
	if len(doc.Manifests) > maxChildren {
		return s.client.malformed(opDescribe, q, "an index of more than %d manifests", maxChildren)
	}
	for _, child := range doc.Manifests {
		digest := domain.Digest(child.Digest.String())
		if child.Digest == (v1.Hash{}) {
			return s.client.malformed(opDescribe, q, "an index with an entry without a digest")
		}
		arch, reason := s.sortOut(child)
		if reason != "" {
			s.skip(digest, reason)
			continue
		}
		cq, err := s.client.manifestQuery(s.repo, digest.String())
		if err != nil {
			return err
		}
		m, err := s.client.manifest(ctx, cq, digest)
		switch {
		case domain.CodeOf(err) == domain.CodeNotFound:
			s.skip(digest, SkipAbsent)
			continue
		case err != nil:
			return err
		case !m.kind.IsImage():
			s.skip(digest, SkipUnknownType)
			continue
		}
		if err := s.image(ctx, m, arch); err != nil {
			return err
		}
	}
	return nil
}

// sortOut looks at an entry of an index before anything is fetched. The
// architecture is "" when only the configuration can tell. Annotations play no
// part: images have them too.
func (s *survey) sortOut(child v1.Descriptor) (arch, skip string) {
	switch {
	case child.MediaType.IsIndex():
		return "", SkipNestedIndex
	case child.MediaType.IsSchema1():
		return "", SkipSchema1
	case child.MediaType != "" && !child.MediaType.IsImage(), isArtifactType(child.ArtifactType):
		return "", SkipArtifact
	case child.Platform == nil, child.Platform.OS == "" && child.Platform.Architecture == "":
		return "", ""
	}
	return s.place(child.Platform.OS, child.Platform.Architecture, child.Platform.Variant)
}

// place turns a platform into an architecture that is still free, or says why
// not.
func (s *survey) place(os, architecture, variant string) (arch, skip string) {
	if os == "unknown" || architecture == "unknown" {
		return "", SkipAttestation
	}
	if os != "" && os != "linux" {
		return "", SkipForeignOS
	}
	arch = domain.ArchitectureOf(architecture, variant)
	switch {
	case arch == "":
		return "", SkipArchitecture
	case s.have[arch]:
		return "", SkipDuplicate
	}
	return arch, ""
}
