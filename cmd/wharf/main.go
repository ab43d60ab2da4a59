package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/oidc"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/adapters/web"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal ends the work in order, a second one kills
	cfg := cli.System()
	cfg.Open, cfg.Policy = open, rbac.DefaultPolicy
	cfg.Serve, cfg.Node, cfg.NodeKey = serve, node, app.NodeKey
	args := os.Args[1:]
	if filepath.Base(os.Args[0]) == cli.HelperName {
		args = append([]string{"credential-helper"}, args...)
	}
	os.Exit(cli.Run(ctx, cfg, args))
}

func settings(s cli.Settings) app.Config {
	n := s.NATS
	return app.Config{
		DatabaseURL: s.Database, Dir: s.DataDir, Keys: s.Keys, Logger: s.Logger,
		NATS: app.NATS{
			URL: n.URL, Seed: n.Seed, Listen: n.Listen, AllowPlaintext: n.Insecure,
			TLS: broker.TLSFiles{Cert: n.TLSCert, Key: n.TLSKey, CA: n.TLSCA},
		},
		Service: service.Config{
			References: s.References(), Architecture: s.DefaultArchitecture,
			Build: service.Build{Sources: s.BuildSources, Agent: domain.AgentID(s.BuildAgent)},
		},
	}
}

func open(ctx context.Context, s cli.Settings) (cli.Service, error) {
	c := settings(s)
	c.AtHand = true
	a, err := app.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	return cli.Embedded(a.ImageService, a), nil
}

func serve(ctx context.Context, s cli.Settings, o cli.ServeOptions) error {
	c := settings(s)
	c.Service.Work.Retention = service.Retention{Tasks: o.KeepTasks, Audit: o.KeepAudit, IdempotencyKeys: o.KeepKeys}
	h := o.HTTP
	return app.Serve(ctx, c, app.ServerConfig{
		Listen: h.Listen, Cert: h.TLSCert, Key: h.TLSKey, ClientCA: h.ClientCA, AllowPlaintext: h.BehindProxy,
		Limits: web.Limits{Body: h.MaxBody, Concurrent: h.MaxRequests},
		Tokens: tokens(o.Tokens), HideSchema: o.HideSchema, Traces: o.Traces, Version: version(),
		Ready: func(url, nats string) { o.Ready("serving at " + url + "; nodes dial in to " + nats) },
	})
}

func tokens(t cli.Tokens) *oidc.Config {
	if t.Issuer == "" {
		return nil
	}
	c := &oidc.Config{Issuer: t.Issuer, Audience: t.Audience, KeysURL: t.KeysURL, Claims: oidc.Claims{
		User: t.User, Role: t.Role, Domain: t.Domain, Projects: t.Projects, Superadmin: t.Superadmin,
	}}
	for theirs, ours := range t.Roles {
		if c.Claims.Roles == nil {
			c.Claims.Roles = map[string]domain.Role{}
		}
		c.Claims.Roles[theirs] = domain.Role(ours)
	}
	return c
}

func node(ctx context.Context, s cli.Settings, o cli.NodeOptions) error {
	return app.RunNode(ctx, app.NodeConfig{
		ID: o.ID, URL: o.URL, Seed: o.Seed, AllowPlaintext: o.Insecure,
		TLS:    broker.TLSFiles{Cert: o.TLSCert, Key: o.TLSKey, CA: o.TLSCA},
		Docker: o.Docker, Layout: o.Layout, Heartbeat: o.Heartbeat, Pulls: o.Pulls, Version: version(), Logger: s.Logger,
		Ready: func() { o.Ready("serving as " + string(o.ID)) },
	})
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}
