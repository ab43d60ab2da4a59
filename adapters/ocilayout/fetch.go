package ocilayout

import (
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/wharf-project/wharf/domain"
)

// fetchBlob brings one blob here unless it is here already. It gets its name
// only after its size and digest were verified.
func (a *agent) fetchBlob(ctx context.Context, s *source, d descriptor, mine *pin, m *meter) error {
	unlock, err := a.blobs.lock(ctx, d.Digest.String())
	if err != nil {
		return err
	}
	defer unlock()
	if held, err := a.layout.holds(d); err != nil || held {
		m.add(d.Size)
		return err
	}
	content, err := s.blob(ctx, d.Digest)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	tmp, err := a.layout.newBlob(d.Digest, mine)
	if err != nil {
		return err
	}
	w := &blobWriter{file: tmp, hash: hasher(d.Digest.Algorithm()), meter: m, on: a.layout.on}
	// One byte more than promised is enough to know that the promise is broken.
	n, err := io.Copy(w, io.LimitReader(content, d.Size+1))
	if err == nil && (n != d.Size || sumOf(w.hash, d.Digest.Algorithm()) != d.Digest) {
		err = mismatch(s.on, "the registry sent other content than %s", d.Digest)
	}
	if err = a.layout.settle(tmp, a.layout.blobPath(d.Digest), err); err == nil {
		return nil
	}
	if _, coded := errors.AsType[*domain.Error](err); coded {
		return err
	}
	return storageError(a.layout.on, "blobs", err)
}

// newBlob opens a file for a blob that is being written.
func (l *layout) newBlob(d domain.Digest, mine *pin) (*os.File, error) {
	// Not with its parents: a directory that was taken away must stay away.
	if err := os.Mkdir(l.path(blobDir, d.Algorithm()), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, storageError(l.on, "blobs", err)
	}
	tmp, err := os.CreateTemp(mine.dir, d.Hex()[:12]+"-*")
	if err != nil {
		return nil, storageError(l.on, "blobs", err)
	}
	return tmp, nil
}

// blobWriter writes, hashes and counts, and tells the disk's errors from the
// network's.
type blobWriter struct {
	file  *os.File
	hash  hash.Hash
	meter *meter
	on    string
}

func (w *blobWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.hash.Write(p[:n])
	w.meter.add(int64(n))
	if err != nil {
		err = storageError(w.on, "blobs", err)
	}
	return n, err
}

// meter counts bytes of many goroutines and reports them from one.
type meter struct {
	total int64
	now   atomic.Int64
	wake  chan struct{}
}

func newMeter(content []descriptor) *meter {
	m := &meter{wake: make(chan struct{}, 1)}
	for _, d := range content {
		m.total += d.Size
	}
	return m
}

func (m *meter) add(n int64) {
	m.now.Add(n)
	select {
	case m.wake <- struct{}{}:
	default: // a report is due anyway
	}
}

// run does the work beside and reports from the calling goroutine: at the start,
// at steps of about a percent, and at the end.
func (m *meter) run(p domain.Progress, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	p.Report(0, m.total, "pulling")
	step := max(m.total/100, 64<<10)
	for last := int64(0); ; {
		select {
		case <-m.wake:
			// A blob that turns out longer than promised must not show as 101 %.
			if now := min(m.now.Load(), m.total); now >= last+step {
				p.Report(now, m.total, "pulling")
				last = now
			}
		case err := <-done:
			if err == nil {
				p.Report(m.total, m.total, "pulled")
			}
			return err
		}
	}
}
