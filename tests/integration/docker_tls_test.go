package integration_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// authority issues certificates for one test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ca   string // file
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of " + a.dir},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	require.NoError(t, err)
	a.ca = writePEM(t, a.dir, "ca.pem", "CERTIFICATE", der)
	return a
}

// issue writes a certificate for 127.0.0.1, as a server and as a client.
func (a *authority) issue(t *testing.T, name string, change func(*x509.Certificate)) (cert, key string) {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &private.PublicKey, a.key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return writePEM(t, a.dir, name+"-cert.pem", "CERTIFICATE", der), writePEM(t, a.dir, name+"-key.pem", "PRIVATE KEY", raw)
}

func writePEM(t *testing.T, dir, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }

func TestAnEngineBehindTLS(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	serverCert, serverKey := ours.issue(t, "server", nil)
	e := containers.SecondEngine(t, &containers.EngineTLS{CA: ours.ca, Cert: serverCert, Key: serverKey})
	oldCert, oldKey := ours.issue(t, "old", expired)
	old := containers.SecondEngine(t, &containers.EngineTLS{CA: ours.ca, Cert: oldCert, Key: oldKey})
	cert, key := ours.issue(t, "client", nil)
	strangeCert, strangeKey := others.issue(t, "stranger", nil)
	plainSocket := startPlain(t, e)
	with := func(ca, cert, key string) docker.Options {
		return docker.Options{TLS: map[string]docker.TLSFiles{"": {CA: ca, Cert: cert, Key: key}}}
	}
	ok := with(ours.ca, cert, key)
	_, err := openAgent(t, ok, "tcp://"+e.TLS).Inventory(t.Context())
	require.NoError(t, err)

	const who, whom = "client certificate", "certificate of the agent's engine"
	for name, c := range map[string]struct {
		options docker.Options
		address string
		says    string
	}{
		"without a client certificate":             {with(ours.ca, "", ""), e.TLS, who},
		"with another authority's client":          {with(ours.ca, strangeCert, strangeKey), e.TLS, who},
		"with a client certificate of yesterday":   {with(ours.ca, oldCert, oldKey), e.TLS, who},
		"with another authority for the engine":    {with(others.ca, cert, key), e.TLS, whom + " is not by the authority"},
		"at a name that the certificate lacks":     {ok, strings.Replace(e.TLS, "127.0.0.1", "localhost", 1), whom + " is for other names"},
		"whose own certificate is of yesterday":    {ok, old.TLS, whom + " has expired"},
		"that does not speak it":                   {ok, plainSocket, "does not speak TLS"},
		"that wants it, reached through plain tcp": {docker.Options{AllowInsecureTCP: true}, e.TLS, "wants TLS"},
	} {
		t.Run("an engine "+name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			a := openAgent(t, c.options, "tcp://"+c.address)
			for range 2 {
				_, err := a.Inventory(ctx)
				requireReason(t, err, domain.CodePrecondition, "agent_tls")
				require.Contains(t, domain.MessageOf(err), c.says)
			}
			_, err = a.Pull(ctx, porttest.PushedImage{}.Request, nil)
			requireReason(t, err, domain.CodePrecondition, "agent_tls")
		})
	}
	_, err = docker.Opener(docker.Options{})(t.Context(), domain.Agent{Address: "tcp://" + e.TLS})
	requireReason(t, err, domain.CodeInvalid, "agent_invalid")
	require.Contains(t, domain.MessageOf(err), "no certificates")

	e.Stop(t) // it accepts, and shakes no hands
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	a := openAgent(t, ok, "tcp://"+e.TLS)
	_, err = a.Inventory(ctx)
	requireReason(t, err, domain.CodeTimeout, "timeout")
	e.Continue(t)
	_, err = a.Inventory(t.Context())
	require.NoError(t, err)
}

// startPlain puts an engine on a port without TLS.
func startPlain(t *testing.T, e *containers.Engine) (address string) {
	t.Helper()
	socket := strings.TrimPrefix(e.Address, "unix://")
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
	})
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String()
}
