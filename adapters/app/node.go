package app

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// NodeConfig is what a node needs to dial in.
type NodeConfig struct {
	ID   domain.AgentID
	URL  string // of the managers' NATS; several by commas
	Seed string // NKey seed file, made on first use
	TLS  broker.TLSFiles
	// AllowPlaintext reaches other machines without TLS.
	AllowPlaintext bool

	// Docker is the endpoint of a Docker Engine, Layout the directory of an OCI
	// layout: exactly one.
	Docker, Layout string

	Heartbeat time.Duration // 0: 10 s
	Pulls     int           // at once; 0: 4
	Version   string
	Logger    *slog.Logger // nil: silent
	Ready     func()       // called once it serves; may be nil
}

// RunNode makes this machine a node of the fleet until ctx ends, and returns nil
// then. It waits for managers that cannot be reached. Errors: invalid, and those
// of the engine and of the connection.
func RunNode(ctx context.Context, c NodeConfig) error {
	row := domain.Agent{ID: c.ID, Kind: domain.AgentDocker, Address: c.Docker}
	open := docker.Opener(docker.Options{Jobs: c.Pulls})
	if c.Layout != "" {
		row.Kind, row.Address = domain.AgentOCILayout, c.Layout
		open = ocilayout.Opener(ocilayout.Options{})
	}
	if (c.Docker == "") == (c.Layout == "") {
		return domain.Invalid("agent_invalid", "docker", "a node stands in front of a Docker Engine or of an OCI layout")
	}
	agent, err := open(ctx, row)
	if err != nil {
		return err
	}
	if closer, ok := agent.(io.Closer); ok {
		defer closer.Close()
	}
	return serveNode(ctx, c, agent)
}

func serveNode(ctx context.Context, c NodeConfig, agent port.Agent) error {
	conn, err := broker.Dial(ctx, broker.DialConfig{
		URL: c.URL, SeedFile: c.Seed, TLS: c.TLS, AllowPlaintext: c.AllowPlaintext, Name: "wharf agent " + string(c.ID), Logger: c.Logger,
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.Ready != nil {
		c.Ready()
	}
	return fleet.Serve(ctx, conn, fleet.Node{
		ID: c.ID, Agent: agent, Every: c.Heartbeat, Pulls: c.Pulls, Version: c.Version, Logger: c.Logger,
	})
}

// NodeKey returns the public key of a seed file, made on first use: what an
// agent of kind fleet is registered with as its address.
func NodeKey(seedFile string) (string, error) {
	seed, err := broker.LoadSeed(seedFile)
	return seed.PublicKey(), err
}
