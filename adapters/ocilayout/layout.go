package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

const (
	markerFile     = "oci-layout"
	indexFile      = "index.json"
	blobDir        = "blobs"
	containerDir   = "containers"
	privateDir     = ".wharf" // our lock and what is being written; the specification lets layouts hold more files
	layoutVersion  = "1.0.0"
	maxJSONOnDisk  = 64 << 20
	emptyIndexJSON = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`
)

// layout is the directory. Every method but create and lock needs the lock.
type layout struct {
	dir  string
	on   string // names the agent in errors
	turn chan struct{}
}

func newLayout(dir, on string) *layout {
	return &layout{dir: dir, on: on, turn: make(chan struct{}, 1)}
}

func (l *layout) path(elem ...string) string {
	return filepath.Join(append([]string{l.dir}, elem...)...)
}

// create makes an empty layout unless there is one. What exists and is neither
// empty nor a layout is refused: a typing error must not turn a home directory
// into an agent.
func (l *layout) create(ctx context.Context) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		if info, statErr := os.Stat(l.dir); statErr == nil && !info.IsDir() {
			return l.foreign("is not a directory")
		}
		return storageError(l.on, "create", err)
	}
	if err := l.checkForeign(); err != nil {
		return err
	}
	if err := os.MkdirAll(l.path(privateDir, pullDir), 0o755); err != nil {
		return storageError(l.on, "create", err)
	}
	unlock, err := l.lockFile(ctx, os.O_CREATE)
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.complete(); err != nil {
		return storageError(l.on, "create", err)
	}
	_, err = l.readIndex()
	return err
}

// checkForeign refuses directories that hold something else.
func (l *layout) checkForeign() error {
	switch err := l.readMarker(); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return storageError(l.on, "create", err)
	}
	mine := []string{"lost+found"} // of a fresh file system
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == privateDir }) {
		mine = append(mine, privateDir, blobDir, containerDir, indexFile) // a creation that was cut off
	}
	for _, e := range entries {
		if !slices.Contains(mine, e.Name()) {
			return l.foreign("holds " + domain.Quote(e.Name()) + " and is not an image layout")
		}
	}
	return nil
}

// complete makes what is missing, the marker last. An index is never made where
// blobs are: a lost index is damage, not an agent that holds nothing.
func (l *layout) complete() error {
	for _, dir := range []string{blobDir, containerDir} {
		if err := os.Mkdir(l.path(dir), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if _, err := os.Stat(l.path(markerFile)); err == nil {
		return nil
	}
	if _, err := os.Stat(l.path(indexFile)); errors.Is(err, fs.ErrNotExist) {
		if algorithms, err := os.ReadDir(l.path(blobDir)); err != nil || len(algorithms) > 0 {
			return errors.Join(errors.New("index.json is lost"), err)
		}
		if err := l.replace(indexFile, []byte(emptyIndexJSON)); err != nil {
			return err
		}
	}
	return l.replace(markerFile, []byte(`{"imageLayoutVersion":"`+layoutVersion+`"}`))
}

// readMarker checks the oci-layout file; fs.ErrNotExist stays visible.
func (l *layout) readMarker() error {
	raw, err := readLimited(l.path(markerFile), maxJSONOnDisk)
	if err != nil {
		return storageError(l.on, "oci-layout", err)
	}
	var marker struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(raw, &marker); err != nil || marker.Version != layoutVersion {
		return l.foreign("is not an image layout of version " + layoutVersion)
	}
	return nil
}

func (l *layout) foreign(what string) error {
	return domain.Invalid("agent_invalid", "address", "%s %s", domain.Quote(l.dir), what)
}
