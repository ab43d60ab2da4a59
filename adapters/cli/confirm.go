package cli

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func dryRun(a actions.Action) reflect.Value {
	return reflect.ValueOf(a).Elem().FieldByName("DryRun")
}

// dry is a dry run of an action, in the foreground.
func dry(a actions.Action) actions.Action {
	copied := reflect.New(reflect.TypeOf(a).Elem())
	copied.Elem().Set(reflect.ValueOf(a).Elem())
	plan := copied.Interface().(actions.Action)
	dryRun(plan).SetBool(true)
	if background(plan) {
		copied.Elem().FieldByName("Background").SetBool(false)
	}
	return plan
}

// background reports whether an action is to be worked off as a task.
func background(a actions.Action) bool {
	v := reflect.ValueOf(a).Elem().FieldByName("Background")
	return v.IsValid() && v.Bool()
}

// mayAsk refuses, before anything is opened, to destroy what nobody can be
// asked about.
func (c *command) mayAsk(a actions.Action) error {
	if c.yes || dryRun(a).Bool() || c.p.Terminal.In && c.p.Terminal.Err {
		return nil
	}
	return domain.Invalid("confirmation_required", strings.ReplaceAll(c.entry.Spec.Name, "_", "-"),
		"there is no terminal to ask on: say --yes to do it, or --dry-run to see what it would do")
}

// confirm shows what would happen, from a dry run, and asks. Without a yes the
// error is canceled and nothing was done.
func (c *command) confirm(ctx context.Context, svc Service, a actions.Action) error {
	if c.yes || dryRun(a).Bool() {
		return nil
	}
	plan, err := svc.Invoke(ctx, c.entry, dry(a))
	if err != nil {
		return err
	}
	if err := c.showPlan(plan); err != nil {
		return err
	}
	if err := protected(a, plan); err != nil {
		return err
	}
	c.p.complain("%s? [y/N] ", c.entry.Spec.Summary)
	answer, err := c.p.stdin.line(ctx)
	if err != nil {
		c.p.complain("\n")
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return domain.Errorf(domain.CodeCanceled, "not_confirmed", "", "not confirmed; nothing was done")
}

// showPlan prints a plan for people, on standard error: standard output is for
// what was done.
func (c *command) showPlan(plan any) error {
	out := newPrinter(c.p.Stderr, c.p.Now())
	out.color = !c.p.settings.NoColor && c.p.getenv("TERM") != "dumb"
	out.width = c.p.Terminal.Width
	out.result(plan)
	return out.flush()
}

// protected is the error that the action will end in for what its plan says;
// asking first would be a waste of the answer.
func protected(a actions.Action, plan any) error {
	force := reflect.ValueOf(a).Elem().FieldByName("Force")
	if force.IsValid() && force.Bool() {
		return nil
	}
	why, reason := "", "protected"
	switch p := plan.(type) {
	case actions.UntagImageFromRegistryResult:
		why = p.Protected
	case actions.PurgeImageByIDResult:
		if p.Untag != nil {
			why = p.Untag.Protected
		}
	case actions.DeleteBuiltImageResult:
		if p.Blocked != nil {
			why, reason = p.Blocked.Message, p.Blocked.Reason
		}
	case actions.DeleteRegistryResult:
		if p.Images > 0 {
			why, reason = fmt.Sprintf("the catalogue still has %s of %s; purge them first", counted(p.Images, "image"), p.Registry), "registry_in_use"
		}
	}
	if why == "" {
		return nil
	}
	return domain.Errorf(domain.CodePrecondition, reason, "", "%s", why)
}

// failures turns the items of a result that failed into an error.
func failures(result any) error {
	failed, of := tally(result)
	if failed == 0 {
		return nil
	}
	return &partialError{failed: failed, of: of}
}

// tally counts the items of a result and those that failed. A scan fails by
// what it could not read, not by what it skipped: that will be as it is.
func tally(result any) (failed, of int) {
	switch r := result.(type) {
	case actions.RescanImagesResult:
		for _, s := range r.Registries {
			of += s.Seen
			failed += s.Failed
			if !s.Complete && s.Failed == 0 {
				failed++
			}
		}
		return failed, of
	case actions.PurgeImagesResult:
		for _, p := range r.PurgedImages {
			of += len(p.PurgedImages)
		}
		return len(r.Errors), of + len(r.Errors)
	}
	outcomes := reflect.ValueOf(result).FieldByName("Outcomes")
	if !outcomes.IsValid() || outcomes.Kind() != reflect.Slice {
		return 0, 0
	}
	for i := range outcomes.Len() {
		if p := outcomes.Index(i).FieldByName("Problem"); p.IsValid() && !p.IsZero() {
			failed++
		}
	}
	return failed, outcomes.Len()
}
