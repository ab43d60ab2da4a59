package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// maxDocument bounds manifests and indexes, as registries do; maxDepth bounds
// indexes in indexes.
const (
	maxDocument = 4 << 20
	maxDepth    = 4
	maxBlob     = 1 << 44
)

// descriptor is the part of an OCI descriptor that matters here.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      domain.Digest     `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *v1.Platform      `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// architecture is our name of the platform; "" when there is none, or it is not
// Linux.
func (d descriptor) architecture() string { return architectureOf(d.Platform) }

func architectureOf(p *v1.Platform) string {
	if p == nil || p.OS != "" && p.OS != "linux" {
		return ""
	}
	return domain.ArchitectureOf(p.Architecture, p.Variant)
}

func (d descriptor) isIndex() bool { return types.MediaType(d.MediaType).IsIndex() }

// foreign tells layers that registries need not have.
func (d descriptor) foreign() bool { return !types.MediaType(d.MediaType).IsDistributable() }

// document is a manifest or an index, whichever the bytes are.
type document struct {
	desc descriptor
	raw  []byte

	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
}

// parse reads a document and checks that what it refers to can be named.
func parse(d descriptor, raw []byte) (document, error) {
	doc := document{desc: d, raw: raw}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return doc, malformed(d.Digest)
	}
	refs := append(append([]descriptor(nil), doc.Layers...), doc.Manifests...)
	if d.isIndex() {
		if doc.Config != nil || doc.Layers != nil {
			return doc, malformed(d.Digest)
		}
	} else if doc.Config == nil || doc.Manifests != nil {
		return doc, malformed(d.Digest)
	} else {
		refs = append(refs, *doc.Config)
	}
	for _, r := range refs {
		if _, err := domain.ParseDigest(r.Digest.String()); err != nil || r.Size < 0 || r.Size > maxBlob {
			return doc, malformed(d.Digest)
		}
	}
	return doc, nil
}

func malformed(d domain.Digest) error {
	return domain.Errorf(domain.CodePrecondition, reasonNotImage, d.String(), "not a manifest that can be read: %s", d)
}

// tree is an image or an index with everything below it: the documents, children
// first, and every blob once.
type tree struct {
	docs  []document
	blobs []descriptor
	size  int64 // of the blobs
	// config is of the image; "" for an index
	config domain.Digest
}

// plant reads a tree; read gives the bytes of documents.
func plant(top descriptor, read func(descriptor) ([]byte, error)) (tree, error) {
	var t tree
	seen := map[domain.Digest]bool{}
	var add func(d descriptor, depth int) error
	add = func(d descriptor, depth int) error {
		if seen[d.Digest] {
			return nil
		}
		seen[d.Digest] = true
		if depth > maxDepth {
			return malformed(top.Digest)
		}
		raw, err := read(d)
		if err != nil {
			return err
		}
		if int64(len(raw)) != d.Size {
			return mismatch(d.Digest)
		}
		doc, err := parse(d, raw)
		if err != nil {
			return err
		}
		for _, child := range doc.Manifests {
			if err := add(child, depth+1); err != nil {
				return err
			}
		}
		if doc.Config != nil {
			for _, b := range append([]descriptor{*doc.Config}, doc.Layers...) {
				if seen[b.Digest] || b.foreign() {
					continue
				}
				seen[b.Digest] = true
				t.blobs = append(t.blobs, b)
				t.size += b.Size
			}
		}
		t.docs = append(t.docs, doc)
		return nil
	}
	if err := add(top, 0); err != nil {
		return tree{}, err
	}
	if c := t.top().Config; c != nil {
		t.config = c.Digest
	}
	return t, nil
}

// top is the document that all the others belong to.
func (t tree) top() document { return t.docs[len(t.docs)-1] }

// platformIn is the architecture that a configuration tells, as [architectureOf].
func platformIn(config []byte) string {
	var p v1.Platform
	if json.Unmarshal(config, &p) != nil {
		return ""
	}
	return architectureOf(&p)
}

// content is what a store has, at one moment.
type content struct {
	on      string
	entries []entry
	// open gives a file that stands where the blob begins, and the blob's size;
	// an error that is [absent] when it is not there.
	open func(domain.Digest) (*os.File, int64, error)
	done func() // nil: nothing to give back
	// convert makes the image of an entry that is none yet; nil: all are
	convert  func(descriptor) (descriptor, error)
	readOnly bool
	fields   map[string]json.RawMessage // of index.json; nil: there is none
}

func (c *content) close() {
	if c.done != nil {
		c.done()
	}
}

// entry is one of index.json; raw is carried through as it is.
type entry struct {
	raw  json.RawMessage
	desc descriptor
}

// read gives a document, verified.
func (c *content) read(d descriptor) ([]byte, error) {
	f, size, err := c.open(d.Digest)
	if absent(err) {
		return nil, incomplete(d.Digest)
	}
	if err != nil {
		return nil, storageError(c.on, "read", err)
	}
	defer func() { _ = f.Close() }()
	if size > maxDocument {
		return nil, malformed(d.Digest)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, storageError(c.on, "read", err)
	}
	if sha256Of(raw) != d.Digest {
		return nil, mismatch(d.Digest)
	}
	return raw, nil
}

// whole reports whether every blob of a tree is there, by size: content got its
// name after it was verified.
func (c *content) whole(t tree) (domain.Digest, error) {
	for _, b := range t.blobs {
		f, size, err := c.open(b.Digest)
		if absent(err) || err == nil && size != b.Size {
			if err == nil {
				_ = f.Close()
			}
			return b.Digest, nil
		}
		if err != nil {
			return "", storageError(c.on, "read", err)
		}
		_ = f.Close()
	}
	return "", nil
}

func sha256Of(raw []byte) domain.Digest {
	sum := sha256.Sum256(raw)
	return domain.Digest("sha256:" + hex.EncodeToString(sum[:]))
}
