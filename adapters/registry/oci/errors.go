package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/wharf-project/wharf/domain"
)

// Reasons of the errors that a registry causes. They are stable.
const (
	reasonFailed       = "registry_failed"      // unavailable: it cannot be reached or answers wrongly
	reasonMalformed    = "registry_malformed"   // unavailable: its answer makes no sense
	reasonLimited      = "registry_limited"     // rate_limited
	reasonCredentials  = "registry_credentials" // precondition: it refuses the row's credentials, or wants some
	reasonRealm        = "registry_realm"       // precondition: its token realm is not trusted with them
	reasonAddress      = "registry_address"     // precondition: it leads to a forbidden address
	reasonNoCatalog    = "catalog_unsupported"  // precondition: it does not list repositories
	reasonNoTagDelete  = "tag_delete_unsupported"
	reasonNoDelete     = "delete_disabled"
	reasonNoRepository = "repository_not_found"
	reasonNoTag        = "tag_not_found"
	reasonPushDenied   = "push_denied"     // forbidden: it does not take what is sent
	reasonMismatch     = "digest_mismatch" // precondition: content is not what its digest says
	reasonNoContent    = "content_not_found"
)

// Operations, as errors name them.
const (
	opAuthorize    = "registry.authorize"
	opRepositories = "registry.repositories"
	opTags         = "registry.tags"
	opDescribe     = "registry.describe"
	opDeleteTag    = "registry.delete_tag"
	opDeleteDigest = "registry.delete_digest"
	opPush         = "registry.push"
	opFetch        = "registry.fetch"
)

// translate is the one place where what a registry did becomes a coded error. It
// is called for a failed exchange (err) or for a status that is no success.
func (c *Client) translate(ctx context.Context, op string, q query, a answer, err error) error {
	if err != nil {
		if gone := ctx.Err(); gone != nil {
			return domain.Wrap(op, fmt.Errorf("%w: %w", gone, err))
		}
		if _, coded := errors.AsType[*domain.Error](err); coded {
			return domain.Wrap(op, err)
		}
		return &domain.Error{Code: domain.CodeUnavailable, Reason: reasonFailed, On: q.on, Op: op, Err: err,
			Message: fmt.Sprintf("the registry %s cannot be reached", c.row.Name)}
	}
	said := a.diagnostics()
	e := c.judge(q, a, said)
	e.On, e.Op = q.on, op
	e.Err = fmt.Errorf("status %d: %s", a.status, said.text(a.body))
	if e.Code == domain.CodeRateLimited || e.Code == domain.CodeUnavailable {
		e.RetryAfter = retryAfter(a.header, time.Now())
	}
	return e
}

// judge decides by status and by what the query was about.
func (c *Client) judge(q query, a answer, said diagnostics) *domain.Error {
	host, about := c.row.Name, q.subject
	switch {
	case a.status == http.StatusTooManyRequests || said.has(transport.TooManyRequestsErrorCode):
		return domain.Errorf(domain.CodeRateLimited, reasonLimited, "", "the registry %s takes no more requests for now", host)
	case a.foreign:
		return domain.Errorf(domain.CodeUnavailable, reasonFailed, "", "the storage that the registry %s points to answers %d", host, a.status)
	case about == aboutPush && a.status < http.StatusInternalServerError:
		return c.judgePush(q, a, said)
	case about == aboutToken && a.status == http.StatusForbidden && strings.Contains(q.scope, scopeActionPush):
		return domain.Errorf(domain.CodeForbidden, reasonPushDenied, "", "the registry %s does not let the stored credentials push", host)
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		if c.row.Username == "" {
			return domain.Errorf(domain.CodePrecondition, reasonCredentials, "", "the registry %s wants credentials", host)
		}
		return domain.Errorf(domain.CodePrecondition, reasonCredentials, "", "the registry %s does not accept the stored credentials for this", host)
	}
	unsupported := a.status == http.StatusMethodNotAllowed || a.status == http.StatusNotImplemented || said.has(transport.UnsupportedErrorCode)
	switch about {
	case aboutTagDelete:
		if unsupported || a.status == http.StatusBadRequest {
			return domain.Errorf(domain.CodePrecondition, reasonNoTagDelete, "", "the registry %s cannot delete a tag without its image", host)
		}
	case aboutDigestDelete:
		if unsupported {
			return domain.Errorf(domain.CodePrecondition, reasonNoDelete, "", "deletion is turned off in the registry %s", host)
		}
	case aboutCatalog:
		if unsupported || a.status == http.StatusNotFound {
			return domain.Errorf(domain.CodePrecondition, reasonNoCatalog, "", "the registry %s does not list its repositories", host)
		}
	default: // to read is to be supported
	}
	if a.saysAbsent() {
		switch {
		case about == aboutTags, about == aboutManifest && said.has(transport.NameUnknownErrorCode):
			return domain.Errorf(domain.CodeNotFound, reasonNoRepository, "", "no such repository: %s", q.on)
		case about == aboutBlob:
			return domain.Errorf(domain.CodeNotFound, reasonNoContent, "", "the registry %s has lost content of the image: %s", host, q.on)
		case about == aboutManifest, about == aboutTagDelete:
			return domain.Errorf(domain.CodeNotFound, reasonNoTag, "", "no such image in the registry: %s", q.on)
		}
	}
	return domain.Errorf(domain.CodeUnavailable, reasonFailed, "", "the registry %s answers %d", host, a.status)
}

// judgePush says what it means that content is not taken: the registry refuses
// it, except where it says that the place or a part is missing, or that the
// content is not what its digest says.
func (c *Client) judgePush(q query, a answer, said diagnostics) *domain.Error {
	host := c.row.Name
	switch {
	case said.has(transport.DigestInvalidErrorCode):
		return domain.Errorf(domain.CodePrecondition, reasonMismatch, "", "the content that was sent is not what its digest says: %s", q.on)
	case a.saysAbsent() || said.has(transport.ManifestBlobUnknownErrorCode):
		return domain.Errorf(domain.CodeNotFound, reasonNoRepository, "", "the registry %s has no place for %s", host, q.on)
	}
	return domain.Errorf(domain.CodeForbidden, reasonPushDenied, "", "the registry %s does not take %s", host, q.on)
}

// saysAbsent reports a 404 of the registry itself. A web page is a proxy's, and
// says nothing about images.
func (a answer) saysAbsent() bool {
	return a.status == http.StatusNotFound && !a.foreign && mediaTypeOf(a.header) != "text/html"
}

// malformed is the error for an answer that makes no sense.
func (c *Client) malformed(op string, q query, format string, args ...any) error {
	e := domain.Errorf(domain.CodeUnavailable, reasonMalformed, q.on, "the registry %s sent "+format, append([]any{c.row.Name}, args...)...)
	e.Op = op
	return e
}

// diagnostics is the body of an error response.
type diagnostics []transport.Diagnostic

func (a answer) diagnostics() diagnostics {
	var body struct {
		Errors diagnostics `json:"errors"`
	}
	_ = json.Unmarshal(a.body, &body) // proxies send anything
	return body.Errors
}

func (d diagnostics) has(code transport.ErrorCode) bool {
	return slices.ContainsFunc(d, func(e transport.Diagnostic) bool { return e.Code == code })
}

// text shows what the registry said, bounded and without control characters.
func (d diagnostics) text(body []byte) string {
	if len(d) > 0 {
		return domain.Quote(string(d[0].Code) + ": " + d[0].Message)
	}
	return domain.Quote(strings.TrimSpace(string(body)))
}
