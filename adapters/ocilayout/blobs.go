package ocilayout

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io/fs"
	"os"

	"github.com/wharf-project/wharf/domain"
)

// maxDocument bounds manifests and configs: registries take manifests of 4 MiB.
const maxDocument = 8 << 20

// document is an image manifest or an index, whichever the bytes are.
type document struct {
	MediaType string       `json:"mediaType"`
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
}

// sizeBytes is what the catalogue counts: layers and config.
func (d document) sizeBytes() int64 {
	size := d.Config.Size
	for _, layer := range d.Layers {
		size += layer.Size
	}
	return size
}

// content lists the config and every layer once, the config first.
func (d document) content() []descriptor {
	content := []descriptor{*d.Config}
	seen := map[domain.Digest]bool{d.Config.Digest: true}
	for _, layer := range d.Layers {
		if !seen[layer.Digest] {
			seen[layer.Digest] = true
			content = append(content, layer)
		}
	}
	return content
}

// blobPath is where a blob is; d must be well formed, for it becomes a path.
func (l *layout) blobPath(d domain.Digest) string {
	return l.path(blobDir, d.Algorithm(), d.Hex())
}

// holds tells whether a blob is there. Content is verified before it gets its
// name, so name and size are enough.
func (l *layout) holds(d descriptor) (bool, error) {
	if _, err := domain.ParseDigest(d.Digest.String()); err != nil {
		return false, nil //nolint:nilerr // what cannot be named is not there
	}
	info, err := os.Lstat(l.blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, storageError(l.on, "blobs", err)
	}
	return info.Mode().IsRegular() && info.Size() == d.Size, nil
}

// readBlob reads a small blob; nil without an error when it is missing or is not
// what its digest says.
func (l *layout) readBlob(d descriptor) ([]byte, error) {
	held, err := l.holds(d)
	if err != nil || !held || d.Size > maxDocument {
		return nil, err
	}
	raw, err := readLimited(l.blobPath(d.Digest), maxDocument)
	if err != nil {
		return nil, storageError(l.on, "blobs", err)
	}
	if digestOf(raw, d.Digest.Algorithm()) != d.Digest {
		return nil, nil
	}
	return raw, nil
}

// manifest reads the manifest of an entry and checks that everything it names is
// there. Without an error, false means damaged: the image cannot be used, so the
// agent does not hold it; a pull repairs it and a removal clears it.
func (l *layout) manifest(d descriptor) (document, bool, error) {
	var doc document
	raw, err := l.readBlob(d)
	if err != nil || raw == nil || json.Unmarshal(raw, &doc) != nil || doc.Config == nil {
		return document{}, false, err
	}
	for _, blob := range doc.content() {
		if held, err := l.holds(blob); err != nil || !held {
			return document{}, false, err
		}
	}
	return doc, true, nil
}

// architecture returns the architecture of an entry: as the entry says, else as
// the config does, "" when neither does.
func (l *layout) architecture(d descriptor) (string, error) {
	if d.Platform != nil {
		return domain.ArchitectureOf(d.Platform.Architecture, d.Platform.Variant), nil
	}
	doc, ok, err := l.manifest(d)
	if err != nil || !ok {
		return "", err
	}
	raw, err := l.readBlob(*doc.Config)
	var p platform
	if err != nil || json.Unmarshal(raw, &p) != nil || !p.linux() {
		return "", err
	}
	return domain.ArchitectureOf(p.Architecture, p.Variant), nil
}

// hasher returns the hash of an algorithm that ParseDigest accepts.
func hasher(algorithm string) hash.Hash {
	if algorithm == "sha512" {
		return sha512.New()
	}
	return sha256.New()
}

func sumOf(h hash.Hash, algorithm string) domain.Digest {
	return domain.Digest(algorithm + ":" + hex.EncodeToString(h.Sum(nil)))
}

func digestOf(raw []byte, algorithm string) domain.Digest {
	h := hasher(algorithm)
	h.Write(raw)
	return sumOf(h, algorithm)
}
