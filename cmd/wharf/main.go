package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal ends the work in order, a second one kills
	cfg := cli.System()
	cfg.Open, cfg.Policy = open, rbac.DefaultPolicy
	os.Exit(cli.Run(ctx, cfg, os.Args[1:]))
}

func open(ctx context.Context, s cli.Settings) (cli.Service, error) {
	a, err := app.Open(ctx, app.Config{
		DatabaseURL: s.Database, Dir: s.DataDir, Keys: s.Keys, Logger: s.Logger,
		Service: service.Config{References: s.References(), Architecture: s.DefaultArchitecture},
	})
	if err != nil {
		return nil, err
	}
	return cli.Embedded(a.ImageService, a), nil
}
