package oci

import (
	"context"
	"net/http"

	"github.com/wharf-project/wharf/domain"
)

// DeleteTag removes one tag, and only ever by its name: deleting the digest
// would take all other tags of the image along. A 404 counts as gone after the
// registry said so a second time, since some give it to what they cannot do.
func (c *Client) DeleteTag(ctx context.Context, r domain.Reference) error {
	if err := domain.RefuseInTx(ctx, opDeleteTag); err != nil {
		return err
	}
	if err := domain.ValidateTag(r.Tag); err != nil {
		return err
	}
	q, err := c.manifestQuery(r.Path, r.Tag)
	if err != nil {
		return err
	}
	del := q
	del.subject, del.method, del.accept, del.scope = aboutTagDelete, http.MethodDelete, "", scopeDelete(r.Path)
	a, err := c.ask(ctx, del)
	if err == nil && a.succeeded() {
		return nil
	}
	if err != nil || !a.saysAbsent() {
		return c.translate(ctx, opDeleteTag, del, a, err)
	}
	return c.confirmGone(ctx, opDeleteTag, q, del)
}

// confirmGone looks again after a registry said 404 to a deletion: some say it
// of requests that they do not know. What is still there could not be deleted.
func (c *Client) confirmGone(ctx context.Context, op string, q, del query) error {
	q.method = http.MethodHead
	switch a, err := c.ask(ctx, q); {
	case err == nil && a.saysAbsent():
		return nil
	case err == nil && a.status == http.StatusOK:
		return c.translate(ctx, op, del, answer{status: http.StatusMethodNotAllowed}, nil)
	default:
		return c.translate(ctx, op, q, a, err)
	}
}

// DeleteDigest removes a manifest and, where the registry follows the
// specification, every tag that points to it.
func (c *Client) DeleteDigest(ctx context.Context, repo string, d domain.Digest) error {
	if err := domain.RefuseInTx(ctx, opDeleteDigest); err != nil {
		return err
	}
	if _, err := domain.ParseDigest(d.String()); err != nil {
		return err
	}
	q, err := c.manifestQuery(repo, d.String())
	if err != nil {
		return err
	}
	del := q
	del.subject, del.method, del.accept, del.scope = aboutDigestDelete, http.MethodDelete, "", scopeDelete(repo)
	a, err := c.ask(ctx, del)
	if err == nil && a.succeeded() {
		return nil
	}
	if err != nil || !a.saysAbsent() {
		return c.translate(ctx, opDeleteDigest, del, a, err)
	}
	return c.confirmGone(ctx, opDeleteDigest, q, del)
}
