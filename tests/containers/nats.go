package containers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

const (
	natsPort    = "4222/tcp"
	natsMonitor = "8222/tcp"
	natsProgram = "/nats-server"
)

// NATS starts a NATS server with JetStream for one test. Clients use nats:// and its address, and prove themselves with
// one of the public NKeys; without any, everybody is let in. What JetStream holds in files survives a kill.
func NATS(tb testing.TB, keys ...string) *Server {
	tb.Helper()
	config := "jetstream { store_dir: /tmp/jetstream }\nhttp_port: 8222\n"
	if len(keys) > 0 {
		config += "authorization { users: [ { nkey: " + strings.Join(keys, " }, { nkey: ") + " } ] }\n"
	}
	return startServer(tb, natsImage, natsPort, func(*Server) []testcontainers.ContainerCustomizer {
		return []testcontainers.ContainerCustomizer{
			testcontainers.WithEntrypoint(natsProgram),
			testcontainers.WithCmd("--config", "/etc/wharf/nats.conf"),
			testcontainers.WithFiles(containerFile("/etc/wharf/nats.conf", config)),
			testcontainers.WithExposedPorts(natsMonitor),
			// Not by its port: the engine's proxy listens there before the server does.
			testcontainers.WithWaitStrategy(wait.ForHTTP("/healthz").WithPort(natsMonitor).
				WithStatusCodeMatcher(func(code int) bool { return code == http.StatusOK }).
				WithForcedIPv4LocalHost().WithPollInterval(20 * time.Millisecond).WithStartupTimeout(startTimeout)),
		}
	})
}

func natsConfig() v1.Config {
	return v1.Config{ExposedPorts: map[string]struct{}{natsPort: {}}}
}
