package cli

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// build makes the action: JSON first, then flags, then arguments.
func (c *command) build(ctx context.Context, args []string) (actions.Action, error) {
	action := c.entry.New()
	at := reflect.ValueOf(action).Elem()
	if err := c.refused(); err != nil {
		return nil, err
	}
	if len(c.actionJSON.given) > 0 {
		b, err := c.p.readFile(ctx, c.actionJSON.String())
		if err != nil {
			return nil, err
		}
		if err := decode(b, action); err != nil {
			return nil, domain.Invalid(domain.ReasonOf(err), "action-json", "--action-json: %s", domain.MessageOf(err))
		}
	}
	r := valueReader{now: c.p.Now(), fields: listFields(c.entry.Spec.Name), file: func(name string) ([]byte, error) { return c.p.readFile(ctx, name) }}
	for _, f := range c.fields {
		if v := c.flags[f.flag]; v != nil && len(v.given) > 0 {
			if err := r.set(at.FieldByIndex(f.index), f, v.given); err != nil {
				return nil, err
			}
		}
		if v := c.flags["clear-"+f.flag]; v != nil && v.String() == "true" {
			if v := c.flags[f.flag]; v != nil && len(v.given) > 0 {
				return nil, usage("--%s and --clear-%s contradict each other", f.flag, f.flag)
			}
			if err := r.set(at.FieldByIndex(f.index), f, []string{""}); err != nil {
				return nil, err
			}
		}
		if s := c.secret[f.flag]; s != nil {
			if err := c.readSecret(ctx, at.FieldByIndex(f.index), f, s); err != nil {
				return nil, err
			}
		}
	}
	return action, c.setArguments(r, at, args)
}

func (c *command) setArguments(r valueReader, at reflect.Value, args []string) error {
	if len(args) == 0 && len(c.actionJSON.given) > 0 {
		return nil
	}
	least, most := 0, len(c.args)
	for _, f := range c.args {
		if f.required {
			least++
		}
		if f.typ.Kind() == reflect.Slice {
			most = int(^uint(0) >> 1)
		}
	}
	if len(args) < least {
		return usage("%s is missing", metavars(c.args)[len(args)])
	}
	if len(args) > most {
		return usage("%s, not %d", countedArguments(most), len(args))
	}
	for i, f := range c.args {
		if i >= len(args) {
			break
		}
		given := args[i : i+1]
		if f.typ.Kind() == reflect.Slice {
			given = args[i:]
		}
		if slices.Contains(given, "") {
			return usage("%s is empty", metavars(c.args)[i])
		}
		if f.index == nil { // of agent.purge_images: resolve makes keys of them
			continue
		}
		if err := r.store(at.FieldByIndex(f.index), f, given); err != nil {
			return domain.Invalid(domain.ReasonOf(err), f.json, "%s: %s", metavars(c.args)[i], domain.MessageOf(err))
		}
	}
	if c.isPurge() {
		return c.setPurge(at.Addr().Interface().(*actions.PurgeImagesAction), args)
	}
	return nil
}

func countedArguments(n int) string {
	if n == 0 {
		return "no argument is due"
	}
	return fmt.Sprintf("at most %s may follow", counted(n, "argument"))
}
