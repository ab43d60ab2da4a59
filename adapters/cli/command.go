package cli

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// command is the command of one action.
type command struct {
	p      *program
	entry  service.Entry
	fields []field
	args   []field // positional; only the last one may be several
	flags  map[string]*rawValue
	secret map[string]*secretFlags

	actionJSON   rawValue
	architecture rawValue // of names that stand for ids, or for the whole of a list
	targets      rawValue // of agent.purge_images
	all, yes     bool
}

// actionCommand makes the command of an action: `image.forget` is
// `wharf image forget`.
func (p *program) actionCommand(e service.Entry) *cobra.Command {
	_, cmd := p.newCommand(e)
	return cmd
}

func (p *program) newCommand(e service.Entry) (*command, *cobra.Command) {
	c := &command{p: p, entry: e, fields: fieldsOf(e.Action), flags: map[string]*rawValue{}, secret: map[string]*secretFlags{}}
	c.args = argumentsOf(c.fields)
	if c.moves() {
		c.args = movedArguments(c.entry.Spec.Name, c.fields)
	}
	if c.isPurge() {
		c.args = []field{{json: "images", flag: "images", doc: "what to remove: canonical or short names, aliases or ids", typ: reflect.TypeFor[[]actions.ImageRef](), required: true}}
	}
	_, verb, _ := strings.Cut(e.Spec.Name, ".")
	cmd := &cobra.Command{
		Use:     strings.ReplaceAll(verb, "_", "-") + usageOf(c.args),
		Short:   e.Spec.Summary,
		Long:    longHelp(e.Spec.Name),
		Example: exampleOf(e, c.args),
		Hidden:  strings.HasSuffix(verb, "_by_id"), // their twins take ids too
		RunE:    p.runs(c.run),
		Args:    cobra.ArbitraryArgs, // counted in run, after the settings are read

		ValidArgsFunction: c.completeArgument,
		Annotations:       map[string]string{annotationArguments: argumentHelp(c.args)},
	}
	c.addFlags(cmd)
	return c, cmd
}

// argumentsOf chooses the fields that are arguments and not flags: what an
// action is done to. That is a required list; else one or two required texts,
// or the first of more; else an optional field that names a thing.
func argumentsOf(fields []field) []field {
	var required []field
	for _, f := range fields {
		isText := f.typ.Kind() == reflect.String && !f.isSecret()
		switch {
		case f.required && f.typ.Kind() == reflect.Slice && (f.isFlag() || f.typ == reflect.TypeFor[[]actions.ImageRef]()):
			return []field{f}
		case f.required && isText:
			required = append(required, f)
		}
	}
	if len(required) > 2 {
		required = required[:1]
	}
	if len(required) > 0 {
		return required
	}
	for _, f := range fields {
		if f.kind != "" && f.typ.Kind() == reflect.String && !f.nested {
			return []field{f}
		}
	}
	return nil
}

func (c *command) isArgument(f field) bool {
	return slices.ContainsFunc(c.args, func(a field) bool { return a.json == f.json && a.nested == f.nested })
}

func (c *command) isPurge() bool {
	return c.entry.Action == reflect.TypeFor[actions.PurgeImagesAction]()
}

// isList reports whether the action returns pages.
func (c *command) isList() bool {
	_, ok := c.entry.Action.FieldByName("Page")
	return ok
}

// isDestructive reports whether to ask first: whatever can be planned, except
// what can be taken back, or adds something.
func (c *command) isDestructive() bool {
	_, verb, _ := strings.Cut(c.entry.Spec.Name, ".")
	_, plans := c.entry.Action.FieldByName("DryRun")
	return plans && !strings.HasPrefix(verb, "forget") && !strings.HasPrefix(verb, "preload") && !c.moves()
}

// run is what the command does.
func (c *command) run(ctx context.Context, args []string) error {
	action, err := c.build(ctx, args)
	if err != nil {
		return err
	}
	if background(action) && dryRun(action).IsValid() && dryRun(action).Bool() {
		return usage("--dry-run shows its plan at once; --background contradicts it")
	}
	if c.isDestructive() {
		if err := c.mayAsk(action); err != nil {
			return err
		}
	}
	return c.p.with(ctx, func(ctx context.Context, svc Service) error { return c.work(ctx, svc, action) })
}

// work is what the command does with the service.
func (c *command) work(ctx context.Context, svc Service, action actions.Action) error {
	if err := c.resolve(ctx, svc, action); err != nil {
		return err
	}
	if c.isList() {
		return c.list(ctx, svc, action)
	}
	if a, ok := action.(*actions.WatchTaskAction); ok && c.follows() {
		return c.watch(ctx, svc, a.TaskID)
	}
	if c.isDestructive() {
		if err := c.confirm(ctx, svc, action); err != nil {
			return err
		}
	}
	result, err := c.invoke(ctx, svc, action)
	if err != nil {
		if a, ok := action.(*actions.GetImageAction); ok && domain.CodeOf(err) == domain.CodeNotFound && len(a.Statuses) == 0 {
			c.p.hint("only alive images were looked at; --statuses all finds forgotten and missing ones too\n")
		}
		return err
	}
	if err := c.p.show(result); err != nil {
		return err
	}
	return failures(result)
}

// invoke runs an action, with progress where there is some to expect.
func (c *command) invoke(ctx context.Context, svc Service, action actions.Action) (any, error) {
	var done func()
	switch {
	case c.tells():
		ctx, done = c.p.transferring(ctx)
		defer done()
	case c.entry.Spec.Effect.External():
		ctx, done = c.p.progress(ctx)
		defer done()
	}
	return svc.Invoke(ctx, c.entry, action)
}
