package transfer

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// archive is a tar file with images: of an OCI layout, or as docker save wrote
// it. It is read where it lies, nothing is unpacked; one that is compressed as a
// whole is decompressed into a temporary file first.
type archive struct {
	file     string
	unsynced bool
}

func (a *archive) String() string { return "archive:" + a.file }

// maxMembers bounds the files of an archive.
const maxMembers = 1 << 20

// member is a file in a tar archive, or a link to one.
type member struct {
	at, size int64
	link     string // the name of another member
}

// unpacked is an archive that was looked at.
type unpacked struct {
	on      string
	name    string // of the tar file
	info    os.FileInfo
	members map[string]member
	temp    string // a directory for what is made of it; "" for none yet
}

func (a *archive) look(ctx context.Context) (*content, error) {
	u, err := a.unpack(ctx)
	if absent(err) {
		return &content{on: a.String(), open: func(domain.Digest) (*os.File, int64, error) { return nil, 0, fs.ErrNotExist }}, nil
	}
	if err != nil {
		return nil, storageError(a.String(), "look", err)
	}
	var c *content
	if _, isLayout := u.members[indexFile]; isLayout {
		c, err = u.layout()
	} else {
		c, err = u.saved(ctx)
	}
	if err != nil {
		u.close()
		return nil, storageError(a.String(), "look", err)
	}
	c.done = u.close
	return c, nil
}

func (u *unpacked) close() {
	if u.temp != "" {
		_ = os.RemoveAll(u.temp)
	}
}

// tempDir is where things are kept until close.
func (u *unpacked) tempDir() (string, error) {
	if u.temp != "" {
		return u.temp, nil
	}
	dir, err := os.MkdirTemp("", "wharf-archive-*")
	u.temp = dir
	return dir, err
}

// unpack finds the members.
func (a *archive) unpack(ctx context.Context) (_ *unpacked, err error) {
	u := &unpacked{on: a.String(), name: a.file, members: map[string]member{}}
	defer func() {
		if err != nil {
			u.close()
		}
	}()
	f, err := os.Open(a.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	magic := make([]byte, 2)
	if _, err := io.ReadFull(f, magic); err != nil {
		return nil, notAStore(a.String(), "the file is no tar archive")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	tarball := f
	if isGzip(magic) {
		if tarball, err = u.decompress(ctx, f); err != nil {
			return nil, err
		}
		defer func() { _ = tarball.Close() }()
	}
	if u.info, err = tarball.Stat(); err != nil {
		return nil, err
	}
	return u, u.scan(ctx, tarball)
}

func isGzip(magic []byte) bool { return len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b }

func (u *unpacked) decompress(ctx context.Context, f *os.File) (*os.File, error) {
	dir, err := u.tempDir()
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, notAStore(u.on, "the file is no tar archive")
	}
	u.name = filepath.Join(dir, "archive.tar")
	to, err := os.Create(u.name)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(to, reading{ctx, z}); err == nil {
		_, err = to.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = to.Close()
		return nil, err
	}
	return to, nil
}

// scan notes where the members are. The reader of tar reads headers alone and
// seeks over content, so the file stands where a member begins.
func (u *unpacked) scan(ctx context.Context, f *os.File) error {
	r := tar.NewReader(f)
	for range maxMembers {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return notAStore(u.on, "the file is no tar archive that can be read")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Clean("/" + h.Name)[1:]
		switch h.Typeflag {
		case tar.TypeReg:
			for key := range h.PAXRecords {
				if strings.HasPrefix(key, "GNU.sparse.") {
					return notAStore(u.on, "the archive has sparse files")
				}
			}
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			u.members[name] = member{at: at, size: h.Size}
		case tar.TypeLink:
			u.members[name] = member{link: path.Clean("/" + h.Linkname)[1:]}
		case tar.TypeSymlink:
			u.members[name] = member{link: path.Join("/", path.Dir(name), h.Linkname)[1:]}
		}
	}
	return notAStore(u.on, "the archive has more than %d files", maxMembers)
}

// find follows links; docker save links layers that it wrote before.
func (u *unpacked) find(name string) (member, bool) {
	m, found := u.members[path.Clean("/" + name)[1:]]
	for range 8 {
		if !found || m.link == "" {
			return m, found
		}
		m, found = u.members[m.link]
	}
	return member{}, false
}

// open gives a file that stands where the member begins.
func (u *unpacked) open(m member) (*os.File, error) {
	f, err := os.Open(u.name)
	if err != nil {
		return nil, errors.Join(err, errChanged)
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, u.info) {
		err = errChanged
	}
	if err == nil {
		_, err = f.Seek(m.at, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

var errChanged = errors.New("the archive was replaced while it was read")

// small reads a document of the archive.
func (u *unpacked) small(name string, limit int64) ([]byte, error) {
	m, found := u.find(name)
	if !found || m.size > limit {
		return nil, notAStore(u.on, "the archive has no %s that can be read", domain.Quote(name))
	}
	f, err := u.open(m)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw := make([]byte, m.size)
	_, err = io.ReadFull(f, raw)
	return raw, err
}

// layout reads an archive of an OCI layout.
func (u *unpacked) layout() (*content, error) {
	raw, err := u.small(indexFile, maxIndex)
	if err != nil {
		return nil, err
	}
	idx, err := parseIndex(raw)
	if err != nil {
		return nil, notAStore(u.on, "index.json cannot be read")
	}
	return &content{on: u.on, entries: idx.entries, fields: idx.fields, open: u.blob}, nil
}

// blob opens a blob of an OCI layout.
func (u *unpacked) blob(d domain.Digest) (*os.File, int64, error) {
	m, found := u.find(path.Join(blobDir, d.Algorithm(), d.Hex()))
	if !found {
		return nil, 0, fs.ErrNotExist
	}
	f, err := u.open(m)
	return f, m.size, err
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	r   io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
