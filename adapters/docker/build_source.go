package docker

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/wharf-project/wharf/domain"
)

// source writes the context of a build, a tar archive. Its own errors are coded;
// those of the writer, which is the engine's, it passes on.
type source func(ctx context.Context, w io.Writer) error

func sourceOf(s domain.BuildSource) (source, error) {
	switch {
	case s.Type == domain.BuildFromDirectory && filepath.IsAbs(s.Path):
		return directory(s.Path), nil
	case s.Type == domain.BuildFromTarball && filepath.IsAbs(s.Path):
		return tarball(s.Path), nil
	case s.Type == domain.BuildFromTemplate && s.Template != nil:
		return template(*s.Template)
	}
	return nil, domain.Invalid(reasonSource, "source", "a build has a directory, a tarball or a template as its source")
}

// unreadable is coded, unlike what goes wrong with the engine. The path is the
// server's own business: its last part says enough.
func unreadable(name string, err error) error {
	name = filepath.Base(name)
	e := domain.Errorf(domain.CodePrecondition, reasonUnreadable, name, "the source of the build cannot be read: %s", domain.Quote(name))
	if errors.Is(err, fs.ErrNotExist) {
		e = domain.NotFound("build_source", name)
	}
	e.Err = err
	return e
}

// tarball sends a file as it is: engines see by themselves how it is compressed,
// and unpack it in a cage.
func tarball(name string) source {
	return func(_ context.Context, w io.Writer) error {
		is, err := os.Stat(name)
		if err == nil && !is.Mode().IsRegular() {
			err = errors.New("it is not a file") // and opening could block
		}
		if err != nil {
			return unreadable(name, err)
		}
		f, err := os.Open(name)
		if err != nil {
			return unreadable(name, err)
		}
		defer func() { _ = f.Close() }() // nothing is written
		_, err = io.Copy(w, f)
		return err
	}
}

// directory sends what .dockerignore leaves of a folder. Symbolic links are sent
// as such and never followed, so nothing outside of it is read.
func directory(name string) source {
	return func(ctx context.Context, w io.Writer) error {
		root, err := os.OpenRoot(name)
		if err != nil {
			return unreadable(name, err)
		}
		defer func() { _ = root.Close() }()
		ignored, err := ignores(root)
		if err != nil {
			return unreadable(name, err)
		}
		archive := tar.NewWriter(w)
		err = fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return unreadable(name, err)
			case ctx.Err() != nil:
				return contextError(ctx, "build")
			case file == ".":
				return nil
			}
			if out, err := ignored.MatchesOrParentMatches(filepath.FromSlash(file)); err != nil || out {
				if err == nil && entry.IsDir() && !ignored.Exclusions() {
					return fs.SkipDir
				}
				return err
			}
			return addFile(archive, root, file, entry)
		})
		if err != nil {
			return err
		}
		return archive.Close()
	}
}

// ignores reads .dockerignore. The two files that the engine itself needs are
// always sent.
func ignores(root *os.Root) (*patternmatcher.PatternMatcher, error) {
	f, err := root.Open(".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		return patternmatcher.New(nil)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing is written
	patterns, err := ignorefile.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	for _, needed := range []string{"Dockerfile", ".dockerignore"} {
		if out, err := ignored.MatchesOrParentMatches(needed); err != nil || out {
			patterns = append(patterns, "!"+needed)
		}
	}
	return patternmatcher.New(patterns)
}

// addFile adds a file, a folder or a link. What is none of these (a socket, a
// device) has no place in an image.
func addFile(archive *tar.Writer, root *os.Root, file string, entry fs.DirEntry) error {
	is, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it went away meanwhile
	}
	if err != nil {
		return unreadable(file, err)
	}
	link := ""
	switch {
	case is.Mode().IsRegular(), is.IsDir():
	case is.Mode()&fs.ModeSymlink != 0:
		if link, err = root.Readlink(file); err != nil {
			return unreadable(file, err)
		}
	default:
		return nil
	}
	var f *os.File
	if is.Mode().IsRegular() {
		if f, err = root.Open(file); err != nil {
			return unreadable(file, err)
		}
		defer func() { _ = f.Close() }()                              // nothing is written
		if is, err = f.Stat(); err != nil || !is.Mode().IsRegular() { // it may be another one by now
			return err
		}
	}
	header, err := tar.FileInfoHeader(is, filepath.ToSlash(link))
	if err != nil {
		return unreadable(file, err)
	}
	header.Name = file
	if is.IsDir() {
		header.Name += "/"
	}
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", "" // whose they are here means nothing there
	if err := archive.WriteHeader(header); err != nil || f == nil {
		return err
	}
	if n, err := io.CopyN(archive, f, header.Size); errors.Is(err, io.EOF) {
		return unreadable(file, errors.New("it shrank while it was read"))
	} else if err != nil || n == header.Size {
		return err
	}
	return nil
}

// inApp tells whether a path of a template stays in the working directory and is
// spelt as the file system would.
func inApp(p string) bool {
	return p != "" && p != "." && len(p) <= 1024 && !path.IsAbs(p) && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../")
}
