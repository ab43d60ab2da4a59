package broker

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// Reasons of errors; callers may rely on them.
const (
	reasonUnavailable = "broker_unavailable" // unavailable: nothing answers at the address
	reasonRefused     = "broker_refused"     // forbidden: the key is not known there, or none is asked for
	reasonTLS         = "broker_tls"         // precondition: no trust in the server, or no TLS there
	reasonConfig      = "broker_config"      // invalid: the configuration makes no sense, or is not safe
	reasonFiles       = "broker_files"       // unavailable: the directory cannot be read or written
	reasonListen      = "broker_listen"      // unavailable: the address cannot be served on
	reasonSeedOpen    = "key_file_open"      // invalid: others can read the seed
	reasonSeed        = "key_invalid"        // invalid: the file holds no seed of a user
)

// dialError is the border between NATS's errors and ours.
func dialError(ctx context.Context, on string, err error) error {
	untrusted := &tls.CertificateVerificationError{}
	wrong := tls.RecordHeaderError{}
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return &domain.Error{Code: domain.CodeCanceled, On: on, Op: "broker: dial", Err: err}
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrNkeysNotSupported):
		return &domain.Error{Code: domain.CodeForbidden, Reason: reasonRefused, On: on, Message: "the broker does not know this key, or knows it no longer", Op: "broker: dial", Err: err}
	case errors.As(err, &untrusted), errors.As(err, &wrong), errors.Is(err, nats.ErrSecureConnWanted), errors.Is(err, nats.ErrSecureConnRequired):
		return &domain.Error{Code: domain.CodePrecondition, Reason: reasonTLS, On: on, Message: "the broker's certificate is not trusted, or it has none", Op: "broker: dial", Err: err}
	}
	return &domain.Error{Code: domain.CodeUnavailable, Reason: reasonUnavailable, On: on, Message: "the broker cannot be reached", Op: "broker: dial", Err: err}
}

func filesError(path string, err error) error {
	return &domain.Error{Code: domain.CodeUnavailable, Reason: reasonFiles, On: path, Message: "the broker's directory cannot be used", Op: "broker: files", Err: err}
}

func listenError(address string, err error) error {
	return &domain.Error{Code: domain.CodeUnavailable, Reason: reasonListen, On: address, Message: "the broker cannot listen there", Op: "broker: listen", Err: err}
}
