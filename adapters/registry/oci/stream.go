package oci

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// request is one that may have a body, and whose response may be large.
type request struct {
	query
	url    *url.URL
	header http.Header
	body   func() (io.ReadCloser, error) // anew for each try; nil for none
	size   int64
}

func bytesBody(b []byte) func() (io.ReadCloser, error) {
	if b == nil {
		return nil
	}
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// stream sends one request with authorization and without retries. A 2xx comes
// with its response, whose body the caller closes; of any other answer the body
// has been read.
func (c *Client) stream(ctx context.Context, r request) (*http.Response, answer, error) {
	if err := c.permits(r.url); err != nil {
		return nil, answer{}, err
	}
	var open *http.Response
	a, err := c.auth.send(ctx, r.scope, func(authorization string) (answer, error) {
		resp, err := c.exchange(ctx, r, authorization)
		if err != nil {
			return answer{}, err
		}
		a := answer{status: resp.StatusCode, header: resp.Header, foreign: !sameOrigin(resp.Request.URL, c.base)}
		if a.status == http.StatusTooManyRequests && !a.foreign {
			c.pace.hold(c.row.Username, r.url.Host, retryAfter(resp.Header, time.Now()))
		}
		if a.succeeded() {
			open = resp
			return a, nil
		}
		a.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
		_ = resp.Body.Close()
		return a, nil
	})
	return open, a, err
}

// exchange sends it once. Authorization goes to the registry's own origin only.
func (c *Client) exchange(ctx context.Context, r request, authorization string) (*http.Response, error) {
	if err := c.pace.wait(ctx, c.row.Username, r.url.Host); err != nil {
		return nil, err
	}
	var body io.ReadCloser
	if r.body != nil && r.size > 0 {
		var err error
		if body, err = r.body(); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), body)
	if err != nil {
		return nil, err
	}
	if req.Header = r.header.Clone(); req.Header == nil {
		req.Header = http.Header{}
	}
	if body != nil {
		req.ContentLength, req.GetBody = r.size, r.body
	}
	req.Header.Set("User-Agent", c.options.UserAgent)
	if authorization != "" && sameOrigin(r.url, c.base) {
		req.Header.Set("Authorization", authorization)
	}
	return c.http.Do(req)
}

// permits checks an address that the registry chose for what is sent to it.
func (c *Client) permits(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || c.base.Scheme != "http" && !c.row.PrivateNetwork) {
		return domain.Errorf(domain.CodePrecondition, reasonAddress, u.Host, "the registry leads from https to %s", domain.Quote(u.Scheme))
	}
	return c.auth.guard.check(u)
}
