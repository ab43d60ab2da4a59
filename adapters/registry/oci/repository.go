package oci

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// Repository moves the content of one repository, with the tokens, limits and
// connections of its [Client]. It is safe for concurrent use. Errors are those
// of port.Registry and port.Pusher; their On is the repository with the tag or
// the digest, or the digest alone where content is not what that says.
type Repository struct {
	client *Client
	path   string
	scope  string
	push   bool
}

// PullFrom opens a repository to read from it; path is below the host. It
// contacts nobody. Errors: invalid.
func (c *Client) PullFrom(path string) (*Repository, error) {
	return c.repository(path, scopePull(path), false)
}

// PushTo opens a repository to read from it and to write to it; path is below
// the host. It contacts nobody. Errors: invalid.
func (c *Client) PushTo(path string) (*Repository, error) {
	return c.repository(path, scopePush(path), true)
}

func (c *Client) repository(path, scope string, push bool) (*Repository, error) {
	if err := domain.ValidateRepositoryPath(path); err != nil {
		return nil, err
	}
	return &Repository{client: c, path: path, scope: scope, push: push}, nil
}

// Document is a manifest or an index as bytes.
type Document struct {
	MediaType string
	Digest    domain.Digest
	Raw       []byte
}

// Document reads what a tag or a digest names, and verifies it: against the
// digest, or the one that the registry claims. What is neither a manifest nor an
// index of images is unavailable, reason registry_malformed.
func (r *Repository) Document(ctx context.Context, ref string) (Document, error) {
	q, err := r.client.manifestQuery(r.path, ref)
	if err != nil {
		return Document{}, err
	}
	q.scope = r.scope
	a, err := r.client.ask(ctx, q)
	if err != nil || a.status != http.StatusOK {
		return Document{}, r.client.translate(ctx, opFetch, q, a, err)
	}
	claimed, err := claimedDigest(a.header)
	if err != nil {
		return Document{}, r.client.malformed(opFetch, q, "a digest that is none")
	}
	asked, err := domain.ParseDigest(ref)
	if err != nil {
		asked = ""
	}
	found := Document{Raw: a.body, Digest: asked}
	for _, expected := range []domain.Digest{asked, claimed} {
		if expected == "" {
			continue
		}
		if digestOf(expected.Algorithm(), a.body) != expected {
			return Document{}, r.mismatch(opFetch, expected)
		}
		if found.Digest == "" {
			found.Digest = expected
		}
	}
	if found.Digest == "" {
		found.Digest = digestOf("sha256", a.body)
	}
	var d document
	if err := json.Unmarshal(a.body, &d); err != nil {
		return Document{}, r.client.malformed(opFetch, q, "a manifest that cannot be read")
	}
	kind := d.kindOf(mediaTypeOf(a.header))
	if found.MediaType = string(kind); !kind.IsImage() && !kind.IsIndex() {
		return Document{}, r.client.malformed(opFetch, q, "a manifest of the kind %s", domain.Quote(string(d.MediaType)))
	}
	return found, nil
}

// Tagged returns the digest that a tag or a digest names, "" when there is none,
// at the cost of one HEAD. A registry that does not tell is "" too.
func (r *Repository) Tagged(ctx context.Context, ref string) (domain.Digest, error) {
	q, err := r.client.manifestQuery(r.path, ref)
	if err != nil {
		return "", err
	}
	q.method, q.scope, q.subject = http.MethodHead, r.scope, r.subject(aboutManifest)
	a, err := r.client.ask(ctx, q)
	switch {
	case err == nil && a.saysAbsent():
		return "", nil
	case err != nil || a.status != http.StatusOK:
		return "", r.client.translate(ctx, r.op(), q, a, err)
	}
	d, err := claimedDigest(a.header)
	if err != nil {
		return "", r.client.malformed(r.op(), q, "a digest that is none")
	}
	return d, nil
}

// Put stores a manifest or an index under its digest, and under the tag unless
// that is "". What it refers to must be there.
func (r *Repository) Put(ctx context.Context, d Document, tag string) error {
	ref := tag
	if ref == "" {
		ref = d.Digest.String()
	}
	q, err := r.client.manifestQuery(r.path, ref)
	if err != nil {
		return err
	}
	q.subject, q.method, q.scope = aboutPush, http.MethodPut, r.scope
	a, err := r.client.persist(ctx, q.method, func() (answer, error) {
		return r.sendOnce(ctx, q, http.Header{"Content-Type": {d.MediaType}}, d.Raw)
	})
	if err != nil || !a.succeeded() {
		return r.client.translate(ctx, opPush, q, a, err)
	}
	if claimed, err := claimedDigest(a.header); err == nil && claimed != "" && claimed.Algorithm() == d.Digest.Algorithm() && claimed != d.Digest {
		return r.mismatch(opPush, d.Digest)
	}
	return nil
}

// sendOnce sends a small body, or none, with authorization and without retries.
func (r *Repository) sendOnce(ctx context.Context, q query, h http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.client.options.RequestTimeout)
	defer cancel()
	u := r.client.base.ResolveReference(&url.URL{Path: q.path, RawQuery: q.rawQuery})
	resp, a, err := r.client.stream(ctx, request{query: q, url: u, header: h, body: bytesBody(body), size: int64(len(body))})
	if resp != nil {
		_ = resp.Body.Close()
	}
	return a, err
}

func (r *Repository) subject(reading subject) subject {
	if r.push {
		return aboutPush
	}
	return reading
}

func (r *Repository) op() string {
	if r.push {
		return opPush
	}
	return opFetch
}

func (r *Repository) blobQuery(method string, d domain.Digest) query {
	return query{
		subject: r.subject(aboutBlob), method: method, path: "/v2/" + r.path + "/blobs/" + d.String(), scope: r.scope,
		limit: maxErrorBytes, on: domain.JoinPath(r.client.row.Name, r.path) + "@" + d.String(),
	}
}

func (r *Repository) mismatch(op string, d domain.Digest) error {
	e := domain.Errorf(domain.CodePrecondition, reasonMismatch, d.String(), "the registry %s has other content than %s", r.client.row.Name, d)
	e.Op = op
	return e
}

// IsIndex reports whether the document is an index of images.
func (d Document) IsIndex() bool { return types.MediaType(d.MediaType).IsIndex() }
