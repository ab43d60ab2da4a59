package oci

import (
	"context"
	"net/http"
	"net/url"

	"github.com/wharf-project/wharf/domain"
)

// Client is one opened registry row. It implements port.Registry,
// port.TagDeleter and port.DigestDeleter, and is safe for concurrent use.
type Client struct {
	row     domain.Registry
	options Options
	base    *url.URL // scheme and host
	http    *http.Client
	pace    *pace
	auth    *authority
}

// New opens a row. It contacts nobody. Errors: invalid, reason registry_invalid
// or that of the field.
func New(row domain.Registry, o Options) (*Client, error) {
	o = o.withDefaults()
	return newClient(row, o, newPace(o))
}

func newClient(row domain.Registry, o Options, p *pace) (*Client, error) {
	if err := row.Check(); err != nil {
		return nil, err
	}
	base, err := url.Parse(row.Endpoint())
	if err != nil || base.Host == "" || base.Path != "" {
		return nil, domain.Invalid("registry_invalid", "url", "a registry's URL is a scheme and a host, without a path: %s", domain.Quote(row.URL))
	}
	g := newGuard(base, row.PrivateNetwork)
	transport := o.Transport
	if transport == nil {
		transport = newTransport(g, row.TLSSkipVerify)
	}
	c := &Client{
		row: row, options: o, base: base, pace: p,
		http: &http.Client{Transport: transport, CheckRedirect: g.checkRedirect},
	}
	c.auth = newAuthority(c, g)
	return c, nil
}

// Close drops idle connections; calls under way go on, and the Client stays
// usable.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Expect tells which repositories will be asked about next, in order, so that
// their tokens can be requested together. Repositories does this by itself; it
// is for callers that know the names from elsewhere.
func (c *Client) Expect(repos ...string) { c.auth.expect(repos) }

// ask sends a query with authorization and retries. Errors are coded when they
// come from authorization or from a refused address, else as the HTTP client
// gave them: translate makes one shape of both.
func (c *Client) ask(ctx context.Context, q query) (answer, error) {
	u := c.base.ResolveReference(&url.URL{Path: q.path, RawQuery: q.rawQuery})
	return c.persist(ctx, q.method, func() (answer, error) {
		return c.auth.send(ctx, q.scope, func(authorization string) (answer, error) {
			h := http.Header{}
			if q.accept != "" {
				h.Set("Accept", q.accept)
			}
			if authorization != "" {
				h.Set("Authorization", authorization)
			}
			return c.once(ctx, q.method, u, h, q.limit)
		})
	})
}
