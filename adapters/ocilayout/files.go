package ocilayout

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// replace writes a file so that a reader, and the disk after a crash, has either
// the old content or the new one, never a part.
func (l *layout) replace(name string, content []byte) error {
	tmp, err := os.CreateTemp(l.path(privateDir), filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	return l.settle(tmp, l.path(name), err)
}

// settle ends the writing of tmp: makes it durable and gives it its name. With
// an error it only cleans up.
func (l *layout) settle(tmp *os.File, name string, err error) error {
	if err == nil {
		err = errors.Join(tmp.Chmod(0o644), tmp.Sync())
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the next removal sweeps what stays
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes renames in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
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
