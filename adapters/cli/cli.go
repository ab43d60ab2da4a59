package cli

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Service is what the commands run against. Errors are *domain.Error.
type Service interface {
	Invoke(ctx context.Context, e service.Entry, a actions.Action) (any, error)
	Close() error
}

// Embedded runs the actions in this process; c is closed with it, if not nil.
func Embedded(s *service.ImageService, c io.Closer) Service { return embedded{s, c} }

type embedded struct {
	service *service.ImageService
	closer  io.Closer
}

func (e embedded) Invoke(ctx context.Context, entry service.Entry, a actions.Action) (any, error) {
	return entry.Invoke(ctx, e.service, a)
}

func (e embedded) Close() error {
	if e.closer == nil {
		return nil
	}
	return e.closer.Close()
}

// Config is everything that the command line takes from outside. [System] fills
// in what the operating system knows.
type Config struct {
	// Open opens the service in this process. Commands that need none, or talk to a
	// server, and help, never call it.
	Open func(context.Context, Settings) (Service, error)
	// Serve does the background work until ctx ends, and Node that of one node. An
	// error that only says so is none. nil: there is no such command.
	Serve func(ctx context.Context, s Settings, o ServeOptions) error
	Node  func(ctx context.Context, s Settings, o NodeOptions) error
	// NodeKey returns the public key of a seed file, which it makes on first use.
	// nil: there is no such command.
	NodeKey func(seedFile string) (publicKey string, err error)
	// Policy returns the text of the default access policy; nil: none is shown.
	Policy func() string
	// Version of the program; "": what the build says.
	Version string

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       Terminal
	// Env is the environment as NAME=value.
	Env []string
	// User is who calls: the name that audit entries of the embedded service bear.
	User string
	// Host is the name of this machine; "": unknown.
	Host string
	// Now is the clock; its location is that of the times printed. nil: time.Now.
	Now func() time.Time
}

// Terminal says what of the three streams is a terminal. The zero value is a
// script: nobody is asked, nothing is coloured or cut.
type Terminal struct {
	In, Out, Err bool
	// Width of Out in columns; 0: unknown.
	Width int
	// Secret asks for a text that is not shown; nil: it cannot be asked for.
	Secret func(ctx context.Context, prompt string) (string, error)
}

// Run runs one command line, without the program's name, and returns the exit
// code (see `wharf help exit-codes`). It ends early when ctx does.
func Run(ctx context.Context, cfg Config, args []string) (status int) {
	p := newProgram(cfg)
	defer func() {
		if v := recover(); v != nil { // Go's own exit code for it is that of invalid
			p.complain("wharf: panic: %s\n%s", clean(fmt.Sprint(v)), debug.Stack())
			status = exitInternal
		}
	}()
	p.wantsJSON(args)
	root := p.root()                          //nolint:contextcheck // cobra hands the context to the commands
	root.SetArgs(append([]string{}, args...)) // nil would be the program's own
	cmd, err := root.ExecuteContextC(ctx)
	p.current = cmd
	return p.finish(err)
}

// program is one run.
type program struct {
	Config

	entries  []service.Entry
	layers   [layerCount]*koanf.Koanf // of the settings
	settings Settings
	global   globals
	out      *printer
	started  bool // a command took over from the parsing of the command line
	current  *cobra.Command
	stdin    *input
}

// globals are the flags of every command that are not settings.
type globals struct {
	json    bool
	as      string
	timeout time.Duration
}

func newProgram(cfg Config) *program {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.User == "" {
		cfg.User = "operator"
	}
	p := &program{Config: cfg, entries: service.Catalogue(), stdin: &input{r: cfg.Stdin}}
	p.out = newPrinter(cfg.Stdout, cfg.Now())
	if cfg.Terminal.Out {
		p.out.width = cfg.Terminal.Width
	}
	return p
}

// wantsJSON looks ahead for --json: an error in the flags before it is to come
// as JSON too.
func (p *program) wantsJSON(args []string) {
	for _, a := range args {
		switch a {
		case "--":
			return
		case "--json", "--json=true":
			p.global.json = true
		}
	}
}

// runs makes the function of a command: settings first, then the work within
// the time that the caller gave.
func (p *program) runs(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		p.started = true
		if err := p.load(cmd); err != nil {
			return err
		}
		ctx := cmd.Context()
		if p.global.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, p.global.timeout)
			defer cancel()
		}
		return do(ctx, args)
	}
}

// with opens the service for as long as do runs, and tells it who calls.
func (p *program) with(ctx context.Context, do func(ctx context.Context, svc Service) error) (err error) {
	actor := domain.Actor{ID: domain.UserID(p.User), Role: domain.RoleSuperadmin}
	if p.global.as != "" {
		if actor, err = parseActor("as", p.global.as); err != nil {
			return err
		}
	}
	svc, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := svc.Close(); err == nil {
			err = cerr
		}
	}()
	return do(domain.WithEnvelope(ctx, domain.Envelope{Actor: actor, RequestID: domain.NewID[string]()}), svc)
}

// open opens the service: that of a server if one is set, else our own.
func (p *program) open(ctx context.Context) (svc Service, err error) {
	if err := p.connect(); err != nil {
		return nil, err
	}
	switch {
	case p.settings.Server.URL != "":
		svc, err = Remote(RemoteConfig{Server: p.settings.Server, Version: p.build().Version, Logger: p.settings.Logger})
	case p.Open == nil:
		return nil, domain.Errorf(domain.CodePrecondition, "no_service", "", "this build has no service to talk to")
	default:
		svc, err = p.Open(ctx, p.settings)
	}
	if err != nil {
		return nil, &openError{err}
	}
	return svc, nil
}

// entry finds an action by name.
func (p *program) entry(name string) (service.Entry, bool) {
	for _, e := range p.entries {
		if e.Spec.Name == name {
			return e, true
		}
	}
	return service.Entry{}, false
}
