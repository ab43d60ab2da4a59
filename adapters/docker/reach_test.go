package docker_test

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
)

func TestAddresses(t *testing.T) {
	empty := docker.TLSDirectory(t.TempDir())
	for address, reason := range map[string]string{
		"unix:///var/run/docker.sock": "", "ssh://node1": "", "ssh://root@node1:2222": "",
		"": "agent_invalid", "/var/run/docker.sock": "agent_invalid", "unix://docker.sock": "agent_invalid", "unix:///": "agent_invalid",
		"http://node1:2375": "agent_invalid", "tcp://node1": "agent_invalid", "tcp://:2375": "agent_invalid", "tcp://node1:0": "agent_invalid",
		"tcp://plain:2375": "agent_invalid", "tcp://u:hunter2@secure:2376": "agent_invalid", "tcp://secure:2376": "agent_tls",
		"ssh://": "agent_invalid", "ssh://-oProxyCommand=x": "agent_invalid", "ssh://-l@node1": "agent_invalid",
		"ssh://u:hunter2@node1": "agent_invalid", "ssh://node1/path": "agent_invalid", "unix:///a?b": "agent_invalid",
		"unix:///" + strings.Repeat("x", 200): "agent_invalid",
	} {
		o := docker.Options{TLS: map[string]docker.TLSFiles{"secure:2376": empty}}
		a, err := docker.Opener(o)(t.Context(), domain.Agent{Address: address})
		if reason == "" {
			require.NoError(t, err, address) // and nobody was contacted: there is no such host
			require.NoError(t, a.(io.Closer).Close())
			continue
		}
		require.Error(t, err, address)
		require.Equal(t, reason, domain.ReasonOf(err), address)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestVersions(t *testing.T) {
	f := newFake(t)
	for version, path := range map[string]string{"1.40": "/v1.40/", "1.41": "/v1.41/", "1.99": "/v1.55/"} {
		f.version = version
		_, err := f.open(t).Inventory(t.Context())
		require.NoError(t, err)
		for _, r := range f.requests() {
			require.True(t, strings.HasPrefix(r.URL.Path, path), r.URL.Path)
		}
	}
	f.version = "1.39"
	_, err := f.open(t).Inventory(t.Context())
	fails(t, err, domain.CodePrecondition, "agent_unsupported")
	require.Empty(t, f.requests())
}

func TestUnreachable(t *testing.T) {
	nobody := "unix://" + filepath.Join(t.TempDir(), "none.sock")
	for _, a := range []string{nobody, "tcp://127.0.0.1:1"} {
		everyAction(t, docker.Options{AllowInsecureTCP: true}, a, t.Context(), domain.CodeUnavailable, "agent_unavailable")
	}
}

func TestHangingEngine(t *testing.T) {
	f := newFake(t)
	for _, path := range []string{"HEAD /_ping", "GET /images/json", "GET /images/cr.example.org/team/tool:1/json"} {
		f.only(path, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		a := f.open(t)
		var err error
		if strings.HasSuffix(path, ":1/json") {
			_, err = a.Pull(ctx, request(), nil)
		} else {
			_, err = a.Inventory(ctx)
		}
		fails(t, err, domain.CodeTimeout, "timeout")
		cancel()
	}
}

// One caller that waits without end must not hold up one that does not.
func TestHangingFirstCall(t *testing.T) {
	f := newFake(t)
	hangs := make(chan struct{}, 1)
	f.answer("HEAD /_ping", func(_ http.ResponseWriter, r *http.Request) { hangs <- struct{}{}; <-r.Context().Done() })
	a := f.open(t)
	patient, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := a.Inventory(patient); done <- err }()
	<-hangs
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	_, err := a.Inventory(short)
	fails(t, err, domain.CodeTimeout, "timeout")
	cancel()
	fails(t, <-done, domain.CodeCanceled, "canceled")
}

func TestInsideATransaction(t *testing.T) {
	f := newFake(t)
	everyAction(t, docker.Options{}, "unix://"+f.socket, domain.MarkTx(t.Context()), domain.CodeInternal, "inside_transaction")
	require.Empty(t, f.requests())
}

func everyAction(t *testing.T, o docker.Options, address string, ctx context.Context, code domain.Code, reason string) { //nolint:revive // what is under test comes first
	t.Helper()
	a := open(t, o, address)
	_, err := a.Inventory(ctx)
	fails(t, err, code, reason)
	_, err = a.Pull(ctx, request(), nil)
	fails(t, err, code, reason)
	_, err = a.Remove(ctx, domain.RemoveRequest{Canonical: "cr.example.org/team/tool:1", Architecture: "x86_64"})
	fails(t, err, code, reason)
}

func TestTLS(t *testing.T) {
	f := newFake(t)
	server := httptest.NewTLSServer(f)
	defer server.Close()
	host := server.Listener.Addr().String()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	_, err := open(t, docker.Options{TLS: map[string]docker.TLSFiles{"": {CA: ca}}}, "tcp://"+host).Inventory(t.Context())
	require.NoError(t, err)
	server.Config.ErrorLog = f.server.Config.ErrorLog
	_, err = open(t, docker.Options{TLS: map[string]docker.TLSFiles{host: {}}}, "tcp://"+host).Inventory(t.Context())
	fails(t, err, domain.CodeUnavailable, "agent_unavailable") // the system's roots do not know it
}

func TestSSH(t *testing.T) {
	f := newFake(t)
	f.add("a", []string{"python:3"}, nil)
	self, err := os.Executable()
	require.NoError(t, err)
	t.Setenv(dialStdio, f.socket)
	images, err := open(t, docker.Options{SSH: self}, "ssh://root@node1").Inventory(t.Context())
	require.NoError(t, err)
	require.Len(t, images.Images, 1)

	t.Setenv(dialStdio, "/nowhere")
	_, err = open(t, docker.Options{SSH: self}, "ssh://root@node1").Inventory(t.Context())
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
	require.Contains(t, err.Error(), "publickey", "what the command said is kept for operators")
	_, err = open(t, docker.Options{SSH: "/nowhere"}, "ssh://root@node1").Inventory(t.Context())
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
}

func joinStdio(socket string) int {
	c, err := new(net.Dialer).DialContext(context.Background(), "unix", socket)
	if err != nil {
		_, _ = io.WriteString(os.Stderr, "Permission denied (publickey).\n")
		return 1
	}
	go func() { _, _ = io.Copy(c, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, c)
	return 0
}
