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
	if f.kind == "task" {
		what = c.entry.Spec.Name
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
	case f.kind == "future":
		return
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
		directive := cobra.ShellCompDirectiveNoFileComp
		if what == "" || c.p.load(cmd) != nil {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		var offers []string
		_ = c.p.with(ctx, func(ctx context.Context, svc Service) error {
			if what == "agents" {
				offers = c.p.targetOffers(ctx, svc, begun)
				directive |= cobra.ShellCompDirectiveNoSpace // a comma may follow, or the rest of a term
				return nil
			}
			offers = begins(begun, c.p.names(ctx, svc, what, begun))
			return nil
		})
		return offers, directive
	}
}

// names lists things of a kind whose names begin with some text.
func (p *program) names(ctx context.Context, svc Service, what, begun string) (names []string) {
	page := domain.Page{Limit: completionMax}
	switch what {
	case "image", "alias":
		if r, err := p.call(ctx, svc, "alias.search", &actions.SearchAliasesAction{Where: begin("alias", begun), Page: page}); err == nil {
			for _, a := range r.(actions.SearchAliasesResult).Aliases {
				names = append(names, a.Alias.Alias)
			}
		}
		if what == "alias" {
			break
		}
		q := domain.ImageQuery{Where: begin("canonical", begun), Statuses: domain.ImageStatuses()}
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
	case "agent":
		for _, a := range p.agents(ctx, svc, "id", begun, completionMax) {
			names = append(names, string(a.ID))
		}
	case "task.get", "task.watch", "task.cancel", "task.retry":
		page.Sort, page.Desc = "created_at", true
		if r, err := p.call(ctx, svc, "task.list", &actions.ListTasksAction{Where: worthwhile(what), Page: page}); err == nil {
			for _, t := range r.(actions.ListTasksResult).Tasks {
				names = append(names, string(t.ID))
			}
		}
	}
	return names
}

// worthwhile is the filter for the tasks that a command has something to do
// with.
func worthwhile(action string) domain.Filter {
	switch action {
	case "task.cancel":
		return domain.Where("state", domain.In, string(domain.TaskQueued), string(domain.TaskRunning))
	case "task.retry":
		return domain.Where("state", domain.In, string(domain.TaskPartial), string(domain.TaskFailed), string(domain.TaskCancelled))
	}
	return domain.Filter{}
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
