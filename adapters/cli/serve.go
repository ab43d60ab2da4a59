package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// ServeOptions are what `wharf serve` takes beside the settings; how it is
// reached is in [Settings.NATS].
type ServeOptions struct {
	// How long finished tasks, audit entries and idempotency keys are kept. Zero
	// is the service's default, negative is for ever.
	KeepTasks, KeepAudit, KeepKeys time.Duration
	// Ready prints a line, for people and for whoever waits for the start. To be
	// called once the work goes on; not after Serve has returned.
	Ready func(line string)
}

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Do the background work: tasks, nodes that dial in, pruning", GroupID: groupTools,
		Long: `Do the background work until it is stopped: work off tasks, hear nodes that dial in (wharf
agent run), serve what waited for nodes that were away, and remove what is old.

Any number of processes may serve one database; what one of them leaves behind when it ends,
another one goes on with. SIGINT and SIGTERM end it in order, with exit code 0; a second one
kills it. It says on standard output when it is ready, and logs to standard error.

Nodes on other machines need --nats-listen and a certificate, or NATS servers of their own.`,
		Example: "  wharf serve\n" +
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
