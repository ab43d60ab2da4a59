package containers_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

func TestASecondEngineIsOfItsOwn(t *testing.T) {
	t.Parallel()
	first, err := client.New(client.WithHost(containers.Docker(t)))
	require.NoError(t, err)
	defer first.Close()
	bridge := func() string {
		got, err := first.NetworkInspect(t.Context(), "bridge", client.NetworkInspectOptions{})
		require.NoError(t, err)
		_, err = net.InterfaceByName(got.Network.Options["com.docker.network.bridge.name"])
		require.NoError(t, err, "the machine's engine keeps its bridge")
		return got.Network.ID
	}
	before := bridge()
	one, two := containers.SecondEngine(t, nil), containers.SecondEngine(t, nil)
	open := func(e *containers.Engine) *client.Client {
		cli, err := client.New(client.WithHost(e.Address))
		require.NoError(t, err)
		t.Cleanup(func() { cli.Close() })
		return cli
	}
	volumes := func(cli *client.Client) (names []string) {
		list, err := cli.VolumeList(t.Context(), client.VolumeListOptions{})
		require.NoError(t, err)
		for _, v := range list.Items {
			names = append(names, v.Name)
		}
		return names
	}
	_, err = open(one).VolumeCreate(t.Context(), client.VolumeCreateOptions{Name: "of-one"})
	require.NoError(t, err)
	one.Stop(t)
	one.Kill(t)
	one.Start(t)
	require.Equal(t, []string{"of-one"}, volumes(open(one)))
	require.Empty(t, volumes(open(two)))
	require.Equal(t, before, bridge())
}

// TestAgainEngine is a process that starts one of everything and waits for its end.
func TestAgainEngine(t *testing.T) {
	onlyAgain(t)
	engine := containers.SecondEngine(t, nil)
	podman := containers.Podman(t)
	sshd := containers.StartSSHD(t, engine.Address)
	for _, path := range []string{engine.Address, podman.Address, sshd.Key} {
		fmt.Println("\nDIR=" + filepath.Dir(strings.TrimPrefix(path, "unix://")))
	}
	fmt.Println("\nDIR=")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func TestAgainPodman(t *testing.T) {
	onlyAgain(t)
	containers.Podman(t)
}

func TestAProgramThatIsMissing(t *testing.T) {
	t.Parallel()
	for required, verdict := range map[string]string{"": "SKIP", "1": "FAIL"} {
		out, err := again(t, "TestAgainPodman", "PATH=/nonexistent", "REQUIRE_CONTAINERS="+required)
		require.Equal(t, verdict == "FAIL", err != nil, out)
		require.Contains(t, out, "--- "+verdict)
		require.Contains(t, out, ".ci/docker.sh")
	}
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	t.Parallel()
	containers.SecondEngine(t, nil) // or skip
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAgainEngine$")
	cmd.Env = append(os.Environ(), "WHARF_TEST_AGAIN=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var dirs []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if dir, ok := strings.CutPrefix(lines.Text(), "DIR="); ok {
			if dir == "" {
				break
			}
			dirs = append(dirs, dir)
		}
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.NotEmpty(t, dirs)
	running := func() (found []string) {
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		require.NoError(t, err)
		for _, path := range lines {
			line, _ := os.ReadFile(path) // it may be gone
			for _, dir := range dirs {
				if strings.Contains(string(line), dir) {
					found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
				}
			}
		}
		return found
	}
	require.NotEmpty(t, running(), "they outlive who started them")
	bridges := func() int {
		interfaces, err := net.Interfaces()
		require.NoError(t, err)
		n := 0
		for _, i := range interfaces {
			for _, dir := range dirs {
				if strings.HasPrefix(i.Name, "wharf") && strings.HasSuffix(dir, strings.TrimPrefix(i.Name, "wharf")) {
					n++
				}
			}
		}
		return n
	}
	require.Equal(t, 1, bridges())

	containers.SecondEngine(t, nil)
	require.Empty(t, running())
	require.Zero(t, bridges())
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	for _, dir := range dirs {
		require.NoDirExists(t, dir)
		require.NotContains(t, string(mounts), dir)
	}
}
