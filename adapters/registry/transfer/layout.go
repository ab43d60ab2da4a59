package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// What is in an OCI image layout (image specification v1.1), and beside it.
const (
	layoutFile    = "oci-layout"
	layoutVersion = `{"imageLayoutVersion":"1.0.0"}`
	indexFile     = "index.json"
	blobDir       = "blobs"
	privateDir    = ".wharf" // locks and unfinished blobs
)

// maxIndex bounds index.json: thousands of images.
const maxIndex = 64 << 20

// layout is a directory that holds images as an OCI image layout. Blobs are
// written once and stay until an Untag, so readers need no lock; index.json is
// replaced as a whole, under a lock.
type layout struct {
	dir      string
	unsynced bool
}

func (l *layout) String() string { return "oci:" + l.dir }

func (l *layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}

// blobPath is where a blob is; d was parsed, for it becomes a path.
func (l *layout) blobPath(d domain.Digest) string { return l.path(blobDir, d.Algorithm(), d.Hex()) }

func (l *layout) look(context.Context) (*content, error) {
	idx, err := l.readIndex()
	if err != nil {
		return nil, err
	}
	return &content{on: l.String(), entries: idx.entries, open: l.open}, nil
}

func (l *layout) open(d domain.Digest) (*os.File, int64, error) {
	if _, err := domain.ParseDigest(d.String()); err != nil {
		return nil, 0, fs.ErrNotExist
	}
	f, err := os.Open(l.blobPath(d))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, 0, errors.Join(err, fs.ErrNotExist)
	}
	return f, info.Size(), nil
}

// index is index.json. Entries and fields of other tools are carried through
// unread.
type index struct {
	fields  map[string]json.RawMessage
	entries []entry
}

// readIndex reads index.json; a directory that is missing or empty has none.
func (l *layout) readIndex() (*index, error) {
	if _, err := os.Stat(l.path(layoutFile)); absent(err) {
		names, err := os.ReadDir(l.dir)
		if err != nil && !absent(err) {
			return nil, storageError(l.String(), "look", err)
		}
		for _, n := range names {
			if n.Name() != privateDir && n.Name() != blobDir {
				return nil, notAStore(l.String(), "the directory holds something other than an OCI image layout")
			}
		}
		return emptyIndex(), nil
	}
	raw, err := readLimited(l.path(indexFile), maxIndex)
	if absent(err) {
		return emptyIndex(), nil
	}
	if err != nil {
		return nil, storageError(l.String(), "index.json", err)
	}
	idx, err := parseIndex(raw)
	if err != nil {
		return nil, notAStore(l.String(), "index.json cannot be read")
	}
	return idx, nil
}

func emptyIndex() *index {
	media, _ := json.Marshal(types.OCIImageIndex)
	return &index{fields: map[string]json.RawMessage{"schemaVersion": json.RawMessage("2"), "mediaType": media}}
}

// parseIndex reads an index.json. An entry that makes no sense is carried
// through.
func parseIndex(raw []byte) (*index, error) {
	idx := &index{}
	if err := json.Unmarshal(raw, &idx.fields); err != nil {
		return nil, err
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(idx.fields["manifests"], &entries); err != nil {
		return nil, err
	}
	for _, r := range entries {
		e := entry{raw: r}
		if err := json.Unmarshal(r, &e.desc); err != nil {
			e.desc = descriptor{}
		} else if _, err := domain.ParseDigest(e.desc.Digest.String()); err != nil || e.desc.Size < 0 {
			e.desc = descriptor{}
		}
		idx.entries = append(idx.entries, e)
	}
	return idx, nil
}

// put makes d the only entry with the name.
func (i *index) put(name string, d descriptor) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	i.drop(name)
	i.entries = append(i.entries, entry{raw: raw, desc: d})
	return nil
}

// drop takes the name away, and tells whether it was there.
func (i *index) drop(name string) bool {
	kept := make([]entry, 0, len(i.entries))
	for _, e := range i.entries {
		if !e.named(name) {
			kept = append(kept, e)
		}
	}
	dropped := len(kept) < len(i.entries)
	i.entries = kept
	return dropped
}

func (i *index) marshal() ([]byte, error) {
	list := make([]json.RawMessage, 0, len(i.entries))
	for _, e := range i.entries {
		list = append(list, e.raw)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	i.fields["manifests"] = raw
	if raw, err = json.MarshalIndent(i.fields, "", "  "); err != nil {
		return nil, err
	}
	return append(bytes.TrimSpace(raw), '\n'), nil
}

// readLimited reads a file that is at most limit bytes long.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = errors.New(filepath.Base(name) + " is too large")
	}
	return raw, err
}
