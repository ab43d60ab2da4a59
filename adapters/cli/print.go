package cli

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// show prints a result: JSON as it is on the wire, or what a person wants to
// know of it.
func (p *program) show(result any) error {
	if p.global.json {
		b, err := marshal(result, p.Terminal.Out)
		if err != nil {
			return domain.Internal("cli", err)
		}
		p.out.text(string(b))
		return p.out.flush()
	}
	p.out.result(result)
	return p.out.flush()
}

// say prints a line; every argument is foreign text.
func (p *printer) say(format string, args ...any) {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = clean(v)
		case fmt.Stringer:
			args[i] = clean(v.String())
		}
	}
	p.text(fmt.Sprintf(format, args...) + "\n")
}

// result prints what an action gave: by hand where people look often, else
// field by field.
func (p *printer) result(result any) {
	if task := reflect.ValueOf(result).FieldByName("TaskID"); task.IsValid() && !task.IsZero() {
		p.started(task.String()) // what comes of it, the task will tell
		return
	}
	switch r := result.(type) {
	case actions.GetImageResult:
		p.image(r.Image)
	case actions.ForgetImageResult:
		p.changed(r.Image, r.Changed, r.DryRun, "forgotten", "forget")
	case actions.RestoreImageResult:
		p.changed(r.Image, r.Changed, false, "restored", "restore")
	case actions.ForgetImagesResult:
		p.forgotten(r)
	case actions.ModifyImageResult:
		p.image(domain.ImageDetail{Image: r.Image})
	case actions.SetImageResourceLimitResult:
		p.limits(r.Image, r.ResourceLimits)
	case actions.ClearImageCustomResourceLimitResult:
		p.limits(r.Image, r.ResourceLimits)
	case actions.UntagImageFromRegistryResult:
		p.untagged(r)
	case actions.PurgeImageByIDResult:
		p.purged(r.PurgedImage, r.DryRun)
	case actions.PurgeImagesByIDResult:
		p.purgedMany(r)
	case actions.ClearImagesResult:
		p.say("%s %s", tense(r.DryRun, "would forget", "forgot"), counted(r.Cleared, "image"))
	case actions.GetImageInstalledAgentsResult:
		p.holders(r)
	case actions.ScanImageResult:
		p.scannedTag(r)
	case actions.RescanImagesResult:
		p.rescanned(r)
	case actions.PurgeImagesResult:
		p.purgedFromAgents(r)
	case actions.PreloadImagesResult:
		p.outcomes(r.Outcomes, r.Account, r.DryRun)
	case actions.UnloadImagesResult:
		p.outcomes(r.Outcomes, r.Account, r.DryRun)
	case actions.AliasImageResult:
		p.say("%s now names the image %s", r.Alias.Alias, string(r.ImageID))
	case actions.DealiasImageResult:
		p.say("%s %s, which names %s", tense(r.DryRun, "would remove", "removed"), r.Alias.Alias, string(r.ImageID))
	case actions.DeleteRegistryResult:
		p.say("%s %s", tense(r.DryRun, "would remove", "removed"), r.Registry)
		if r.Images > 0 {
			p.say("the catalogue has %s of it", counted(r.Images, "image"))
		}
	case actions.RemoveAgentResult:
		p.say("%s %s and what is known of %s on it", tense(r.DryRun, "would remove", "removed"), string(r.Agent.ID), counted(r.Images, "image"))
	case actions.DropIntentsResult:
		p.dropped(r)
	case actions.CancelTaskResult:
		p.cancelled(r.Task)
	case actions.RetryTaskResult:
		p.started(string(r.Task.ID))
	case actions.WatchTaskResult:
		p.events(r)
	case actions.PushImageResult:
		p.pushed(r)
	case actions.SaveImageResult:
		p.saved(r)
	case actions.PullImageResult:
		p.pulled(r)
	case actions.GetImageDigestResult:
		p.say("%s", string(r.Digest))
	case actions.GetImageSizeResult:
		p.say("%s", plainSize(r.SizeBytes))
	case actions.GetTagInfoResult:
		p.tagInfo(r)
	case actions.RemoveRemoteImageResult:
		p.removedRemote(r)
	case actions.ExplainResult:
		p.decision(r.Decision)
	default:
		p.structure(reflect.ValueOf(result), 0)
	}
}

func tense(dry bool, would, did string) string {
	if dry {
		return would
	}
	return did
}

// named is an image in one line.
func named(i domain.Image) string { return i.Canonical() + " (" + i.Architecture + ")" }

func (p *printer) changed(i domain.Image, changed, dry bool, past, verb string) {
	switch {
	case !changed:
		p.say("%s is %s: nothing to %s", named(i), string(i.Status), verb)
	case dry:
		p.say("would %s %s", verb, named(i))
	default:
		p.say("%s %s", past, named(i))
	}
}

// problem is a failure in a line or a cell.
func problem(p *domain.Problem) string {
	return string(p.Code) + ": " + p.Message
}

func statusStyle(s domain.ImageStatus) string {
	switch s {
	case domain.ImageAlive:
		return good
	case domain.ImageMissing:
		return warn
	case domain.ImageForgotten:
		return faint
	}
	return plain
}

// page prints one page of a list. t is the table of the pages before, nil for
// the first.
func (p *printer) page(t *table, result any) (*table, error) {
	columns, rows := p.listed(result)
	if columns == nil { // no table of its own
		p.structure(reflect.ValueOf(result), 0)
		return nil, p.err
	}
	if t == nil {
		if r, ok := result.(actions.GetTaskResult); ok {
			p.task(r.Task)
			if len(rows) > 0 {
				p.text("\n")
			}
		}
		t = p.table(columns...)
	}
	t.rows(rows)
	return t, p.err
}

// errorsBelow prints what went wrong under an account, not all of it when it is
// a lot.
func (p *printer) errorsBelow(lines []string) {
	const most = 20
	for i, l := range lines {
		if i == most {
			p.text(p.paint(faint, fmt.Sprintf("  … and %d more; --json has them all", len(lines)-most)) + "\n")
			return
		}
		p.text("  " + p.paint(bad, clean(l)) + "\n")
	}
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}
