package containers

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

const (
	// testcontainers retries some failures for a quarter of an hour: nothing here runs without a deadline.
	pingTimeout = 10 * time.Second

	ryukDisabled = "TESTCONTAINERS_RYUK_DISABLED"
	hostOverride = "TESTCONTAINERS_HOST_OVERRIDE"
)

var theEngine lazy[*testcontainers.DockerClient]

// engine connects to the Docker Engine, and removes what killed test processes left there.
func engine() (*testcontainers.DockerClient, error) {
	return theEngine.get(func() (*testcontainers.DockerClient, error) {
		// Ryuk, which removes the containers of killed processes, is one more image from Docker Hub and wants
		// the engine's socket. Only "true" turns it off; removeLeftovers does its work.
		if err := os.Setenv(ryukDisabled, "true"); err != nil {
			return nil, err
		}
		log.SetDefault(log.NewNoopLogger())
		ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
		defer cancel()
		cli, err := connect(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: no Docker Engine (run .ci/docker.sh, or set DOCKER_HOST): %w", errUnavailable, err)
		}
		if sharesNetwork(ctx, cli) && os.Getenv(hostOverride) == "" {
			if err := os.Setenv(hostOverride, "127.0.0.1"); err != nil {
				return nil, err
			}
		}
		removeLeftovers(ctx, cli)
		return cli, nil
	})
}

func connect(ctx context.Context) (cli *testcontainers.DockerClient, err error) {
	defer func() { // some of testcontainers' ways of looking for an engine panic when there is none
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	// testcontainers would go on to another engine when the one that was asked for does not answer.
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		named, err := client.New(client.FromEnv)
		if err != nil {
			return nil, err
		}
		defer named.Close()
		if _, err := named.Ping(ctx, client.PingOptions{}); err != nil {
			return nil, fmt.Errorf("DOCKER_HOST=%s: %w", host, err)
		}
	}
	cli, err = testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, err
	}
	_, err = cli.Ping(ctx, client.PingOptions{})
	return cli, err
}

// sharesNetwork reports whether the engine's bridge is an interface here, so that the ports of containers are published
// on this machine's loopback. Where there is a /.dockerenv testcontainers assumes otherwise, and turns to the default
// gateway; but some virtual machines and privileged containers have that file and run the engine themselves.
func sharesNetwork(ctx context.Context, cli client.APIClient) bool {
	bridge, err := cli.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{})
	if err != nil {
		return false
	}
	_, err = net.InterfaceByName(bridge.Network.Options["com.docker.network.bridge.name"])
	return err == nil
}
