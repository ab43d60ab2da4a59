package containers

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// portTries bounds how often a port that was free a moment ago turns out to be taken.
const portTries = 5

// Server is an engine that one test has for itself, to kill it and to start it again: it keeps its data and comes back
// at the same address. It is removed when the test ends.
type Server struct {
	// Address is where this machine finds it, host:port.
	Address string

	c    *testcontainers.DockerContainer
	port network.Port
}

// startServer runs a container whose port has a fixed number on this machine. Address is set before options is called.
func startServer(tb testing.TB, img *image, port string, options func(s *Server) []testcontainers.ContainerCustomizer) *Server {
	tb.Helper()
	s := &Server{port: network.MustParsePort(port)}
	var err error
	for range portTries {
		if err = s.run(tb, img, options); err == nil {
			break
		}
	}
	if err != nil {
		giveUp(tb, err)
	}
	tb.Cleanup(func() {
		if err := terminate(s.c); err != nil {
			tb.Logf("containers: removing %s: %v", img.name, err)
		}
	})
	return s
}

func (s *Server) run(tb testing.TB, img *image, options func(s *Server) []testcontainers.ContainerCustomizer) error {
	host, err := engineHost()
	if err != nil {
		return err
	}
	free, err := freePort()
	if err != nil {
		return err
	}
	s.Address = net.JoinHostPort(host, free)
	bind := testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
		c.PortBindings = network.PortMap{s.port: {{HostPort: free}}}
	})
	s.c, err = start(img, tb.Logf, append(options(s), bind, testcontainers.WithExposedPorts(s.port.String()))...)
	return err
}

// engineHost is where the engine publishes ports.
func engineHost() (string, error) {
	cli, err := engine()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return "", fmt.Errorf("containers: address of %s: %w", cli.DaemonHost(), err)
	}
	defer provider.Close()
	host, err := provider.DaemonHost(ctx)
	return loopback(host), err
}

// freePort returns a port that nobody listens on. Docker would choose another one at every start.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// Kill ends the server at once, as SIGKILL does.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	cli, err := engine()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if _, err := cli.ContainerKill(ctx, s.c.ID, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		tb.Fatalf("containers: killing a server: %v", err)
	}
	if err := s.exited(ctx, cli); err != nil {
		tb.Fatalf("containers: waiting for the end of a server: %v", err)
	}
}

// exited waits until the container does not run.
func (s *Server) exited(ctx context.Context, cli client.APIClient) error {
	over := cli.ContainerWait(ctx, s.c.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-over.Result:
		return nil
	case err := <-over.Error:
		return err
	}
}

// Start starts a killed server again and returns when it answers.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.c.Start(ctx); err != nil {
		tb.Fatalf("containers: starting a server again: %v%s", err, lastWords(s.c))
	}
}

// Inside returns where other containers find the server, host:port. It may change with every start.
func (s *Server) Inside(tb testing.TB) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	ip, err := s.c.ContainerIP(ctx)
	if err != nil || ip == "" {
		tb.Fatalf("containers: address of a server: %q, %v", ip, err)
	}
	return net.JoinHostPort(ip, s.port.Port())
}
