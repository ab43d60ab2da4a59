package containers

import (
	"fmt"
	"testing"
)

// Podman starts Podman's service, which speaks the engine's protocol, for one test; it needs root. The registries at
// insecure (host:port) are reached through plain HTTP.
func Podman(tb testing.TB, insecure ...string) *Engine {
	tb.Helper()
	requireRoot(tb)
	podman := program(tb, "podman", "podman")
	own := newOwnProcess(tb, "podman")
	registries := ""
	for _, host := range insecure {
		registries += fmt.Sprintf("[[registry]]\nlocation = %q\ninsecure = true\n", host)
	}
	env := []string{
		"CONTAINERS_REGISTRIES_CONF=" + own.write(tb, "registries.conf", registries),
		// The usual limits are more than some machines may give away.
		"CONTAINERS_CONF=" + own.write(tb, "containers.conf", "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n"),
	}
	e := &Engine{Address: "unix://" + own.at("s"), own: own}
	e.start = func(tb testing.TB) {
		tb.Helper()
		own.run(tb, pings(own.at("s")), env, podman,
			"--root", own.at("data"), "--runroot", own.at("run"), "--tmpdir", own.at("tmp"), "--storage-driver=vfs", "--log-level=info",
			"system", "service", "--time=0", e.Address)
	}
	e.start(tb)
	return e
}
