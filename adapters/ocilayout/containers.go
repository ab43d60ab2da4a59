package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// container is the content of containers/<name>.json.
type container struct {
	Canonical    string `json:"canonical"`
	Architecture string `json:"architecture"`
}

// Run notes that the container name uses an image of the layout in dir, which an
// agent must have opened before. A layout has no runtime that could be asked:
// with Run and [Stop] the node's runtime tells what it uses, and demos and tests
// simulate containers. The image must be there (not_found, image_not_found); a
// name that is taken now uses this image.
func Run(ctx context.Context, dir, name, canonical, architecture string) error {
	img, err := key(canonical, architecture)
	if err == nil {
		err = checkContainer(name)
	}
	if err != nil {
		return err
	}
	l := newLayout(filepath.Clean(dir), dir)
	return l.locked(ctx, func() error {
		idx, err := l.readIndex()
		if err != nil {
			return err
		}
		if err := l.removable(idx, img, true); err != nil { // only that it is there
			return err
		}
		raw, err := json.Marshal(container{img.canonical, img.architecture})
		if err == nil {
			err = l.replace(filepath.Join(containerDir, name+".json"), raw)
		}
		if err != nil {
			return storageError(l.on, "containers", err)
		}
		return nil
	})
}

// Stop takes back what [Run] noted. An unknown name is not_found, reason
// container_not_found.
func Stop(ctx context.Context, dir, name string) error {
	if err := checkContainer(name); err != nil {
		return err
	}
	l := newLayout(filepath.Clean(dir), dir)
	return l.locked(ctx, func() error {
		switch err := os.Remove(l.path(containerDir, name+".json")); {
		case errors.Is(err, fs.ErrNotExist):
			return domain.NotFound("container", name)
		case err != nil:
			return storageError(l.on, "containers", err)
		}
		return nil
	})
}

func checkContainer(name string) error {
	form := regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$`)
	if !form.MatchString(name) {
		return domain.Invalid("container_invalid", "name", "not a name of a container: %s", domain.Quote(name))
	}
	return nil
}

// containers reads the notes. One that cannot be read is an error: to pass over
// it could remove an image from under a container.
func (l *layout) containers() (map[image][]string, error) {
	files, err := os.ReadDir(l.path(containerDir))
	if err != nil {
		return nil, storageError(l.on, "containers", err)
	}
	used := map[image][]string{}
	for _, f := range files {
		name, isNote := strings.CutSuffix(f.Name(), ".json")
		if !isNote {
			continue
		}
		raw, err := readLimited(l.path(containerDir, f.Name()), maxDocument)
		var c container
		if err == nil {
			err = json.Unmarshal(raw, &c)
		}
		if err != nil {
			return nil, storageError(l.on, "container "+name, err)
		}
		img, err := key(c.Canonical, c.Architecture)
		if err != nil {
			return nil, storageError(l.on, "container "+name, err)
		}
		used[img] = append(used[img], name)
	}
	for _, names := range used {
		slices.Sort(names)
	}
	return used, nil
}
