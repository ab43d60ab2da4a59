package containers

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// rootFS writes a root file system as the one layer of an image.
type rootFS struct {
	file *os.File
	tar  *tar.Writer
	seen map[string]bool
}

// newRootFS begins a root file system with the layout that Debian has since the merge of / and /usr.
func newRootFS(dir string) (*rootFS, error) {
	f, err := os.Create(filepath.Join(dir, "layer.tar"))
	if err != nil {
		return nil, err
	}
	fs := &rootFS{file: f, tar: tar.NewWriter(f), seen: map[string]bool{}}
	for _, top := range []string{"bin", "sbin", "lib", "lib64"} {
		err = errors.Join(err, fs.directory("usr/"+top, 0o755, 0), fs.symlink(top, "usr/"+top))
	}
	return fs, errors.Join(err, fs.directory("tmp", 0o1777, 0), fs.directory("run", 0o755, 0),
		fs.directory("var", 0o755, 0), fs.symlink("var/run", "/run"))
}

func (fs *rootFS) directory(name string, mode int64, owner int) error {
	return fs.add(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner}, nil)
}

func (fs *rootFS) symlink(name, target string) error {
	return fs.add(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, nil)
}

func (fs *rootFS) text(name string, mode int64, content string) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	return fs.add(header, strings.NewReader(content))
}

// program adds an executable file of this machine.
func (fs *rootFS) program(name, source string) error {
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return fs.add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: info.Size()}, f)
}

// add writes one entry; the first of a name wins, as every package brings the directories it is in.
func (fs *rootFS) add(header *tar.Header, content io.Reader) error {
	if fs.seen[header.Name] {
		return nil
	}
	fs.seen[header.Name] = true
	if err := fs.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: %w", header.Name, err)
	}
	if content == nil {
		return nil
	}
	_, err := io.Copy(fs.tar, content)
	return err
}

// debian unpacks a Debian package without running its scripts. Files for which skip says so are left out.
func (fs *rootFS) debian(ctx context.Context, deb string, skip func(name string) bool) error {
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = fs.merge(tar.NewReader(out), skip)
	_, _ = io.Copy(io.Discard, out) // the padding after the last entry, or dpkg-deb dies of a broken pipe
	if err = errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w %s", filepath.Base(deb), err, &complaints)
	}
	return nil
}

func (fs *rootFS) merge(r *tar.Reader, skip func(name string) bool) error {
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		header.Name = mergedPath(header.Name)
		if header.Name == "." || skip(header.Name) {
			continue
		}
		if header.Typeflag == tar.TypeLink {
			header.Linkname = mergedPath(header.Linkname)
		}
		if err := fs.add(header, r); err != nil {
			return err
		}
	}
}

// mergedPath says where a package's file is since the merge of / and /usr.
func mergedPath(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	switch top, _, _ := strings.Cut(name, "/"); top {
	case "":
		return "."
	case "bin", "sbin", "lib", "lib64":
		return "usr/" + name
	}
	return name
}

// image ends the file system and makes an image of it.
func (fs *rootFS) image(config v1.Config) (v1.Image, error) {
	if err := errors.Join(fs.tar.Close(), fs.file.Close()); err != nil {
		return nil, err
	}
	// The layer goes to an engine on the same machine: time matters, size does not.
	layer, err := tarball.LayerFromFile(fs.file.Name(), tarball.WithCompressionLevel(gzip.NoCompression))
	if err != nil {
		return nil, err
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: time.Now()},
		Config:       config,
		RootFS:       v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(img, layer)
}
