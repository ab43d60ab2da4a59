package ocilayout

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wharf-project/wharf/domain"
)

const (
	pullDir = "pulls"
	pinFile = "pins.json"
)

// pin is a pull under way: a directory for what is being written and the list of
// blobs that a removal must leave alone. The lock on the list lives as long as
// the process does, so what a crash leaves is told from what is alive.
type pin struct {
	dir  string
	list *os.File
}

// pin starts a pull. It needs the layout's lock, so that no removal sees a list
// that is half written.
func (l *layout) pin(content []descriptor) (*pin, error) {
	dir, err := os.MkdirTemp(l.path(privateDir, pullDir), "pull-")
	if err != nil {
		return nil, storageError(l.on, "pull", err)
	}
	list, err := os.Create(filepath.Join(dir, pinFile))
	if err != nil {
		return nil, storageError(l.on, "pull", errors.Join(err, os.RemoveAll(dir)))
	}
	p := &pin{dir: dir, list: list}
	digests := make([]domain.Digest, 0, len(content))
	for _, d := range content {
		digests = append(digests, d.Digest)
	}
	if _, err = tryLock(list); err == nil {
		err = json.NewEncoder(list).Encode(digests)
	}
	if err != nil {
		p.release()
		return nil, storageError(l.on, "pull", err)
	}
	return p, nil
}

// release ends the pull; nil is allowed.
func (p *pin) release() {
	if p != nil {
		_ = os.RemoveAll(p.dir) // what stays is swept like a crash's
		_ = p.list.Close()
	}
}

// pinned returns the blobs of pulls under way and clears what crashed ones left.
func (l *layout) pinned() (map[domain.Digest]bool, error) {
	keep := map[domain.Digest]bool{}
	pulls, err := os.ReadDir(l.path(privateDir, pullDir))
	if err != nil {
		return nil, storageError(l.on, "pull", err)
	}
	for _, pull := range pulls {
		dir := l.path(privateDir, pullDir, pull.Name())
		list, err := os.OpenFile(filepath.Join(dir, pinFile), os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(dir)
			continue
		}
		if err != nil {
			return nil, storageError(l.on, "pull", err)
		}
		dead, err := tryLock(list)
		var digests []domain.Digest
		if err == nil && !dead {
			err = json.NewDecoder(list).Decode(&digests)
		}
		if dead {
			_ = os.RemoveAll(dir)
		}
		_ = list.Close()
		if err != nil {
			return nil, storageError(l.on, "pull", err)
		}
		for _, d := range digests {
			keep[d] = true
		}
	}
	return keep, nil
}
