package app

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/adapters/keyring"
	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// Config says where things are. The zero value keeps everything in the user's
// data directory.
type Config struct {
	// DatabaseURL is postgres://… or sqlite:PATH; "": wharf.db in Dir.
	DatabaseURL string
	// Dir holds the embedded database and the key file; "": see DefaultDir. It
	// is made when it is needed.
	Dir string
	// Keys seal registry passwords: base64, one a line, the sealing one first;
	// "": the file key in Dir, made on first use.
	Keys string
	// Policy replaces the default access policy; "": the default.
	Policy string
	// Docker says how engines are reached; without TLS in it, the certificates of
	// $DOCKER_CERT_PATH serve, as they do for Docker's own command line.
	Docker docker.Options
	// NATS is how this process reaches nodes that dial in, and other processes.
	NATS NATS
	// NodeSilence is how long a node that dials in may say nothing before it
	// counts as away: three of its heartbeats; 0: 30 s.
	NodeSilence time.Duration
	// Background: this process runs [App.Run]. Without it, tasks are only stored,
	// for a process that does, and NATS is contacted when a node is.
	Background bool
	// AtHand lets actions name what whoever runs this process has: its engine, and
	// layouts and archives on its disk. For programs of one user, never for a
	// server: its callers would read and write its files.
	AtHand bool

	Logger *slog.Logger // nil: silent
	// Service overrides what the wiring would choose; its Store and Authorizer
	// are set here.
	Service service.Config

	statements bun.QueryHook // sees every statement
}

// App is a wired service and what it stands on.
type App struct {
	*service.ImageService
	Store      *bunstore.Store
	Authorizer *rbac.Authorizer

	line *line
	keys nodeKeys
	log  *slog.Logger

	silence time.Duration

	built chan struct{} // closed when the service is there: nodes may dial in before
}

// DefaultDir is $XDG_DATA_HOME/wharf, else ~/.local/share/wharf.
func DefaultDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "wharf")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".wharf"
	}
	return filepath.Join(home, ".local", "share", "wharf")
}

// Open opens the database, brings its schema up to date and builds the service.
// Errors: invalid for configuration, unavailable when the database does not
// answer.
func Open(ctx context.Context, cfg Config) (_ *App, err error) {
	if cfg.Dir == "" {
		cfg.Dir = DefaultDir()
	}
	if cfg.DatabaseURL == "" {
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
			return nil, &domain.Error{Code: domain.CodeUnavailable, Reason: "data_dir", On: cfg.Dir, Message: "the data directory cannot be made", Err: err}
		}
		cfg.DatabaseURL = "sqlite:" + filepath.Join(cfg.Dir, "wharf.db")
	}
	store, err := bunstore.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = store.Close()
		}
	}()
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	if cfg.statements != nil {
		store.AddQueryHook(cfg.statements)
	}
	authorizer, err := rbac.New(rbac.Config{Permissions: service.Permissions(), Policy: cfg.Policy, Rows: AccessRows(store), Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	a := &App{Store: store, Authorizer: authorizer, log: cfg.Logger, silence: cmp.Or(cfg.NodeSilence, 30*time.Second), built: make(chan struct{})}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.line = &line{cfg: cfg, nodes: a.nodeOf}
	if cfg.Background {
		b, err := a.line.open(ctx)
		if err != nil {
			return nil, err
		}
		cfg.Service.Tasks = jetstream.New(b.Conn(), jetstream.Options{Redelivery: cfg.Service.Work.Redelivery, Logger: cfg.Logger})
	}
	if a.ImageService, err = newService(cfg, store, authorizer, a.line); err != nil {
		a.line.close()
		return nil, err
	}
	close(a.built)
	return a, nil
}

func newService(cfg Config, store *bunstore.Store, authorizer *rbac.Authorizer, l *line) (*service.ImageService, error) {
	c := cfg.Service
	c.Store, c.Authorizer = store, authorizer
	if c.Logger == nil {
		c.Logger = cfg.Logger
	}
	if c.Registries == nil {
		c.Registries = map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: oci.Opener(oci.Options{})}
	}
	if c.Agents == nil {
		c.Agents = map[domain.AgentKind]port.OpenAgent{
			domain.AgentOCILayout: ocilayout.Opener(ocilayout.Options{}),
			domain.AgentDocker:    docker.Opener(dockerOptions(cfg)),
			domain.AgentFleet:     l.agent,
		}
	}
	if cfg.AtHand && c.Local == nil {
		c.Local = openLocal
	}
	if c.Sealer == nil {
		ring, err := keys(cfg)
		if err != nil {
			return nil, err
		}
		c.Sealer = ring
	}
	return service.New(c)
}

// openLocal opens an engine, or what needs none.
func openLocal(ctx context.Context, address string) (port.Local, error) {
	if address == "" || address == "docker" || strings.HasPrefix(address, "docker:") {
		return docker.OpenLocal(ctx, address)
	}
	return transfer.Open(ctx, address, transfer.Options{})
}

func dockerOptions(cfg Config) docker.Options {
	o := cfg.Docker
	if dir := os.Getenv("DOCKER_CERT_PATH"); o.TLS == nil && dir != "" {
		o.TLS = map[string]docker.TLSFiles{"": docker.TLSDirectory(dir)}
	}
	return o
}

func keys(cfg Config) (*keyring.Keyring, error) {
	if cfg.Keys != "" {
		return keyring.Parse(cfg.Keys)
	}
	return keyring.Load(filepath.Join(cfg.Dir, "key"))
}

// Close closes what is connected, then the database.
func (a *App) Close() error {
	a.line.close()
	return a.Store.Close()
}
