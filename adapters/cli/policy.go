package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// policyCommand holds what can be asked about who may do what.
func (p *program) policyCommand() *cobra.Command {
	group := p.groupOf("policy", "Who may do what, and why", groupAccess, false)

	var text bool
	var roles []string
	var inDomain string
	show := &cobra.Command{
		Use: "show", Short: "Show how far each role reaches with each permission",
		Long: `Show how far each role reaches with each permission: own (the actor's rows), visible (what
the actor may see), any (everything), or - for not at all. The answers come from the service,
with the roles and rules that its database adds.`,
		Example: "  wharf policy show\n  wharf policy show --roles monitor,auditor --domain lab\n  wharf policy show --text > policy.csv",
	}
	show.RunE = p.runs(func(ctx context.Context, args []string) error {
		if len(args) > 0 {
			return usage("no argument is due")
		}
		if text {
			return p.policyText()
		}
		return p.policyMatrix(ctx, roles, inDomain)
	})
	show.Flags().BoolVar(&text, "text", false, "the default policy as it is written, a start for one's own")
	show.Flags().StringSliceVar(&roles, "roles", []string{"superadmin", "admin", "monitor", "user"}, "the roles to show")
	show.Flags().StringVar(&inDomain, "domain", "", "for actors of this domain")

	var whom string
	explain := &cobra.Command{
		Use: "explain PERMISSION", Short: "Tell why something is allowed or refused",
		Example:     "  wharf policy explain image.forget\n  wharf policy explain image.forget --for ada:user:lab",
		Annotations: map[string]string{annotationArguments: "  PERMISSION  such as image.forget; see wharf policy permissions"},
		ValidArgsFunction: func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return begins(begun, p.permissions()), cobra.ShellCompDirectiveNoFileComp
		},
	}
	explain.RunE = p.runs(func(ctx context.Context, args []string) error { return p.policyExplain(ctx, args, whom) })
	explain.Flags().Var(newText("USER:ROLE[:DOMAIN]", &whom), "for", "somebody else than the caller")

	group.AddCommand(show, explain, &cobra.Command{
		Use: "permissions", Short: "List the permissions and the commands that need them",
		Example: "  wharf policy permissions\n  wharf policy permissions --json",
		RunE:    p.runs(p.policyPermissions),
	})
	return group
}

// textValue is a text flag with a placeholder of its own.
type textValue struct {
	rawValue
	dst *string
}

func newText(typ string, dst *string) *textValue { return &textValue{rawValue{typ: typ}, dst} }

func (t *textValue) Set(s string) error { *t.dst = s; return t.rawValue.Set(s) }

func (p *program) policyText() error {
	if p.Policy == nil {
		return domain.Errorf(domain.CodePrecondition, "no_policy", "", "this build has no default policy")
	}
	if p.global.json {
		return p.show(map[string]string{"policy": p.Policy()})
	}
	for line := range strings.Lines(p.Policy()) {
		p.out.say("%s", strings.TrimRight(line, "\n"))
	}
	return nil
}

// policyRow is one permission of the matrix.
type policyRow struct {
	Permission string            `json:"permission"`
	Reach      map[string]string `json:"reach"` // by role
}

func (p *program) policyMatrix(ctx context.Context, roles []string, inDomain string) error {
	var matrix []policyRow
	err := p.with(ctx, func(ctx context.Context, svc Service) error {
		for _, permission := range p.permissions() {
			row := policyRow{Permission: permission, Reach: map[string]string{}}
			for _, role := range roles {
				actor := &domain.Actor{ID: "somebody", Role: domain.Role(role), Domain: inDomain}
				r, err := p.call(ctx, svc, "access.explain", &actions.ExplainAction{Permission: permission, Actor: actor})
				if err != nil {
					return err
				}
				row.Reach[role] = r.(actions.ExplainResult).Decision.Grant.Reach.String()
			}
			matrix = append(matrix, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.global.json {
		return p.show(map[string]any{"permissions": matrix})
	}
	columns := []column{{head: "PERMISSION"}}
	for _, role := range roles {
		columns = append(columns, column{head: clean(role)})
	}
	var rows [][]cell
	for _, m := range matrix {
		row := cells(m.Permission)
		for _, role := range roles {
			c := cell{m.Reach[role], good}
			if c.text == domain.ReachNone.String() {
				c = cell{none, faint}
			}
			row = append(row, c)
		}
		rows = append(rows, row)
	}
	p.out.table(columns...).rows(rows)
	return nil
}

func (p *program) policyExplain(ctx context.Context, args []string, whom string) error {
	if len(args) != 1 {
		return usage("one PERMISSION is due, not %d", len(args))
	}
	a := &actions.ExplainAction{Permission: args[0]}
	if whom != "" {
		actor, err := parseActor("for", whom)
		if err != nil {
			return err
		}
		a.Actor = &actor
	}
	return p.with(ctx, func(ctx context.Context, svc Service) error {
		result, err := p.call(ctx, svc, "access.explain", a)
		if err != nil {
			return err
		}
		return p.show(result)
	})
}

// permissions lists the permissions of the catalogue, each once.
func (p *program) permissions() []string {
	var list []string
	for _, e := range p.entries {
		if name := e.Spec.Requires(); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// permissionInfo is what policy permissions shows.
type permissionInfo struct {
	Permission string   `json:"permission"`
	Actions    []string `json:"actions"`
	Summary    string   `json:"summary"`
}

func (p *program) policyPermissions(_ context.Context, args []string) error {
	if len(args) > 0 {
		return usage("no argument is due")
	}
	var list []permissionInfo
	var rows [][]cell
	for _, name := range p.permissions() {
		info := permissionInfo{Permission: name}
		for _, e := range p.entries {
			if e.Spec.Requires() == name {
				info.Actions = append(info.Actions, e.Spec.Name)
			}
			if e.Spec.Name == name {
				info.Summary = e.Spec.Summary
			}
		}
		list = append(list, info)
		rows = append(rows, cells(name, info.Summary, joined(info.Actions)))
	}
	if p.global.json {
		return p.show(map[string]any{"permissions": list})
	}
	p.out.table(column{head: "PERMISSION"}, column{head: "ALLOWS TO"}, column{head: "ACTIONS", cut: true}).rows(rows)
	return nil
}
