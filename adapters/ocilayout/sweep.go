package ocilayout

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// mark returns every digest that idx or a pull under way needs.
func (l *layout) mark(idx *index) (map[domain.Digest]bool, error) {
	keep, err := l.pinned()
	if err != nil {
		return nil, err
	}
	seen := map[domain.Digest]bool{}
	for _, e := range idx.entries {
		if err := l.markBlob(keep, seen, e.desc); err != nil {
			return nil, err
		}
	}
	return keep, nil
}

// markBlob marks a blob and, when it is a document of any kind, what it names:
// entries of other tools may be indexes or artifacts.
func (l *layout) markBlob(keep, seen map[domain.Digest]bool, d descriptor) error {
	keep[d.Digest] = true
	if seen[d.Digest] || d.MediaType != "" && !strings.Contains(d.MediaType, "json") {
		return nil
	}
	seen[d.Digest] = true
	raw, err := l.readBlob(d)
	if err != nil {
		return err
	}
	var doc struct {
		document
		Blobs   []descriptor `json:"blobs"`
		Subject *descriptor  `json:"subject"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil //nolint:nilerr // a config, or damaged: it refers to nothing
	}
	children := append(append(doc.Manifests, doc.Layers...), doc.Blobs...)
	for _, child := range []*descriptor{doc.Config, doc.Subject} {
		if child != nil {
			children = append(children, *child)
		}
	}
	for _, child := range children {
		if err := l.markBlob(keep, seen, child); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes the blobs that are not in keep and returns the bytes that were
// freed. Files that are not named as blobs stay.
func (l *layout) sweep(keep map[domain.Digest]bool) (freed int64) {
	algorithms, _ := os.ReadDir(l.path(blobDir))
	for _, algorithm := range algorithms {
		blobs, _ := os.ReadDir(l.path(blobDir, algorithm.Name()))
		for _, blob := range blobs {
			d, err := domain.ParseDigest(algorithm.Name() + ":" + blob.Name())
			if err != nil || keep[d] || !blob.Type().IsRegular() {
				continue
			}
			info, err := blob.Info()
			if err == nil && os.Remove(l.blobPath(d)) == nil {
				freed += info.Size()
			}
		}
	}
	return freed
}
