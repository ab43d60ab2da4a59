package cli

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

const (
	completionTime = 2 * time.Second // somebody holds the tab key
	completionMax  = 100
)

type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeArgument offers names for the argument that is due.
func (c *command) completeArgument(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	i := min(len(args), len(c.args)-1)
	if i < 0 || i < len(args) && c.args[i].typ.Kind() != reflect.Slice {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	f := c.args[i]
	what := f.kind
	switch f.metavar() {
	case "IMAGE":
		what = "image"
	case "REGISTRY":
		what = "registry"
	}
	if f.json == "permission" {
		return begins(begun, c.p.permissions()), cobra.ShellCompDirectiveNoFileComp
	}
	return c.completing(what)(cmd, args, begun)
}

// completeFlag offers values for a flag of a field.
func (c *command) completeFlag(cmd *cobra.Command, f field) {
	var values []string
	switch {
	case f.json == "sort":
		values = sortNames(listFields(c.entry.Spec.Name))
	case f.isType(reflect.TypeFor[domain.ImageStatus]()):
		for _, s := range domain.ImageStatuses() {
			values = append(values, string(s))
		}
		values = append(values, "all")
	case f.typ == reflect.TypeFor[domain.Patch[domain.ImageType]]():
		values = []string{string(domain.ImageTypeCompute), string(domain.ImageTypeSystem), string(domain.ImageTypeService)}
	case f.typ == reflect.TypeFor[domain.Patch[domain.AgentStatus]]():
		values = []string{string(domain.AgentOnline), string(domain.AgentOffline)}
	case f.kind != "":
		_ = cmd.RegisterFlagCompletionFunc(f.flag, c.completing(f.kind))
		return
	default:
		return
	}
	_ = cmd.RegisterFlagCompletionFunc(f.flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completing asks the service for the names of what there is. Whatever goes
// wrong, there are no offers: a message would land in the command line.
func (c *command) completing(what string) completion {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		nothing := cobra.ShellCompDirectiveNoFileComp
		if what == "" || c.p.load(cmd) != nil {
			return nil, nothing
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		head, last := "", begun // of a list by commas, the last one is under way
		if what == "agents" {
			if i := strings.LastIndexByte(begun, ',') + 1; i > 0 {
				head, last = begun[:i], begun[i:]
			}
		}
		var offers []string
		_ = c.p.with(ctx, func(ctx context.Context, svc Service) error {
			for _, name := range begins(last, c.p.names(ctx, svc, what, last)) {
				offers = append(offers, head+name)
			}
			return nil
		})
		return offers, nothing
	}
}

// names lists things of a kind whose names begin with some text.
func (p *program) names(ctx context.Context, svc Service, what, begun string) (names []string) {
	page := domain.Page{Limit: completionMax}
	where := func(field string) domain.Filter {
		if begun == "" {
			return domain.Filter{}
		}
		return domain.Where(field, domain.Prefix, begun)
	}
	switch what {
	case "image", "alias":
		if r, err := p.call(ctx, svc, "alias.search", &actions.SearchAliasesAction{Where: where("alias"), Page: page}); err == nil {
			for _, a := range r.(actions.SearchAliasesResult).Aliases {
				names = append(names, a.Alias.Alias)
			}
		}
		if what == "alias" {
			break
		}
		q := domain.ImageQuery{Where: where("canonical"), Statuses: domain.ImageStatuses()}
		if r, err := p.call(ctx, svc, "image.list", &actions.ListImagesAction{ImageQuery: q, Page: page}); err == nil {
			for _, i := range r.(actions.ListImagesResult).Images {
				names = append(names, i.Canonical())
			}
		}
	case "registry":
		if r, err := p.call(ctx, svc, "registry.list", &actions.ListRegistriesAction{Page: page}); err == nil {
			for _, row := range r.(actions.ListRegistriesResult).Registries {
				names = append(names, row.String())
			}
		}
	case "agent", "agents":
		if r, err := p.call(ctx, svc, "agent.list", &actions.ListAgentsAction{Where: where("id"), Page: page}); err == nil {
			for _, a := range r.(actions.ListAgentsResult).Agents {
				names = append(names, string(a.ID))
			}
		}
	}
	return names
}

// begins keeps what begins with a text, each once, and nothing that a shell
// line should not hold.
func begins(begun string, names []string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, n := range names {
		if strings.HasPrefix(n, begun) && !seen[n] && clean(n) == n && !strings.ContainsAny(n, "\t\n ") {
			seen[n] = true
			kept = append(kept, n)
		}
	}
	return kept
}
