package broker

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"sync/atomic"

	"github.com/wharf-project/wharf/domain"
)

// TLSFiles are PEM files. Of an embedded server: Cert and Key are its own, and
// CA does nothing. Of a connection: CA signs the server ("" is the system's),
// Cert and Key are the client's, if the server wants one. Files of an embedded
// server may be replaced while it runs.
type TLSFiles struct {
	Cert, Key, CA string
}

func (f TLSFiles) check() error {
	if (f.Cert == "") != (f.Key == "") {
		return domain.Invalid(reasonConfig, "tls", "a certificate and its key come together")
	}
	return nil
}

func (f TLSFiles) pair() (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return pair, &domain.Error{Code: domain.CodeInvalid, Reason: reasonConfig, On: f.Cert, Message: "the certificate and its key cannot be used", Op: "broker: tls", Err: err}
	}
	return pair, nil
}

// server reads the files anew for every client, and keeps to the last pair that
// made sense: they are replaced one after the other.
func (f TLSFiles) server() (*tls.Config, error) {
	first, err := f.pair()
	if err != nil {
		return nil, err
	}
	var last atomic.Pointer[tls.Certificate]
	last.Store(&first)
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if pair, err := f.pair(); err == nil {
			last.Store(&pair)
		}
		return last.Load(), nil
	}}, nil
}

// pinned is for processes of one directory among themselves: whatever the names
// in the certificate, it has to be this one.
func (f TLSFiles) pinned() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		pair, err := f.pair()
		if err != nil {
			return err
		}
		if !bytes.Equal(s.PeerCertificates[0].Raw, pair.Certificate[0]) {
			return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: errors.New("not the certificate of this directory")}
		}
		return nil
	}}
}

// client verifies the server by its name.
func (f TLSFiles) client() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		text, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, filesError(f.CA, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, domain.Invalid(reasonConfig, f.CA, "there is no certificate in %s", f.CA)
		}
	}
	if f.Cert != "" {
		pair, err := f.pair()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
