package oci

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// subject is what a query is about: it decides what a status means.
type subject int

const (
	aboutPing subject = iota
	aboutToken
	aboutCatalog
	aboutTags
	aboutManifest
	aboutBlob
	aboutTagDelete
	aboutDigestDelete
	aboutPush
)

// query is one request to the registry.
type query struct {
	subject  subject
	method   string
	path     string
	rawQuery string
	accept   string
	scope    string // what a token must grant
	limit    int64  // of the body, in bytes
	on       string // what errors name: a repository or a reference
}

// answer is a whole response: documents are small, and a broken body can so be
// asked for again. Blobs are streamed beside it.
type answer struct {
	status  int
	header  http.Header
	body    []byte // nil where it is streamed
	foreign bool   // another origin answered, after a redirect
}

// succeeded reports a 2xx.
func (a answer) succeeded() bool {
	return a.status >= http.StatusOK && a.status < http.StatusMultipleChoices
}

const maxErrorBytes = 64 << 10

// once sends one request and reads the answer, within the timeout of one try.
// Waiting for the host's limits is not part of that try.
func (c *Client) once(ctx context.Context, method string, u *url.URL, h http.Header, limit int64) (answer, error) {
	if err := c.pace.wait(ctx, c.row.Username, u.Host); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.RequestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return answer{}, err
	}
	h.Set("User-Agent", c.options.UserAgent)
	req.Header = h
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()

	a := answer{status: resp.StatusCode, header: resp.Header, foreign: !sameOrigin(resp.Request.URL, u)}
	if a.status == http.StatusTooManyRequests && !a.foreign {
		c.pace.hold(c.row.Username, u.Host, retryAfter(resp.Header, time.Now()))
	}
	if a.status >= http.StatusBadRequest {
		// What an error says is a courtesy: the status counts even when the body breaks.
		a.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
		return a, nil
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(a.body)) > limit {
		err = domain.Errorf(domain.CodeUnavailable, reasonMalformed, c.row.String(), "the registry sent more than the %d bytes that are allowed here", limit)
	}
	return a, err
}

// persist repeats try while a retry is safe, may help, and fits into the
// context's deadline.
func (c *Client) persist(ctx context.Context, method string, try func() (answer, error)) (answer, error) {
	for n := 1; ; n++ {
		a, err := try()
		if n >= c.options.Attempts || ctx.Err() != nil {
			return a, err
		}
		delay, again := c.options.retry(n, method, a, err, time.Now())
		if !again || !fits(ctx, delay) {
			return a, err
		}
		if err := sleep(ctx, delay); err != nil {
			return answer{}, err
		}
	}
}

// fits reports whether d passes before the context's deadline.
func fits(ctx context.Context, d time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return !limited || time.Until(deadline) > d
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostPort(a) == hostPort(b)
}
