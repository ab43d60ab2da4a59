package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// shortcuts are commands of one word for what users do all day, by the action
// that each runs. One whose word is a noun is the command of that noun.
func shortcuts() []struct{ word, action string } {
	return []struct{ word, action string }{
		{"push", "image.push"},
		{"pull", "image.pull"},
		{"save", "image.save"},
		{"images", "remote.list"},
		{"tags", "remote.tags"},
		{"digest", "remote.digest"},
		{"size", "remote.size"},
		{"rm", "remote.remove"},
		{"build", "build.image"},
	}
}

// shortcutCommands makes those that are no nouns of the commands that they stand
// for.
func (p *program) shortcutCommands() []*cobra.Command {
	var list []*cobra.Command
	for _, s := range shortcuts() {
		e, ok := p.entry(s.action)
		if noun, _, _ := strings.Cut(s.action, "."); !ok || noun == s.word {
			continue
		}
		cmd := p.shortcut(s.word, e)
		cmd.GroupID = groupMove
		list = append(list, cmd)
	}
	return list
}

func (p *program) shortcut(word string, e service.Entry) *cobra.Command {
	c, cmd := p.newCommand(e)
	noun, verb, _ := strings.Cut(e.Spec.Name, ".")
	cmd.Use = word + usageOf(c.args)
	cmd.Example = strings.ReplaceAll(cmd.Example, "wharf "+noun+" "+strings.ReplaceAll(verb, "_", "-"), "wharf "+word)
	return cmd
}

// acting makes the command of a noun that is a shortcut too. Alone it prints
// help, and what may be a misspelt command is not taken for an argument.
func (p *program) acting(name string, e service.Entry) *cobra.Command {
	cmd := p.shortcut(name, e)
	act := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		given := false
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { given = given || f.Changed })
		if !given && (len(args) == 0 || len(suggested(cmd, args[0])) > 0) {
			return p.orHelp(cmd, args)
		}
		return act(cmd, args)
	}
	return cmd
}

// tells reports whether the action tells what it does while it does it.
func (c *command) tells() bool { return c.moves() || c.entry.Spec.Name == "build.image" }

// moves reports whether the action moves an image, layer by layer.
func (c *command) moves() bool {
	return slices.Contains([]string{"image.push", "image.pull", "image.save"}, c.entry.Spec.Name)
}

// movedArguments are where an image comes from and where it goes; the last one
// follows from those before.
func movedArguments(action string, fields []field) []field {
	order := []string{"local", "remote"}
	switch action {
	case "image.pull":
		order = []string{"remote", "local"}
	case "image.save":
		order = []string{"agent_id", "container", "remote"}
	}
	args := make([]field, 0, len(order))
	for _, name := range order {
		args = append(args, fields[slices.IndexFunc(fields, func(f field) bool { return f.json == name })])
	}
	return args
}

// transferring shows the layers of an image on its way, and what its builder
// says: a bar each on a terminal, lines elsewhere. The function returned ends it.
func (p *program) transferring(ctx context.Context) (context.Context, func()) {
	s := p.shown()
	if s == nil {
		return ctx, func() {}
	}
	t := &layers{shown: s, at: map[string]int{}}
	return domain.WithTransferSink(ctx, t.tell), s.end
}

// layers is what is known of the layers of one image.
type layers struct {
	shown shown
	what  string
	list  []domain.TaskStep
	at    map[string]int // of list, by id
}

func (l *layers) tell(e domain.TransferEvent) {
	switch e.Kind {
	case domain.TransferStep:
		if e.LayerID == "" {
			return
		}
		i, known := l.at[e.LayerID]
		if !known {
			i = len(l.list)
			l.at[e.LayerID] = i
			l.list = append(l.list, domain.TaskStep{Key: e.LayerID})
		}
		l.list[i].Current, l.list[i].Total, l.list[i].Message = e.Current, e.Total, e.Status
	case domain.TransferBuild:
		l.what = e.Message
		l.shown.line(e.Message)
	default:
		l.what = strings.ReplaceAll(string(e.Kind), "_", " ")
		if e.Src != "" {
			l.what += " " + e.Src + " to " + e.Dst
		}
	}
	l.show()
}

func (l *layers) show() {
	var under []domain.TaskStep
	for _, s := range l.list {
		if over := s.Total > 0 && s.Current >= s.Total; !over && len(under) < domain.MaxRunning {
			under = append(under, s)
		}
	}
	over := 0
	for _, s := range l.list {
		if s.Total > 0 && s.Current >= s.Total {
			over++
		}
	}
	l.shown.step(domain.ProgressStep{Current: int64(over), Total: int64(len(l.list)), Message: l.what})
	l.shown.items(under)
}

// pushed says what a push did, the name on a line of its own: for scripts.
func (p *printer) pushed(r actions.PushImageResult) {
	p.say("%s", r.Image)
	did := size(r.SizeBytes)
	switch {
	case r.Unchanged:
		did += ", there already"
	case r.SentBytes >= 0:
		did += ", of which " + size(r.SentBytes) + " were sent"
	}
	p.say("  %s, %s", string(r.Digest), did)
}

func (p *printer) saved(r actions.SaveImageResult) {
	if r.DryRun {
		p.say("would save %s", r.Image)
		return
	}
	p.pushed(actions.PushImageResult{Image: r.Image, Digest: r.Digest, SizeBytes: r.SizeBytes, SentBytes: r.SentBytes})
}

func (p *printer) pulled(r actions.PullImageResult) {
	p.say("%s", r.Local)
	did := size(r.SizeBytes)
	switch {
	case r.Unchanged:
		did += ", there already"
	case r.ReceivedBytes >= 0:
		did += ", of which " + size(r.ReceivedBytes) + " were fetched"
	}
	p.say("  %s@%s, %s", r.Image, string(r.Digest), did)
}

func (p *printer) tagInfo(r actions.GetTagInfoResult) {
	p.say("%s  %s", r.Image, string(r.Digest))
	t := p.table(column{head: "ARCH"}, column{head: "SIZE", right: true}, column{head: "MANIFEST", cut: true})
	rows := make([][]cell, 0, len(r.Platforms))
	for _, f := range r.Platforms {
		rows = append(rows, cells(f.Architecture, size(f.SizeBytes), string(f.Digest)))
	}
	t.rows(rows)
}

// removedRemote has a line for each digest.
func (p *printer) removedRemote(r actions.RemoveRemoteImageResult) {
	for _, o := range r.Outcomes {
		what := o.Image
		if o.Digest != "" && !strings.Contains(what, "@") {
			what += "@" + string(o.Digest)
		}
		if len(o.Tags) > 0 {
			what += " (" + strings.Join(o.Tags, ", ") + ")"
		}
		did := strings.ReplaceAll(string(o.Did), "_", " ")
		if o.Problem != nil {
			p.say("%s %s: %s", did, what, problem(o.Problem))
			continue
		}
		p.say("%s %s", did, what)
	}
}

func remoteTagRow(t actions.RemoteTag) []cell {
	row := cells(t.Name, t.Image, "")
	switch {
	case t.SizeBytes != nil:
		row[2].text = size(*t.SizeBytes)
	case t.Problem != nil:
		row[2] = cell{t.Problem.Reason, bad}
	}
	return row
}

func plainSize(n int64) string { return strconv.FormatInt(n, 10) + " (" + size(n) + ")" }
