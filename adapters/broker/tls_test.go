package broker_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/domain"
)

// authority signs certificates.
type authority struct {
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	der, a.key = sign(t, a.cert, a.cert, nil)
	require.NoError(t, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return a
}

func sign(t *testing.T, cert, parent *x509.Certificate, by *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, by)
	require.NoError(t, err)
	return der, key
}

// issue writes a server's files, over those of the last time.
func (a *authority) issue(t *testing.T, dir string, ips ...net.IP) broker.TLSFiles {
	t.Helper()
	der, key := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "broker"}, IPAddresses: ips,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, a.key)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	files := broker.TLSFiles{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	require.NoError(t, os.WriteFile(files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(files.Key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600))
	return files
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, other, r, files := newAuthority(t), newAuthority(t), newRegistry(), t.TempDir()
	config := broker.Config{
		Dir: t.TempDir(), Listen: "0.0.0.0:0", TLS: ca.issue(t, files, net.IPv4(127, 0, 0, 1)), Nodes: r.find, Permissions: rights,
	}
	b := open(t, config)
	second := open(t, config)
	hears(t, second.Conn(), b.Conn(), "a")
	require.True(t, strings.HasPrefix(b.URL(), "tls://127.0.0.1:"), b.URL())
	seed, _ := newNode(t, r, "n1")

	for _, url := range []string{b.URL(), strings.Replace(b.URL(), "tls:", "nats:", 1)} {
		conn, err := broker.Dial(within(t), broker.DialConfig{URL: url, SeedFile: seed, TLS: broker.TLSFiles{CA: ca.file}})
		require.NoError(t, err)
		_, err = conn.TLSConnectionState()
		require.NoError(t, err)
		conn.Close()
	}
	for name, files := range map[string]broker.TLSFiles{"another authority": {CA: other.file}, "the system's authorities": {}} {
		t.Run(name, func(t *testing.T) {
			_, err := broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: seed, TLS: files})
			fails(t, err, domain.CodePrecondition, "broker_tls")
		})
	}
	t.Run("a certificate for another name", func(t *testing.T) {
		_, err := broker.Dial(within(t), broker.DialConfig{URL: strings.Replace(b.URL(), "127.0.0.1", "localhost", 1), SeedFile: seed, TLS: broker.TLSFiles{CA: ca.file}})
		fails(t, err, domain.CodePrecondition, "broker_tls")
	})
	t.Run("plaintext", func(t *testing.T) {
		raw, err := (&net.Dialer{}).DialContext(within(t), "tcp", strings.TrimPrefix(b.URL(), "tls://"))
		require.NoError(t, err)
		defer func() { _ = raw.Close() }()
		require.NoError(t, raw.SetDeadline(time.Now().Add(soon)))
		_, err = fmt.Fprint(raw, "CONNECT {}\r\nPING\r\n")
		require.NoError(t, err)
		for in := bufio.NewScanner(raw); in.Scan(); {
			require.NotContains(t, in.Text(), "PONG")
		}
	})

	conn, err := broker.Dial(within(t), broker.DialConfig{URL: b.URL(), SeedFile: seed, TLS: broker.TLSFiles{CA: ca.file}})
	require.NoError(t, err)
	defer conn.Close()
	hears(t, b.Conn(), conn, "beat.n1")

	// A new certificate needs no restart, and processes find each other with it.
	ca.issue(t, files, net.IPv4(127, 0, 0, 1), net.IPv6loopback)
	third := open(t, config)
	hears(t, third.Conn(), conn, "beat.n1")
	state, err := third.Conn().TLSConnectionState()
	require.NoError(t, err)
	require.Len(t, state.PeerCertificates[0].IPAddresses, 2)
	require.NoError(t, b.Close())
	hears(t, third.Conn(), conn, "beat.n1")
}

// A server without TLS is not spoken to where TLS is wanted.
func TestTLSThatIsMissing(t *testing.T) {
	t.Parallel()
	ca, r := newAuthority(t), newRegistry()
	b := open(t, broker.Config{Dir: t.TempDir(), Nodes: r.find, Permissions: rights})
	seed, _ := newNode(t, r, "n1")
	for name, c := range map[string]broker.DialConfig{
		"by the URL":   {URL: strings.Replace(b.URL(), "nats:", "tls:", 1)},
		"by the files": {URL: b.URL(), TLS: broker.TLSFiles{CA: ca.file}},
	} {
		t.Run(name, func(t *testing.T) {
			c.SeedFile = seed
			_, err := broker.Dial(within(t), c)
			fails(t, err, domain.CodePrecondition, "broker_tls")
		})
	}
}
