package docker_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
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
	"golang.org/x/sync/errgroup"

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
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = f.server.Config.ErrorLog
	server.StartTLS()
	defer server.Close()
	host := server.Listener.Addr().String()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	_, err := open(t, docker.Options{TLS: map[string]docker.TLSFiles{"": {CA: ca}}}, "tcp://"+host).Inventory(t.Context())
	require.NoError(t, err)
	systemRoots := docker.Options{TLS: map[string]docker.TLSFiles{host: {}}}
	everyAction(t, systemRoots, "tcp://"+host, t.Context(), domain.CodePrecondition, "agent_tls")
	everyAction(t, docker.Options{AllowInsecureTCP: true}, "tcp://"+host, t.Context(), domain.CodePrecondition, "agent_tls")

	wants := httptest.NewUnstartedServer(f) // in TLS 1.3 the refusal comes after the client's side is through
	wants.Config.ErrorLog = f.server.Config.ErrorLog
	wants.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
	wants.StartTLS()
	defer wants.Close()
	host = wants.Listener.Addr().String()
	for range 10 {
		everyAction(t, docker.Options{TLS: map[string]docker.TLSFiles{"": {CA: ca}}}, "tcp://"+host, t.Context(), domain.CodePrecondition, "agent_tls")
	}

	plain := httptest.NewServer(f)
	defer plain.Close()
	host = plain.Listener.Addr().String()
	everyAction(t, docker.Options{TLS: map[string]docker.TLSFiles{"": {CA: ca}}}, "tcp://"+host, t.Context(), domain.CodePrecondition, "agent_tls")
	_, err = open(t, docker.Options{AllowInsecureTCP: true}, "tcp://"+host).Inventory(t.Context())
	require.NoError(t, err)
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
	for said, want := range map[string][2]string{
		"ssh: connect to host node1 port 22: Connection refused":                          {"unavailable", "agent_unavailable"},
		"Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?": {"unavailable", "agent_unavailable"},
		"No ED25519 host key is known for node1.\nHost key verification failed.":          {"precondition", "agent_ssh"},
		"root@node1: Permission denied (publickey).":                                      {"precondition", "agent_ssh"},
		"Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures":   {"precondition", "agent_ssh"},
		"sh: 1: docker: not found":                                                        {"precondition", "agent_ssh"},
	} {
		t.Setenv(dialSays, said)
		_, err = open(t, docker.Options{SSH: self}, "ssh://root@node1").Inventory(t.Context())
		fails(t, err, domain.Code(want[0]), want[1])
		require.Contains(t, err.Error(), said, "what the command said is kept for operators")
		require.NotContains(t, domain.MessageOf(err), said)
	}
	everyAction(t, docker.Options{SSH: "/nowhere"}, "ssh://root@node1", t.Context(), domain.CodeUnavailable, "agent_unavailable")
}

// A connection may cost a login: calls share them, and no more are open at once
// than sshd lets in.
func TestConnectionsAreKept(t *testing.T) {
	f := newFake(t)
	for i := range 60 {
		f.add(fmt.Sprint(i), []string{fmt.Sprintf("python:%d", i)}, nil)
	}
	self, err := os.Executable()
	require.NoError(t, err)
	t.Setenv(dialStdio, f.socket)
	a := open(t, docker.Options{SSH: self}, "ssh://root@node1")
	for range 3 {
		_, err := a.Inventory(t.Context())
		require.NoError(t, err)
	}
	require.LessOrEqual(t, f.connections.Load(), int32(6), "one call after the other")
	a = open(t, docker.Options{SSH: self}, "ssh://root@node1")
	before := f.connections.Load()
	var group errgroup.Group
	for range 10 {
		group.Go(func() error { _, err := a.Inventory(t.Context()); return err })
	}
	require.NoError(t, group.Wait())
	require.LessOrEqual(t, f.connections.Load()-before, int32(6), "many calls at once")
}

// An engine that was replaced while the agent stayed open.
func TestTheVersionIsAgreedOnAgain(t *testing.T) {
	f := newFake(t)
	a := f.open(t)
	knows := func(version string) {
		f.mu.Lock()
		f.version = version
		f.mu.Unlock()
		f.answer("GET /images/json", func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/v"+version+"/") {
				refuse(w, http.StatusBadRequest, "client version 1.x is too old. Minimum supported API version is "+version)
				return
			}
			reply(w, http.StatusOK, f.list())
		})
	}
	for _, version := range []string{"1.41", "1.44", "1.40"} {
		knows(version)
		if version != "1.41" {
			_, err := a.Inventory(t.Context())
			fails(t, err, domain.CodeUnavailable, "agent_failed")
		}
		var group errgroup.Group
		for range 5 {
			group.Go(func() error { _, err := a.Inventory(t.Context()); return err })
		}
		require.NoError(t, group.Wait())
	}
}

func joinStdio(socket string) int {
	c, err := new(net.Dialer).DialContext(context.Background(), "unix", socket)
	if err != nil {
		_, _ = io.WriteString(os.Stderr, os.Getenv(dialSays)+"\n")
		return 1
	}
	go func() { _, _ = io.Copy(c, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, c)
	return 0
}
