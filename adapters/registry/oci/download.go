package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/wharf-project/wharf/domain"
)

// Blob says which content moves: a layer or a configuration.
type Blob struct {
	Digest domain.Digest
	Size   int64 // bytes
}

// maxBuffer spares calls, and what is in it is still in the processor's cache
// when it is hashed.
const maxBuffer = 128 << 10

// Download writes a blob to w, in order and each byte once, while it computes
// the digest. A connection that is lost is made again, and goes on where it
// ended where the registry can. told, which may be nil, is called with how much
// is there, ten times a second at most, from another goroutine, and not after
// Download has returned. Content of another size or digest is precondition,
// reason digest_mismatch, on the digest: w holds something else then. Coded
// errors of w come back as they are.
func (r *Repository) Download(ctx context.Context, b Blob, w io.Writer, told func(current int64)) error {
	h, err := v1.Hasher(b.Digest.Algorithm())
	if err != nil {
		return domain.Invalid("digest_invalid", "digest", "no digest that can be verified: %s", domain.Quote(b.Digest.String()))
	}
	to := &receiver{w: w, hash: h}
	a, err := r.client.endure(ctx, to.n.Load, told, func(ctx context.Context) (answer, error) {
		return r.receive(ctx, b, to)
	})
	if err != nil || to.n.Load() < b.Size && !a.succeeded() {
		return r.client.translate(ctx, r.op(), r.blobQuery(http.MethodGet, b.Digest), a, err)
	}
	if to.n.Load() != b.Size || fmt.Sprintf("%s:%x", b.Digest.Algorithm(), h.Sum(nil)) != b.Digest.String() {
		return r.mismatch(r.op(), b.Digest)
	}
	return nil
}

// receive gets what is missing.
func (r *Repository) receive(ctx context.Context, b Blob, to *receiver) (answer, error) {
	have := to.n.Load()
	if have >= b.Size {
		return answer{}, nil
	}
	q := r.blobQuery(http.MethodGet, b.Digest)
	h := http.Header{"Accept-Encoding": {"identity"}} // the bytes that the digest is of
	if have > 0 {
		h.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
	}
	resp, a, err := r.client.stream(ctx, request{query: q, url: r.client.base.ResolveReference(&url.URL{Path: q.path}), header: h})
	if err != nil || resp == nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	body := io.Reader(resp.Body)
	switch from := strings.HasPrefix(resp.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(have, 10)+"-"); {
	case a.status == http.StatusPartialContent && from && have > 0:
	case a.status != http.StatusOK:
		return a, r.client.malformed(r.op(), q, "a part of a blob that was not asked for")
	case have > 0: // it begins anew
		if _, err := io.CopyN(io.Discard, body, have); err != nil {
			return a, err
		}
	}
	// One byte more than promised is enough to know that the promise is broken.
	left := b.Size - have + 1
	_, err = io.CopyBuffer(to, io.LimitReader(body, left), make([]byte, min(left, maxBuffer)))
	return a, err
}

// receiver counts and hashes what is written.
type receiver struct {
	w    io.Writer
	hash io.Writer
	n    atomic.Int64
}

func (r *receiver) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	_, _ = r.hash.Write(p[:n])
	r.n.Add(int64(n))
	return n, err
}

// goodTry is how much a try has to move to count as none that failed, and
// maxGoodTries how often that is believed.
const (
	goodTry      = 1 << 20
	maxGoodTries = 100
)

// endure repeats the transfer of a blob as persist does, and ends a try in which
// position stands still for the options' Stall. A try that moved something is
// not counted as one that failed.
func (c *Client) endure(ctx context.Context, position func() int64, told func(int64), try func(context.Context) (answer, error)) (answer, error) {
	for n, good := 1, 0; ; n++ {
		before := position()
		watched, stop := c.watch(ctx, position, told)
		a, err := try(watched)
		stop()
		if cause := context.Cause(watched); err != nil && ctx.Err() == nil && errors.Is(cause, errStalled) {
			err = fmt.Errorf("%w for %s", errStalled, c.options.Stall)
		}
		if err == nil && a.succeeded() || ctx.Err() != nil {
			return a, err
		}
		if position() >= before+goodTry && good < maxGoodTries {
			n, good = 1, good+1
		}
		delay, again := c.options.retry(n, http.MethodGet, a, err, time.Now())
		if !again || n >= c.options.Attempts || !fits(ctx, delay) {
			return a, err
		}
		if err := sleep(ctx, delay); err != nil {
			return answer{}, err
		}
	}
}

var errStalled = errors.New("nothing moved")

// watch ends the context with errStalled when position stands still, and tells
// told about it while it moves. stop ends the watch.
func (c *Client) watch(ctx context.Context, position func() int64, told func(int64)) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	var watcher sync.WaitGroup
	done := make(chan struct{})
	watcher.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for last, moved := position(), time.Now(); ; {
			select {
			case <-done:
				return
			case now := <-tick.C:
				if at := position(); at != last {
					last, moved = at, now
					if told != nil {
						told(at)
					}
				} else if now.Sub(moved) > c.options.Stall {
					cancel(errStalled)
					return
				}
			}
		}
	})
	return watched, func() {
		close(done)
		watcher.Wait()
		cancel(nil)
	}
}
