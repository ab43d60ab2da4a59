//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/oidc"
	"github.com/wharf-project/wharf/domain"
)

// The test binary is the program when this is set.
const asProgram = "WHARF_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Args = append([]string{"wharf"}, os.Args[1:]...)
		main()
		return
	}
	os.Exit(m.Run())
}

// wharf prepares the program with a data directory of its own.
func wharf(t *testing.T, dir string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "WHARF_DATA_DIR="+dir, "WHARF_CONFIG=", "XDG_CONFIG_HOME="+dir)
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	cmd, out := wharf(t, dir, "scaling-group", "allow", "gpu", "lab")
	require.NoError(t, cmd.Run(), out)
	cmd, out = wharf(t, dir, "scaling-group", "list")
	require.NoError(t, cmd.Run(), out)
	require.Regexp(t, `gpu +lab`, out.String())
	cmd, out = wharf(t, dir, "image", "get", "nothing")
	require.Error(t, cmd.Run())
	require.Equal(t, 5, cmd.ProcessState.ExitCode(), out)
	cmd, out = wharf(t, dir, "policy", "show", "--text")
	require.NoError(t, cmd.Run(), out)
	require.Contains(t, out.String(), "p, superadmin, *, any")
}

// stalled is a registry that accepts and then says nothing until the test ends.
func stalled(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	reached, over := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	return server.URL, reached
}

func TestInterrupt(t *testing.T) {
	url, asked := stalled(t)
	dir := t.TempDir()
	cmd, out := wharf(t, dir, "registry", "create", "cr.test", "--url", url, "--private-network")
	require.NoError(t, cmd.Run(), out)

	cmd, out = wharf(t, dir, "registry", "rescan")
	require.NoError(t, cmd.Start())
	select {
	case <-asked:
	case <-time.After(30 * time.Second):
		t.Fatal("the registry was never asked")
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait())
	require.Equal(t, 10, cmd.ProcessState.ExitCode(), out)
	require.Contains(t, out.String(), "wharf: canceled")
}

// The program as a server without any configuration but a free port, and as its
// client.
func TestServer(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := wharf(t, dir, "serve", "--listen", "127.0.0.1:0", "--json")
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var ready struct{ Ready string }
	require.NoError(t, json.NewDecoder(out).Decode(&ready))
	found := regexp.MustCompile(`^serving at (http://127\.0\.0\.1:[0-9]+); nodes dial in to nats://127\.0\.0\.1:[0-9]+$`).FindStringSubmatch(ready.Ready)
	require.NotNil(t, found, ready.Ready)

	client, said := wharf(t, dir, "key", "create", "ci", "--json")
	require.NoError(t, client.Run(), said)
	var key struct{ Secret string }
	require.NoError(t, json.Unmarshal(said.Bytes(), &key))
	ask := func(token string, args ...string) (string, int) {
		client, said := wharf(t, t.TempDir(), args...) // its own data is elsewhere
		client.Env = append(client.Env, "WHARF_SERVER="+found[1], "WHARF_TOKEN="+token)
		_ = client.Run()
		return said.String(), client.ProcessState.ExitCode()
	}
	text, code := ask(key.Secret, "scaling-group", "allow", "gpu", "lab")
	require.Zero(t, code, text)
	text, code = ask("whk_wrong", "scaling-group", "list")
	require.Equal(t, 3, code, text)

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "ended in order")
	local, said := wharf(t, dir, "scaling-group", "list")
	require.NoError(t, local.Run(), said)
	require.Regexp(t, `gpu +lab`, said.String())
}

func TestTokens(t *testing.T) {
	require.Nil(t, tokens(cli.Tokens{User: "email"}))
	require.Equal(t, &oidc.Config{
		Issuer: "i", Audience: "a", KeysURL: "k",
		Claims: oidc.Claims{User: "u", Role: "r", Domain: "d", Projects: "p", Superadmin: true, Roles: map[string]domain.Role{"ops": domain.RoleSuperadmin}},
	}, tokens(cli.Tokens{
		Issuer: "i", Audience: "a", KeysURL: "k", User: "u", Role: "r", Domain: "d", Projects: "p", Superadmin: true, Roles: map[string]string{"ops": "superadmin"},
	}))
	require.Nil(t, tokens(cli.Tokens{Issuer: "i"}).Claims.Roles, "theirs are ours")
}

// A second signal ends a program that does not want to.
func TestSecondInterruptKills(t *testing.T) {
	dir := t.TempDir()
	fifo := dir + "/pipe"
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	// Opening a pipe that nobody writes to waits for ever, whatever the context says.
	cmd, out := wharf(t, dir, "image", "get", "--action-json", fifo)
	require.NoError(t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		select {
		case <-done:
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			require.True(t, ok)
			require.True(t, status.Signaled(), "%s: %s", cmd.ProcessState, out)
			return
		case <-tick.C:
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	t.Fatal("it is still running")
}
