package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// Config is what a [Server] is made of. Handler and Authenticate are required.
type Config struct {
	// Listen is host:port; "": 127.0.0.1:8080. Port 0 is any.
	Listen string
	// Cert and Key are PEM files; "": plain HTTP, which an address beyond the
	// loopback interface needs AllowPlaintext for (behind a proxy).
	Cert, Key      string
	AllowPlaintext bool
	// ClientCA is a PEM file; with it, clients need a certificate that it signed,
	// beside whatever Authenticate asks for.
	ClientCA string

	// Handler gets requests that were authenticated: their context has an
	// envelope with actor and request id.
	Handler http.Handler
	// Authenticate tells who sends a request. Errors: unauthenticated, and
	// unavailable when that cannot be found out.
	Authenticate func(ctx context.Context, r *http.Request) (domain.Actor, error)
	// Ready tells why the server cannot do its work now; nil: it always can.
	Ready func(ctx context.Context) error
	// Metrics are served at /metrics, to whoever is authenticated; nil: not.
	Metrics http.Handler
	// Observe wraps everything, for traces and metrics; nil: nothing does.
	Observe func(http.Handler) http.Handler

	Limits Limits
	Logger *slog.Logger // nil: silent
}

// Limits of one server. Zero is the default in brackets.
type Limits struct {
	Body       int64         // bytes of a request's body (8 MiB)
	Headers    int           // bytes of its headers (32 KiB)
	Concurrent int           // requests at once, streams apart (512)
	Streams    int           // event streams at once (4096)
	Shutdown   time.Duration // for requests under way when the server ends (20 s)
}

func (l Limits) withDefaults() Limits {
	l.Body, l.Headers = cmp.Or(l.Body, 8<<20), cmp.Or(l.Headers, 32<<10)
	l.Concurrent, l.Streams = cmp.Or(l.Concurrent, 512), cmp.Or(l.Streams, 4096)
	l.Shutdown = cmp.Or(l.Shutdown, 20*time.Second)
	return l
}

// Server is an HTTP server that listens.
type Server struct {
	secure  bool
	http    *http.Server
	ln      net.Listener
	log     *slog.Logger
	limits  Limits
	closing chan struct{}
}

// Listen binds the address, so that it is known and a taken one is an error at
// once. Nothing is answered before [Server.Run]. Errors: invalid, unavailable.
func Listen(ctx context.Context, c Config) (*Server, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Listen, c.Limits = cmp.Or(c.Listen, "127.0.0.1:8080"), c.Limits.withDefaults()
	if c.Handler == nil || c.Authenticate == nil {
		return nil, domain.Invalid("config_invalid", "handler", "a server needs a handler and a way to authenticate")
	}
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, domain.Invalid("config_invalid", "listen", "the address to listen on is host:port, not %s", domain.Quote(c.Listen))
	}
	if secure == nil && !c.AllowPlaintext && !loopback(host) {
		return nil, domain.Invalid("config_invalid", "listen", "%s can be reached over the network; give the server a certificate, or say that it stands behind a proxy that has one", domain.Quote(c.Listen))
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, &domain.Error{Code: domain.CodeUnavailable, Reason: "listen_failed", On: c.Listen, Message: "the address cannot be listened on", Op: "web", Err: err}
	}
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	s := &Server{secure: secure != nil, ln: ln, log: c.Logger, limits: c.Limits, closing: make(chan struct{})}
	s.http = &http.Server{
		TLSConfig: secure,
		Handler:   s.handler(c), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: c.Limits.Headers, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
	}
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c Config) tls() (*tls.Config, error) {
	if (c.Cert == "") != (c.Key == "") {
		return nil, domain.Invalid("config_invalid", "tls", "a certificate and its key come together")
	}
	if c.Cert == "" {
		if c.ClientCA != "" {
			return nil, domain.Invalid("config_invalid", "tls", "clients can only show certificates to a server that has one")
		}
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, &domain.Error{Code: domain.CodeInvalid, Reason: "config_invalid", On: c.Cert, Message: "the certificate or its key cannot be read", Op: "web", Err: err}
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if c.ClientCA != "" {
		pem, err := os.ReadFile(c.ClientCA)
		conf.ClientCAs = x509.NewCertPool()
		if err != nil || !conf.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, &domain.Error{Code: domain.CodeInvalid, Reason: "config_invalid", On: c.ClientCA, Message: "the clients' CA cannot be read", Op: "web", Err: err}
		}
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return conf, nil
}

// URL is where the server listens.
func (s *Server) URL() string {
	scheme := "http://"
	if s.secure {
		scheme = "https://"
	}
	return scheme + s.ln.Addr().String()
}

// Closing is closed when the server begins to end: streams say goodbye then.
func (s *Server) Closing() <-chan struct{} { return s.closing }

// Run serves until ctx is done, then takes no more, lets what is under way end
// for as long as Limits.Shutdown says, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.ln) }()
	select {
	case err := <-ended:
		return &domain.Error{Code: domain.CodeUnavailable, Reason: "server_ended", Message: "the server ended", Op: "web", Err: err}
	case <-ctx.Done():
	}
	close(s.closing)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Shutdown)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were still under way when the server ended", "err", err)
		_ = s.http.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
