package transfer

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

const tarBlock = 512

// laying writes the frame of a tar archive: headers, and files that are known.
type laying struct {
	file   *os.File
	pieces []piece
}

type piece struct {
	at  int64
	raw []byte
}

type small struct {
	name string
	raw  []byte
}

// layOut plans an archive: documents first, then blobs by their digest, so that
// the same content gives the same archive.
func (l *laying) layOut(first []small, sizes map[domain.Digest]int64, blobs map[domain.Digest]*region) (total int64, err error) {
	at := int64(0)
	header := func(name string, size int64) error {
		var b bytes.Buffer
		err := tar.NewWriter(&b).WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatGNU,
		})
		l.pieces = append(l.pieces, piece{at, b.Bytes()})
		at += int64(b.Len())
		return err
	}
	for _, s := range first {
		if err := header(s.name, int64(len(s.raw))); err != nil {
			return 0, err
		}
		l.pieces = append(l.pieces, piece{at, s.raw})
		at = padded(at + int64(len(s.raw)))
	}
	digests := make([]domain.Digest, 0, len(sizes))
	for d := range sizes {
		digests = append(digests, d)
	}
	slices.SortFunc(digests, func(a, b domain.Digest) int { return strings.Compare(a.String(), b.String()) })
	for _, d := range digests {
		if err := header(blobName(d), sizes[d]); err != nil {
			return 0, err
		}
		blobs[d] = &region{at: at, size: sizes[d]}
		at = padded(at + sizes[d])
	}
	return at + 2*tarBlock, nil
}

func (l *laying) write() error {
	for _, p := range l.pieces {
		if _, err := l.file.WriteAt(p.raw, p.at); err != nil {
			return err
		}
	}
	return nil
}

func padded(n int64) int64 { return (n + tarBlock - 1) / tarBlock * tarBlock }

func blobName(d domain.Digest) string { return path.Join(blobDir, d.Algorithm(), d.Hex()) }

// saveManifest is the manifest.json for docker load: every image with a whole
// name and all its layers, of an index the one for this machine.
func saveManifest(entries []entry, images []tree) ([]byte, error) {
	list := []savedImage{}
	for n, t := range images {
		e := entries[len(entries)-1] // the new one is the first of images
		if n > 0 {
			e = entries[n-1]
		}
		name := e.whole()
		doc := t.top()
		if e.desc.isIndex() {
			for i, m := range doc.Manifests {
				if m.architecture() == domain.HostArchitecture() {
					if at := slices.IndexFunc(t.docs, func(d document) bool { return d.desc.Digest == doc.Manifests[i].Digest }); at >= 0 {
						doc = t.docs[at]
						break
					}
				}
			}
		}
		if name == "" || doc.Config == nil || slices.ContainsFunc(doc.Layers, descriptor.foreign) {
			continue
		}
		s := savedImage{Config: blobName(doc.Config.Digest), RepoTags: []string{name}, Layers: []string{}}
		for _, l := range doc.Layers {
			s.Layers = append(s.Layers, blobName(l.Digest))
		}
		list = append(list, s)
	}
	return json.Marshal(list)
}
