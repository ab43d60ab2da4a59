package transfer

import (
	"context"
	"errors"
	"io/fs"

	"github.com/wharf-project/wharf/domain"
)

// Reasons of errors; callers may rely on them. What registries say has the
// reasons of package oci.
const (
	reasonStore      = "store_invalid"     // invalid: the address, or precondition: what is there is no store of this kind
	reasonStorage    = "store_failed"      // unavailable: it cannot be read or written
	reasonNoImage    = "image_not_found"   // not_found
	reasonAmbiguous  = "image_ambiguous"   // invalid: the name stands for several images
	reasonIncomplete = "image_incomplete"  // precondition: the store lacks content of the image
	reasonMismatch   = "digest_mismatch"   // precondition: content is not what its digest says
	reasonReadOnly   = "store_read_only"   // precondition: the archive is of a form that is only read
	reasonPlatform   = "platform_mismatch" // precondition: the reference has no image of the architecture
	reasonReference  = "reference_invalid" // invalid
	reasonBuild      = "build_unsupported" // precondition
	reasonNotImage   = "not_an_image"      // precondition
)

// storageError is the border between the disk's errors and the port's.
func storageError(on, op string, err error) error {
	if err == nil {
		return nil
	}
	if _, coded := errors.AsType[*domain.Error](err); coded {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return domain.Wrap("transfer: "+op, err)
	}
	return &domain.Error{Code: domain.CodeUnavailable, Reason: reasonStorage, On: on, Op: "transfer: " + op, Err: err,
		Message: "the store of images cannot be read or written"}
}

// notAStore says that something else is where the store should be.
func notAStore(on, format string, args ...any) error {
	return domain.Errorf(domain.CodePrecondition, reasonStore, on, format, args...)
}

// incomplete says that a blob is missing, and mismatch that it is another one.
func incomplete(d domain.Digest) error {
	return domain.Errorf(domain.CodePrecondition, reasonIncomplete, d.String(), "the store lacks content of the image: %s", d)
}

func mismatch(d domain.Digest) error {
	return domain.Errorf(domain.CodePrecondition, reasonMismatch, d.String(), "content is not what its digest says: %s", d)
}

func noPlatform(r domain.Reference, arch string) error {
	return domain.Errorf(domain.CodePrecondition, reasonPlatform, r.Canonical(), "%s has no image for %s", r.Canonical(), arch)
}

func noImage(name string) error {
	return domain.Errorf(domain.CodeNotFound, reasonNoImage, name, "the store has no such image: %s", domain.Quote(name))
}

// absent reports that a file is not there.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
