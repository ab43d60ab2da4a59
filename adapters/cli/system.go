package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/user"

	"golang.org/x/term"

	"github.com/wharf-project/wharf/domain"
)

// System is what the operating system knows: streams, terminals, environment,
// and who the user is. The rest of the configuration is the caller's.
func System() Config {
	in, out, diagnostics := int(os.Stdin.Fd()), int(os.Stdout.Fd()), int(os.Stderr.Fd())
	cfg := Config{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), User: userName(),
		Terminal: Terminal{In: term.IsTerminal(in), Out: term.IsTerminal(out), Err: term.IsTerminal(diagnostics)},
	}
	cfg.Host, _ = os.Hostname() // without, agent run asks for a name
	if width, _, err := term.GetSize(out); err == nil {
		cfg.Terminal.Width = width
	}
	if cfg.Terminal.In && cfg.Terminal.Err {
		cfg.Terminal.Secret = func(ctx context.Context, prompt string) (string, error) { return askSecret(ctx, in, prompt) }
	}
	return cfg
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// askSecret reads a line without showing it: the terminal is mute before the
// question appears, and as it was when the answer is there or called off.
func askSecret(ctx context.Context, fd int, prompt string) (string, error) {
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", domain.Internal("terminal", err)
	}
	defer func() { _ = term.Restore(fd, before) }()
	screen := struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stderr}
	text, err := beside(ctx, func() (string, error) { return term.NewTerminal(screen, "").ReadPassword(prompt) })
	switch {
	case ctx.Err() != nil, errors.Is(err, io.EOF): // a mute terminal sends no signal for Ctrl-C
		_, _ = os.Stderr.WriteString("\r\n")
		return "", context.Canceled
	case err != nil:
		return "", domain.Invalid("input_unreadable", "terminal", "the terminal cannot be read: %s", err)
	}
	return text, nil
}
