package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// HelperName is the name under which this program is a credential helper of
// Docker: the protocol of github.com/docker/docker-credential-helpers.
const HelperName = "docker-credential-wharf"

const (
	maxHost = 4 << 10
	// notStored is the answer that tells Docker to go on without credentials; it
	// compares the words.
	notStored = "credentials not found in native keychain"
)

// credentialCommand answers Docker, which asks who to log in as.
func (p *program) credentialCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "credential-helper get|list|store|erase", Short: "Log docker in to the registries of the catalogue", GroupID: groupTools,
		Long: `Log docker in to the registries of the catalogue: docker asks this command who to log in as,
whenever it speaks to one. Link the program under the name that docker looks for, and name the
registries in ~/.docker/config.json:

  ln -s "$(command -v wharf)" /usr/local/bin/` + HelperName + `
  {"credHelpers": {"cr.example.org": "wharf"}}

get reads a host from standard input and needs the permission registry.credential, which only
superadmins have by default; each answer is in the audit trail. Settings come from the
environment and the file of settings. store and erase are refused: credentials are those of
wharf registry create and modify.`,
		Example:     "  echo cr.example.org | wharf credential-helper get\n  wharf credential-helper list",
		Annotations: map[string]string{annotationArguments: "  get|list|store|erase  what docker wants"},
		ValidArgs:   []string{"get", "list", "store", "erase"},
		Args:        cobra.ArbitraryArgs,
	}
	cmd.RunE = p.runs(func(ctx context.Context, args []string) error {
		if len(args) != 1 {
			return usage("one of get, list, store and erase is due")
		}
		switch args[0] {
		case "get":
			return p.credential(ctx)
		case "list":
			return p.with(ctx, p.credentials)
		case "store", "erase":
			return domain.Errorf(domain.CodePrecondition, "credential_fixed", "", "credentials of registries are set by wharf registry create and modify, not by docker login and logout")
		}
		return usage("one of get, list, store and erase is due, not %s", clean(args[0]))
	})
	return cmd
}

// answerTo is what docker reads. Its names are the protocol's.
type answerTo struct {
	ServerURL, Username, Secret string
}

func (p *program) credential(ctx context.Context) error {
	b, err := io.ReadAll(io.LimitReader(p.Stdin, maxHost+1))
	if err != nil {
		return domain.Internal("cli", err)
	}
	asked := strings.TrimSpace(string(b))
	host, err := hostOf(asked)
	if err != nil {
		return err
	}
	return p.with(ctx, func(ctx context.Context, svc Service) error {
		answer, err := p.call(ctx, svc, "registry.credential", &actions.GetRegistryCredentialAction{Registry: host})
		switch {
		case errors.Is(err, domain.ErrNotFound), domain.ReasonOf(err) == "credential_missing":
			p.out.text(notStored + "\n")
			_ = p.out.flush()
			return domain.Errorf(domain.CodeNotFound, "credential_missing", host, notStored)
		case err != nil:
			return err
		}
		r := answer.(actions.GetRegistryCredentialResult)
		return p.answer(answerTo{ServerURL: asked, Username: r.Username, Secret: string(r.Secret)})
	})
}

// credentials lists the registries that have some, with who logs in.
func (p *program) credentials(ctx context.Context, svc Service) error {
	users := map[string]string{}
	for page := (domain.Page{Limit: domain.MaxPageSize}); ; {
		answer, err := p.call(ctx, svc, "registry.list", &actions.ListRegistriesAction{Page: page})
		if err != nil {
			return err
		}
		r := answer.(actions.ListRegistriesResult)
		for _, row := range r.Registries {
			if row.Username != "" {
				users[row.Name] = row.Username
			}
		}
		if page.After = r.Next; page.After == "" {
			return p.answer(users)
		}
	}
}

func (p *program) answer(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return domain.Internal("cli", err)
	}
	p.out.text(string(b) + "\n")
	return p.out.flush()
}

// hostOf is the host that docker means: it asks with a host, or a URL.
func hostOf(asked string) (string, error) {
	if asked == "" || len(asked) > maxHost {
		return "", usage("the host of a registry is due on standard input")
	}
	host := asked
	if strings.Contains(asked, "://") {
		u, err := url.Parse(asked)
		if err != nil {
			return "", usage("not a registry: %s", clean(asked))
		}
		host = u.Host
	}
	host, _, _ = strings.Cut(host, "/")
	if host == "index.docker.io" {
		host = "docker.io" // what the rest of the world calls it
	}
	return domain.NormalizeRegistryHost(host)
}
