package app

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cache"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/adapters/oidc"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/adapters/telemetry"
	"github.com/wharf-project/wharf/adapters/web"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// ServerConfig is what [Serve] needs beside the [Config] of an [App].
type ServerConfig struct {
	Listen         string // host:port; "": 127.0.0.1:8080
	Cert, Key      string // PEM files; "": plain HTTP
	ClientCA       string // PEM file; with it, clients show a certificate too
	AllowPlaintext bool   // beyond the loopback interface, behind a proxy
	Limits         web.Limits

	// Tokens says whose bearer tokens are taken; nil: keys only.
	Tokens *oidc.Config
	// Authenticate is tried before tokens and keys: an embedder's own way. An
	// actor without an id means that it does not know the request; nil: none.
	Authenticate func(ctx context.Context, r *http.Request) (domain.Actor, error)

	HideSchema bool   // of GraphQL: no introspection
	Traces     string // OTLP/HTTP collector; "": none
	Version    string
	// Ready is called when the server answers, with its URL and that of NATS;
	// may be nil.
	Ready func(url, nats string)

	limiter port.Limiter
}

// Serve opens an installation and serves it over HTTP, with its background work,
// until ctx is done: then it takes no more requests, lets those under way end,
// hands its tasks over and returns nil. Errors: those of [Open] and [web.Listen].
//
// It takes the process for its own: the garbage collector runs at 75 %, not at
// 100, unless GOGC says otherwise. Most of what a server holds is clients that
// wait, and its work is in the database.
func Serve(ctx context.Context, cfg Config, sc ServerConfig) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(75)
	}
	tel, err := telemetry.New(ctx, telemetry.Config{Endpoint: sc.Traces, Version: sc.Version})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tel.Close(ctx)
	}()
	cfg.Background = true
	cfg.Service.Middleware = append([]service.Middleware{tel.Action()}, cfg.Service.Middleware...)
	cfg.statements = tel.Statements()
	if cfg.Service.Limiter == nil {
		cfg.Service.Limiter = service.NewLimiter(service.DefaultRates(), nil)
	}
	sc.limiter = cfg.Service.Limiter
	if cfg.Service.Resolutions == nil {
		names := cache.NewResolutions()
		tel.Gauge("wharf_resolutions_hit_ratio", "Share of lookups by name that were remembered.", names.HitRatio)
		cfg.Service.Resolutions = names
	}
	a, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	authenticate, err := a.authenticator(sc)
	if err != nil {
		return err
	}
	closing := make(chan struct{})
	handler, err := a.handler(sc, closing)
	if err != nil {
		return err
	}
	server, err := web.Listen(ctx, web.Config{
		Listen: sc.Listen, Cert: sc.Cert, Key: sc.Key, ClientCA: sc.ClientCA, AllowPlaintext: sc.AllowPlaintext,
		Handler: handler, Authenticate: authenticate, Ready: a.ready, Metrics: tel.Metrics(), Observe: tel.HTTP,
		Limits: sc.Limits, Logger: cfg.Logger,
	})
	if err != nil {
		return err
	}
	// The work goes on until the last request is over: it may wait for a task.
	working, rest := context.WithCancel(context.WithoutCancel(ctx))
	serving, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(serving, func() { close(closing) })
	var g errgroup.Group
	g.Go(func() error {
		defer stop()
		return a.Run(working)
	})
	g.Go(func() error {
		defer rest()
		return server.Run(serving)
	})
	if sc.Ready != nil {
		sc.Ready(server.URL(), a.URL())
	}
	return g.Wait()
}

// handler is every transport under its paths.
func (a *App) handler(sc ServerConfig, closing <-chan struct{}) (http.Handler, error) {
	api, err := rest.New(a.ImageService, rest.Options{Closing: closing, MaxBody: cmp.Or(sc.Limits.Body, 8<<20), Rates: service.Rates(sc.limiter)})
	if err != nil {
		return nil, err
	}
	gql := graphql.New(a.ImageService, graphql.Options{HideSchema: sc.HideSchema, Closing: closing, Logger: a.log})
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("/graphql", gql)
	mux.Handle("/admin/gql", gql)
	return mux, nil
}

// authenticator tries the embedder's way, then keys and tokens.
func (a *App) authenticator(sc ServerConfig) (func(context.Context, *http.Request) (domain.Actor, error), error) {
	key := func(ctx context.Context, text string) (domain.Actor, error) {
		return service.AuthenticateKey(ctx, a.ImageService, domain.Secret(text))
	}
	var token func(context.Context, string) (domain.Actor, error)
	if sc.Tokens != nil {
		verifier, err := oidc.New(*sc.Tokens)
		if err != nil {
			return nil, err
		}
		token = verifier.Authenticate
	}
	bearer := web.Bearer(keyPrefix, key, token)
	return func(ctx context.Context, r *http.Request) (domain.Actor, error) {
		if sc.Authenticate != nil {
			if actor, err := sc.Authenticate(ctx, r); err != nil || actor.ID != "" {
				return actor, err
			}
		}
		return bearer(ctx, r)
	}, nil
}

// keyPrefix is how API keys begin, and no token does.
const keyPrefix = "whk_"

// ready asks the database.
func (a *App) ready(ctx context.Context) error {
	_, err := a.ListAgents(system(ctx), actions.ListAgentsAction{Page: domain.Page{Limit: 1}})
	return err
}
