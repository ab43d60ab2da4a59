package ocilayout

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/wharf-project/wharf/domain"
)

// Reasons of errors; callers may rely on them. The registry's are those of
// port.Registry.
const (
	reasonStorage     = "agent_storage"        // unavailable: the directory cannot be read or written, or is not what it was
	reasonRegistry    = "registry_failed"      // unavailable: it cannot be reached or answers with a failure
	reasonMalformed   = "registry_malformed"   // unavailable: its answer makes no sense
	reasonLimited     = "registry_limited"     // rate_limited
	reasonCredentials = "registry_credentials" // precondition: it refuses the credentials
	reasonRealm       = "registry_realm"       // precondition: it wants them sent elsewhere
	reasonAddress     = "registry_address"     // precondition: it leads to a forbidden address
	reasonMismatch    = "digest_mismatch"      // precondition: content is not what was promised
	reasonPlatform    = "platform_mismatch"    // precondition: the image is for another platform
	reasonNotImage    = "not_an_image"         // precondition: it is an artifact of another kind
)

// storageError is the border between the file system's errors and the port's.
func storageError(on, op string, err error) error {
	return &domain.Error{Code: domain.CodeUnavailable, Reason: reasonStorage, On: on, Message: "the agent's storage failed", Op: "ocilayout: " + op, Err: err}
}

// contextError says that ctx ended; CodeOf knows both ways.
func contextError(ctx context.Context, op string) error {
	return &domain.Error{Code: domain.CodeOf(ctx.Err()), Op: "ocilayout: " + op, Err: ctx.Err()}
}

// registryError is the border between HTTP's errors and the port's: for requests
// that got no answer of their own, the handshake included. A 404 in a handshake
// says nothing of the image.
func registryError(ctx context.Context, on string, err error) error {
	if e, coded := errors.AsType[*domain.Error](err); coded {
		return e
	}
	if ctx.Err() != nil {
		return contextError(ctx, "registry")
	}
	if answer, ok := errors.AsType[*transport.Error](err); ok && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return refused(on, err)
	}
	return failed(on, err)
}

// answerError translates a status that is not 200. notFound is what a 404 means
// for the thing that was asked for.
func answerError(on string, answer error, status int, notFound *domain.Error) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return refused(on, answer)
	case http.StatusNotFound:
		said, ok := errors.AsType[*transport.Error](answer)
		if ok && notFound.Code == domain.CodeNotFound && slices.ContainsFunc(said.Errors, func(d transport.Diagnostic) bool { return d.Code == transport.NameUnknownErrorCode }) {
			notFound.Reason = "repository_not_found"
		}
		notFound.Err = answer
		return notFound
	}
	return failed(on, answer)
}

func refused(on string, err error) error {
	e := domain.Errorf(domain.CodePrecondition, reasonCredentials, on, "the registry %s refuses the stored credentials", on)
	e.Err = err
	return e
}

func failed(on string, err error) error {
	e := domain.Errorf(domain.CodeUnavailable, reasonRegistry, on, "the registry %s does not answer as it should", on)
	e.Err = err
	return e
}

func malformed(on, format string, args ...any) *domain.Error {
	return domain.Errorf(domain.CodeUnavailable, reasonMalformed, on, format, args...)
}

func mismatch(on, format string, args ...any) *domain.Error {
	return domain.Errorf(domain.CodePrecondition, reasonMismatch, on, format, args...)
}
