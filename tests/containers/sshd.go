package containers

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// SSHD is an OpenSSH server on the loopback for one test. The user of the tests may enter with the key of Key, and
// finds there the client of Docker, set to the engine that the server was started for.
type SSHD struct {
	// Host and Port are where it listens, User who may enter.
	Host, Port, User string
	// Key is the file of the private key that it accepts, KnownHosts that of its own public key.
	Key, KnownHosts string

	own   *ownProcess
	start func(tb testing.TB)
}

// StartSSHD starts an OpenSSH server for an engine's address. It needs root, because sshd does without only if it was
// never installed as a service.
func StartSSHD(tb testing.TB, engine string) *SSHD {
	tb.Helper()
	requireRoot(tb)
	sshd, _ := program(tb, "sshd", "openssh-server"), program(tb, "ssh", "openssh-client")
	program(tb, "docker", "docker-cli") // what ssh runs
	me, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { //nolint:gosec // as the package makes it
		tb.Fatal(err)
	}
	own := newOwnProcess(tb, "sshd")
	s := &SSHD{User: me.Username, own: own}
	address := freeLoopback(tb)
	if s.Host, s.Port, err = net.SplitHostPort(address); err != nil {
		tb.Fatal(err)
	}
	hostKey, hostPublic := sshKey(tb)
	userKey, userPublic := sshKey(tb)
	s.Key = own.write(tb, "user", userKey)
	s.KnownHosts = own.write(tb, "known_hosts", fmt.Sprintf("[%s]:%s %s", s.Host, s.Port, hostPublic))
	config := own.write(tb, "sshd_config", fmt.Sprintf(`ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
SetEnv DOCKER_HOST=%s
`, address, own.write(tb, "host", hostKey), own.write(tb, "authorized_keys", userPublic), engine))
	s.start = func(tb testing.TB) {
		tb.Helper()
		own.run(tb, accepts(address), nil, sshd, "-D", "-e", "-f", config)
	}
	s.start(tb)
	return s
}

// Kill ends the server and all sessions at once.
func (s *SSHD) Kill(tb testing.TB) {
	tb.Helper()
	s.own.kill(tb)
}

// Start starts a killed server again, at the same address and with the same keys.
func (s *SSHD) Start(tb testing.TB) {
	tb.Helper()
	s.start(tb)
}

// NewSSHKey writes a private key that nobody knows and returns its file. The public one is beside it, in .pub.
func NewSSHKey(tb testing.TB) string {
	tb.Helper()
	private, public := sshKey(tb)
	path := filepath.Join(tb.TempDir(), "key")
	for file, content := range map[string]string{path: private, path + ".pub": public} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return path
}

// sshKey makes a key pair, as OpenSSH writes it into files.
func sshKey(tb testing.TB) (private, public string) {
	tb.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		tb.Fatal(err)
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(line))
}

// accepts returns a check that somebody listens at an address.
func accepts(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}
