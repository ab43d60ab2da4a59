package integration_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// sshCommand is an ssh that knows these files only, as an operator's own
// configuration would say it.
func sshCommand(t *testing.T, key, knownHosts string) docker.Options {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil,
		"IdentityFile %s\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile %s\nGlobalKnownHostsFile none\n", key, knownHosts), 0o600))
	command := filepath.Join(dir, "ssh")
	require.NoError(t, os.WriteFile(command, fmt.Appendf(nil, "#!/bin/sh\nexec ssh -F %s \"$@\"\n", config), 0o700)) //nolint:gosec // a command
	return docker.Options{SSH: command}
}

func TestAnEngineBehindSSH(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	e := engineAt(t, containers.SecondEngine(t, nil).Address, g.host)
	s := containers.StartSSHD(t, e.address)
	address := fmt.Sprintf("ssh://%s@%s:%s", s.User, s.Host, s.Port)
	a := openAgent(t, sshCommand(t, s.Key, s.KnownHosts), address)
	tool := e.push(t, porttest.AgentImage{Repository: "team/tool", Tag: "1", Architectures: []string{"x86_64"}, Content: "a"})[0]
	out, err := a.Pull(t.Context(), tool.Request, nil)
	require.NoError(t, err)
	require.Equal(t, tool.Config, out.Digest)

	t.Run("is refused with", func(t *testing.T) {
		changed := filepath.Join(t.TempDir(), "known_hosts")
		other, err := os.ReadFile(containers.NewSSHKey(t) + ".pub")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(changed, fmt.Appendf(nil, "[%s]:%s %s", s.Host, s.Port, other), 0o600))
		for name, c := range map[string]struct {
			options docker.Options
			says    string
		}{
			"an unknown host key":   {sshCommand(t, s.Key, "/dev/null"), "host key"},
			"a host key that moved": {sshCommand(t, s.Key, changed), "host key"},
			"a key of nobody":       {sshCommand(t, containers.NewSSHKey(t), s.KnownHosts), "authorized keys"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := openAgent(t, c.options, address).Inventory(t.Context())
				requireReason(t, err, domain.CodePrecondition, "agent_ssh")
				require.Contains(t, domain.MessageOf(err), c.says)
			})
		}
	})

	t.Run("serves many calls at once", func(t *testing.T) {
		var group errgroup.Group
		for i := range 10 {
			p := e.push(t, porttest.AgentImage{Repository: "team/tool", Tag: fmt.Sprint("at-once-", i), Architectures: []string{"x86_64"}, Content: fmt.Sprint(i % 4)})[0]
			group.Go(func() error { _, err := a.Pull(t.Context(), p.Request, nil); return err })
			group.Go(func() error { _, err := a.Inventory(t.Context()); return err })
		}
		require.NoError(t, group.Wait())
		inventory, err := a.Inventory(t.Context())
		require.NoError(t, err)
		require.Len(t, inventory.Images, 11)
	})

	t.Run("and its end in the middle of a pull is told", func(t *testing.T) {
		held := e.push(t, porttest.AgentImage{Repository: "team/held", Tag: "1", Architectures: []string{"x86_64"}, Content: "held"})[0]
		release := g.hold(held.Config)
		pulled := make(chan error, 1)
		go func() { _, err := a.Pull(t.Context(), held.Request, nil); pulled <- err }()
		g.wait(t, 1)
		s.Kill(t)
		requireReason(t, <-pulled, domain.CodeUnavailable, "agent_unavailable")
		_, err := a.Inventory(t.Context())
		requireReason(t, err, domain.CodeUnavailable, "agent_unavailable")
		release()

		s.Start(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = a.Pull(ctx, held.Request, nil)
		require.NoError(t, err)
	})
}
