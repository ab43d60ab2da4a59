package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// ServeOptions are what `wharf serve` takes beside the settings; how nodes reach
// it is in [Settings.NATS].
type ServeOptions struct {
	HTTP   HTTP
	Tokens Tokens
	// HideSchema keeps the schema of GraphQL from being asked for.
	HideSchema bool
	// Traces is a collector over OTLP/HTTP; "": none.
	Traces string
	// How long finished tasks, audit entries and idempotency keys are kept. Zero
	// is the service's default, negative is for ever.
	KeepTasks, KeepAudit, KeepKeys time.Duration
	// Ready prints a line, for people and for whoever waits for the start. To be
	// called once the work goes on; not after Serve has returned.
	Ready func(line string)
}

// HTTP is where and how the server answers. Zero values are its defaults.
type HTTP struct {
	Listen string // host:port
	// TLSCert, TLSKey and ClientCA are PEM files; with the last one, clients have
	// to show a certificate.
	TLSCert, TLSKey, ClientCA string
	// BehindProxy permits plain HTTP beyond this machine.
	BehindProxy bool
	MaxBody     int64 // bytes
	MaxRequests int   // at once
}

// Tokens says whose tokens the server takes beside its own keys, and what their
// claims mean. An empty Issuer is nobody; other empty fields are the defaults.
type Tokens struct {
	Issuer, Audience, KeysURL    string
	User, Role, Domain, Projects string            // names of claims
	Roles                        map[string]string // ours by theirs; nil: theirs are ours
	Superadmin                   bool              // tokens may say so
}

// check finds settings that go together.
func (t Tokens) check() error {
	switch {
	case t.Issuer == "" && (t.Audience != "" || t.KeysURL != ""):
		return domain.Invalid("setting_invalid", "oidc_issuer", "oidc_audience and oidc_keys_url are for the issuer of oidc_issuer, which is not set")
	case t.Issuer != "" && t.Audience == "":
		return domain.Invalid("setting_invalid", "oidc_audience", "oidc_issuer needs oidc_audience: without, every token of the issuer would be taken")
	}
	return nil
}

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve HTTP, and do the background work: tasks, nodes that dial in, pruning", GroupID: groupTools,
		Long: `Serve the catalogue over HTTP and do the background work, until it is stopped: work off tasks,
hear nodes that dial in (wharf agent run), serve what waited for nodes that were away, and
remove what is old.

  /v1/NOUN/VERB           each action as a POST of its JSON, those that read as a GET too
  /graphql, /admin/gql    the same as GraphQL
  /events/background-task what happens to a task, as a stream
  /docs, /openapi.json    what there is under /v1
  /livez, /readyz         whether it lives, and whether requests should come here
  /metrics                numbers for Prometheus

Everything but /livez and /readyz needs a bearer token: a key of wharf key create, or with
--oidc-issuer a token of that issuer. Other machines are served over TLS only (--tls-cert), or
by a proxy that does it (--behind-proxy). The other commands talk to it with --server or a
context: see wharf context --help.

Any number of processes may serve one database; what one of them leaves behind when it ends,
another one goes on with. SIGINT and SIGTERM end it in order, with exit code 0; a second one
kills it. It says on standard output when it is ready, and logs to standard error.

Nodes on other machines need --nats-listen and a certificate, or NATS servers of their own.`,
		Example: "  wharf serve\n" +
			"  wharf serve --listen 0.0.0.0:8443 --tls-cert server.pem --tls-key server.key\n" +
			"  wharf serve --oidc-issuer https://login.example.org/realms/lab --oidc-audience wharf --claim-role realm_access.roles --role-map ops=superadmin,staff=user --oidc-superadmin\n" +
			"  wharf serve --nats-listen 0.0.0.0:4222 --nats-tls-cert server.pem --nats-tls-key server.key\n" +
			"  wharf serve --database postgres://wharf@db/wharf --nats-url tls://nats.example.org --nats-seed manager.nkey\n" +
			"  wharf serve --keep-tasks 7d --keep-audit forever",
		Args: cobra.ArbitraryArgs,
	}
	cmd.RunE = p.runs(func(ctx context.Context, args []string) error {
		if len(args) > 0 {
			return usage("no argument is due")
		}
		if err := p.settings.NATS.check(); err != nil {
			return err
		}
		if err := p.settings.serve.Tokens.check(); err != nil {
			return err
		}
		if err := p.talkative(); err != nil {
			return err
		}
		o := p.settings.serve
		o.Ready = p.readiness()
		return lasting(ctx, p.Serve(ctx, p.settings, o))
	})
	settingFlags(cmd.Flags(), cmdServe)
	return cmd
}

// talkative logs more than a command of a moment does, unless told otherwise.
func (p *program) talkative() error {
	if p.settings.LogLevel == "" {
		p.settings.LogLevel = "info"
	}
	return p.settled()
}

// readiness returns the function that says that something runs.
func (p *program) readiness() func(line string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if p.global.json {
			_ = p.jsonLine(map[string]string{"ready": line})
		} else {
			p.out.say("%s", line)
		}
		_ = p.out.flush() // the printer remembers, and the program's end tells
	}
}

// lasting is the end of what runs until it is called off: that is its good end.
func lasting(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled) && domain.CodeOf(err) == domain.CodeCanceled:
		return nil
	}
	return &openError{err}
}
