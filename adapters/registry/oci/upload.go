package oci

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/wharf-project/wharf/domain"
)

// Has reports whether the repository has a blob, at the cost of one HEAD.
func (r *Repository) Has(ctx context.Context, d domain.Digest) (bool, error) {
	q := r.blobQuery(http.MethodHead, d)
	a, err := r.client.ask(ctx, q)
	switch {
	case err == nil && a.saysAbsent():
		return false, nil
	case err != nil || !a.succeeded():
		return false, r.client.translate(ctx, r.op(), q, a, err)
	}
	return true, nil
}

// Upload sends a blob that the repository does not have; the registry verifies
// it, and refuses other content: precondition, reason digest_mismatch, on the
// digest. from, unless it is "", names a repository of the same registry that may
// have the blob: then it is mounted, where the registry does that, and nothing
// is sent. open gives a file that stands where the blob begins; it is closed
// here. A connection that is lost is made again, and the blob begins anew unless
// it has arrived. told, which may be nil, is called as by [Repository.Download].
//
// sent counts all bytes that went out, those of a try that failed too; a mounted
// blob is 0.
func (r *Repository) Upload(ctx context.Context, b Blob, from string, open func() (*os.File, error), told func(current int64)) (sent int64, err error) {
	var now atomic.Pointer[span]
	position := func() int64 {
		if s := now.Load(); s != nil {
			return s.position()
		}
		return 0
	}
	first := true
	a, err := r.client.endure(ctx, position, told, func(ctx context.Context) (answer, error) {
		if !first {
			if there, err := r.Has(ctx, b.Digest); err != nil || there {
				return answer{status: http.StatusCreated}, err
			}
		}
		to, a, err := r.begin(ctx, b, from, first)
		first = false
		if err != nil || to == nil {
			return a, err
		}
		resp, a, err := r.client.stream(ctx, request{
			query: r.uploadQuery(http.MethodPut, b.Digest), url: to, size: b.Size,
			header: http.Header{"Content-Type": {"application/octet-stream"}},
			body: func() (io.ReadCloser, error) {
				f, err := open()
				if err != nil {
					return nil, err
				}
				s, err := newSpan(f, b.Size)
				if err != nil {
					return nil, err
				}
				if old := now.Swap(s); old != nil {
					sent += old.position()
				}
				return s, nil
			},
		})
		if resp != nil {
			_ = resp.Body.Close()
		}
		if err == nil && a.diagnostics().has(transport.BlobUploadUnknownErrorCode) {
			a.status = http.StatusServiceUnavailable // the upload got lost; the next one may not
		}
		return a, err
	})
	sent += position()
	if err != nil || !a.succeeded() {
		err = r.client.translate(ctx, opPush, r.uploadQuery(http.MethodPut, b.Digest), a, err)
		if e, coded := errors.AsType[*domain.Error](err); coded && e.Reason == reasonMismatch {
			e.On = b.Digest.String()
		}
		return sent, err
	}
	return sent, nil
}

// begin asks where to send a blob; nil and a success when there is nothing to
// send.
func (r *Repository) begin(ctx context.Context, b Blob, from string, mount bool) (*url.URL, answer, error) {
	q := r.uploadQuery(http.MethodPost, b.Digest)
	q.path = "/v2/" + r.path + "/blobs/uploads/"
	if mount = mount && from != "" && from != r.path; mount {
		q.scope = scopeMount(r.path, from)
		q.rawQuery = url.Values{"mount": {b.Digest.String()}, "from": {from}}.Encode()
	}
	a, err := r.sendOnce(ctx, q, nil, nil)
	if mount && ctx.Err() == nil && (err != nil || a.status >= http.StatusBadRequest && a.status != http.StatusTooManyRequests) {
		return r.begin(ctx, b, "", false) // the other repository, or a token for both, may be out of reach
	}
	if err != nil || !a.succeeded() || mount && a.status == http.StatusCreated {
		return nil, a, err
	}
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" {
		return nil, answer{}, r.client.malformed(opPush, q, "no place to send a blob to")
	}
	to = r.client.base.ResolveReference(&url.URL{Path: q.path}).ResolveReference(to)
	values := to.Query()
	values.Set("digest", b.Digest.String())
	to.RawQuery = values.Encode()
	return to, a, nil
}

func (r *Repository) uploadQuery(method string, d domain.Digest) query {
	q := r.blobQuery(method, d)
	q.subject = aboutPush
	return q
}

// span is the part of a file that a request sends. It has what net looks for
// (SyscallConn) to leave the copying to the kernel, so progress is where the file
// stands and not what was read here.
type span struct {
	file       *os.File
	start, end int64
	last       atomic.Int64
}

func newSpan(f *os.File, size int64) (*span, error) {
	start, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	s := &span{file: f, start: start, end: start + size}
	s.last.Store(start)
	return s, nil
}

func (s *span) Read(p []byte) (int, error) {
	at, err := s.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if at >= s.end {
		return 0, io.EOF
	}
	return s.file.Read(p[:min(int64(len(p)), s.end-at)])
}

// SyscallConn gives the file to the kernel.
func (s *span) SyscallConn() (syscall.RawConn, error) { return s.file.SyscallConn() }

func (s *span) Close() error {
	s.position()
	return s.file.Close()
}

// position is how much was sent, also after Close.
func (s *span) position() int64 {
	if at, err := s.file.Seek(0, io.SeekCurrent); err == nil {
		s.last.Store(at)
	}
	return s.last.Load() - s.start
}
