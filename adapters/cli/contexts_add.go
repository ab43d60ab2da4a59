package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// contextAdd is what `wharf context add` takes beside the flags of every
// command.
type contextAdd struct {
	p                                *program
	tokenStdin, tokenPrompt, replace bool
	use                              bool
}

func (p *program) contextAddCommand() *cobra.Command {
	a := &contextAdd{p: p}
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Give a server a name",
		Long: `Give a server a name. What is kept of it is what the flags say: --server, --token-file (the
file is read for each request), --server-ca, --server-cert, --server-key, --server-insecure.
With --token-stdin or --token-prompt the token itself is kept. Nobody is asked whether it is valid.`,
		Example: "  wharf context add prod --server https://wharf.example.org --token-file ~/.wharf-token --use\n" +
			"  wharf context add lab --server https://10.0.0.7:8443 --server-ca ca.pem --token-stdin < token",
		Annotations: map[string]string{annotationArguments: "  NAME  letters, digits, '.', '_' and '-'"},
	}
	f := cmd.Flags()
	f.BoolVar(&a.tokenStdin, "token-stdin", false, "keep the token that standard input holds")
	f.BoolVar(&a.tokenPrompt, "token-prompt", false, "ask for the token, and keep it")
	f.BoolVar(&a.replace, "replace", false, "instead of the context of that name, if there is one")
	f.BoolVar(&a.use, "use", false, "talk to it from now on")
	cmd.RunE = p.runs(a.run)
	return cmd
}

func (a *contextAdd) run(ctx context.Context, args []string) error {
	name, err := oneName(args)
	if err != nil {
		return err
	}
	if !contextForm.MatchString(name) {
		return domain.Invalid("name_invalid", "NAME", "the name of a context is 1-64 letters, digits, '.', '_' and '-', not %s", domain.Quote(name))
	}
	path, err := a.p.contextsFile()
	if err != nil {
		return err
	}
	e, err := a.entry(ctx)
	if err != nil {
		return err
	}
	return changeContexts(path, func(c *contexts) error {
		if _, taken := c.Contexts[name]; taken && !a.replace {
			return domain.Errorf(domain.CodeConflict, "context_taken", name, "there is a context %s; --replace puts this one in its place", name)
		}
		c.Contexts[name] = e
		if a.use {
			c.Current = name
		}
		return nil
	})
}

// entry is what flags say; what the environment or the file says is no part of
// a context.
func (a *contextAdd) entry(ctx context.Context) (e contextEntry, err error) {
	var s Settings
	for _, row := range serverSettings() {
		if flags := a.p.layers[fromFlags]; flags.Exists(row.key) {
			if err := row.read(flags.Get(row.key), &s); err != nil {
				return e, err
			}
		}
	}
	given := s.Server
	if given.URL == "" {
		return e, usage("--server is missing: the URL of the server")
	}
	ways := 0
	for _, used := range []bool{a.tokenStdin, a.tokenPrompt, given.TokenFile != ""} {
		if used {
			ways++
		}
	}
	if ways > 1 {
		return e, usage("the token can come from one place only")
	}
	if given.Token, err = a.token(ctx); err != nil {
		return e, err
	}
	for _, path := range []*string{&given.TokenFile, &given.CA, &given.Cert, &given.Key} {
		if *path, err = whole(*path); err != nil {
			return e, domain.Internal("context", err)
		}
	}
	c := RemoteConfig{Server: given}
	if err := c.check(); err != nil {
		return e, err
	}
	return contextEntry{given.URL, given.Token.Reveal(), given.TokenFile, given.CA, given.Cert, given.Key, given.Insecure}, nil
}

func (a *contextAdd) token(ctx context.Context) (domain.Secret, error) {
	var text string
	var err error
	switch {
	case a.tokenStdin:
		text, err = a.p.readSecretFile(ctx, "-")
	case a.tokenPrompt && a.p.Terminal.Secret == nil:
		return "", usage("there is no terminal to ask for the token")
	case a.tokenPrompt:
		text, err = a.p.Terminal.Secret(ctx, "Token: ")
	default:
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if text == "" {
		return "", domain.Invalid("secret_empty", "token", "the token is empty")
	}
	text, err = Server{Token: domain.Secret(text)}.token()
	return domain.Secret(text), err
}
