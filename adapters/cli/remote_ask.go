package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// question is what the server is asked, in each try the same.
type question struct {
	entry service.Entry
	url   string
	body  []byte
	key   string // of a write
	lost  bool   // an answer did not arrive: it may be done
}

// answer is how one try ended.
type answer struct {
	result any
	err    error
	again  bool          // another try may help
	wait   time.Duration // that the server asked for
	sent   bool          // the server may have read the question
}

// ask tries once.
func (r *remote) ask(ctx context.Context, q question) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url, bytes.NewReader(q.body))
	if err != nil {
		return answer{err: domain.Internal("remote", err)}
	}
	token, err := r.config.token()
	if err != nil {
		return answer{err: err}
	}
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, application/problem+json")
	h.Set("User-Agent", userAgent(r.config.Version))
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	if q.key != "" {
		h.Set("Idempotency-Key", q.key)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return r.unreached(err)
	}
	defer res.Body.Close()
	got := r.read(res, q.entry)
	got.sent = true
	return got
}

// unreached is the answer of nobody.
func (r *remote) unreached(err error) answer {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without method and URL
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return answer{err: &domain.Error{
			Code: domain.CodeUnavailable, Reason: "server_untrusted", On: r.name, Err: err,
			Message: "the certificate of " + r.name + " is not trusted: " + err.Error() + "; see server_ca in wharf help settings",
		}}
	}
	op, ok := errors.AsType[*net.OpError](err)
	plain := errors.Is(err, http.ErrSchemeMismatch) // it does no TLS
	return answer{again: !plain, sent: !plain && (!ok || op.Op != "dial"), err: &domain.Error{
		Code: domain.CodeUnavailable, Reason: "server_unreachable", On: r.name, Err: err,
		Message: "the server " + r.name + " cannot be reached: " + err.Error(),
	}}
}

func userAgent(version string) string {
	if strings.IndexFunc(version, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 || version == "" {
		version = "unknown"
	}
	return "wharf/" + version
}

func newTransport(secure *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig: secure, TLSHandshakeTimeout: 10 * time.Second,
		// An answer may take as long as the action, so that a peer that is gone is
		// found out by asking it.
		ForceAttemptHTTP2: true, HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 30 * time.Second,
	}
}

// tls reads the files. Errors: invalid.
func (c RemoteConfig) tls() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, domain.Invalid("file_unreadable", c.CA, "%s cannot be read: %s", c.CA, why(err))
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, domain.Invalid("server_ca_invalid", c.CA, "%s holds no certificate (PEM)", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, &domain.Error{Code: domain.CodeInvalid, Reason: "server_cert_invalid", On: c.Cert, Message: "the certificate " + c.Cert + " and its key " + c.Key + " cannot be used", Err: err}
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
