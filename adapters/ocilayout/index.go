package ocilayout

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// refName is the annotation that names an entry of index.json.
const refName = "org.opencontainers.image.ref.name"

// descriptor is the part of an OCI descriptor that matters here.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      domain.Digest     `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// linux tells whether the platform is one that nodes run.
func (p platform) linux() bool { return p.OS == "linux" || p.OS == "" }

// index is index.json. Entries and fields of other tools are carried through
// unread.
type index struct {
	fields  map[string]json.RawMessage
	entries []entry
	odd     bool // an entry makes no sense: what it refers to is not known
}

type entry struct {
	raw  json.RawMessage
	desc descriptor
}

// canonical returns the image that the entry stands for, "" when it is none of
// ours. Other tools write tags ("latest") or nothing into the annotation; those
// entries are neither reported nor touched.
func (e entry) canonical() string {
	name := e.desc.Annotations[refName]
	if !strings.Contains(name, "/") || !types.MediaType(e.desc.MediaType).IsImage() {
		return ""
	}
	if e.desc.Platform != nil && !e.desc.Platform.linux() {
		return ""
	}
	return name
}

// readIndex reads index.json. Anything wrong with the file as a whole is an
// error; a single entry that makes no sense is carried through. A blob may be
// missing, but a missing directory of blobs is a lost disk.
func (l *layout) readIndex() (*index, error) {
	if _, err := os.ReadDir(l.path(blobDir)); err != nil {
		return nil, storageError(l.on, "blobs", err)
	}
	raw, err := readLimited(l.path(indexFile), maxJSONOnDisk)
	if err != nil {
		return nil, storageError(l.on, "index.json", err)
	}
	idx := &index{}
	if err := json.Unmarshal(raw, &idx.fields); err != nil {
		return nil, storageError(l.on, "index.json", err)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(idx.fields["manifests"], &entries); err != nil {
		return nil, storageError(l.on, "index.json", errors.Join(errors.New("manifests"), err))
	}
	for _, r := range entries {
		e := entry{raw: r}
		if err := json.Unmarshal(r, &e.desc); err != nil {
			e.desc, idx.odd = descriptor{}, true
		}
		idx.entries = append(idx.entries, e)
	}
	return idx, nil
}

// writeIndex replaces index.json.
func (l *layout) writeIndex(idx *index) error {
	entries := make([]json.RawMessage, 0, len(idx.entries))
	for _, e := range idx.entries {
		entries = append(entries, e.raw)
	}
	var err error
	if idx.fields["manifests"], err = json.Marshal(entries); err != nil {
		return storageError(l.on, "index.json", err)
	}
	raw, err := json.MarshalIndent(idx.fields, "", "  ")
	if err == nil {
		err = l.replace(indexFile, append(bytes.TrimSpace(raw), '\n'))
	}
	if err != nil {
		return storageError(l.on, "index.json", err)
	}
	return nil
}

// image is what identifies an image on an agent.
type image struct {
	canonical    string
	architecture string
}

// key checks and normalises what a caller names.
func key(canonical, architecture string) (image, error) {
	arch, err := domain.NormalizeArchitecture(architecture)
	if err != nil {
		return image{}, err
	}
	if !strings.Contains(canonical, "/") {
		return image{}, domain.Invalid("reference_invalid", "canonical", "not a canonical name: %s", domain.Quote(canonical))
	}
	return image{canonical: canonical, architecture: arch}, nil
}

func (i image) String() string { return i.canonical + " (" + i.architecture + ")" }

// find returns the entries of an image: one, unless another tool wrote more.
func (l *layout) find(idx *index, img image) ([]entry, error) {
	var found []entry
	for _, e := range idx.entries {
		if e.canonical() != img.canonical {
			continue
		}
		arch, err := l.architecture(e.desc)
		if err != nil {
			return nil, err
		}
		if arch == img.architecture {
			found = append(found, e)
		}
	}
	return found, nil
}

// put makes e the only entry of img.
func (l *layout) put(idx *index, img image, e entry) error {
	if err := l.drop(idx, img); err != nil {
		return err
	}
	idx.entries = append(idx.entries, e)
	return nil
}

// drop takes the entries of img out of idx.
func (l *layout) drop(idx *index, img image) error {
	gone, err := l.find(idx, img)
	if err != nil {
		return err
	}
	idx.entries = slices.DeleteFunc(idx.entries, func(e entry) bool {
		return slices.ContainsFunc(gone, func(g entry) bool { return bytes.Equal(g.raw, e.raw) })
	})
	return nil
}
