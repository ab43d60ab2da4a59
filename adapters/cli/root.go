package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// noun is one group of commands: what its actions' names begin with.
type noun struct {
	name   string
	short  string
	group  string
	hidden bool // has a better name elsewhere
}

const (
	groupWork   = "work"
	groupMove   = "move"
	groupAccess = "access"
	groupTools  = "tools"
)

// nouns are the groups that have words of their own; a new one of the catalogue
// gets along without.
func nouns() []noun {
	return []noun{
		{name: "image", short: "The images of the catalogue", group: groupWork},
		{name: "alias", short: "Short names for images", group: groupWork},
		{name: "registry", short: "Where images come from", group: groupWork},
		{name: "agent", short: "Nodes, and the images on them", group: groupWork},
		{name: "remote", short: "What registries have now", group: groupWork},
		{name: "task", short: "Long actions that run in the background", group: groupWork},
		{name: "build", short: "Build images from models and pipelines", group: groupWork},
		{name: "build_task", short: "Tasks that models and pipelines belong to", group: groupWork},
		{name: "model", short: "Models that images are built from", group: groupWork},
		{name: "pipeline", short: "Pipelines that images are built from", group: groupWork},
		{name: "scaling_group", short: "Who may use which nodes", group: groupAccess},
		{name: "audit", short: "Who did what", group: groupAccess},
		{name: "role", short: "Roles of your own, and who has them", group: groupAccess},
		{name: "key", short: "API keys, for programs", group: groupAccess},
		{name: "reference", short: "Read image references", group: groupTools},
		{name: "access", short: "Who can do what, and what a change would do", group: groupAccess},
	}
}

// root builds the whole tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "wharf",
		Short: "Manage the container images of a cluster",
		Long: `Wharf manages the container images of a cluster: which images there are, what they are
called, who may see and change them, which nodes hold them, and how they get there.`,
		Example: `  wharf registry create cr.example.org --project stable
  wharf registry rescan
  wharf image list --where 'name~python and last_used_at<30d'
  wharf agent preload-images python:3.11 --target-agents '*'`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          p.orHelp,
		Args:          cobra.ArbitraryArgs,
	}
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetIn(p.Stdin)
	root.CompletionOptions.DisableDescriptions = true
	root.SetHelpFunc(p.help)
	root.SetUsageFunc(func(*cobra.Command) error { return nil }) // errors point at --help instead
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%s", err) })
	root.AddGroup(
		&cobra.Group{ID: groupWork, Title: "Images, registries and nodes:"},
		&cobra.Group{ID: groupMove, Title: "To and from registries:"},
		&cobra.Group{ID: groupAccess, Title: "Access:"},
		&cobra.Group{ID: groupTools, Title: "Tools:"},
	)
	root.SetCompletionCommandGroupID(groupTools)

	f := root.PersistentFlags()
	f.Var(&rawValue{typ: "FILE"}, "config", "file of settings (default $XDG_CONFIG_HOME/wharf/config.yaml)")
	settingFlags(f, "")
	f.BoolVar(&p.global.json, "json", p.global.json, "print the result as JSON, and errors too")
	f.Var(newText("ACTOR", &p.global.as), "as", "act as USER:ROLE[:DOMAIN[:PROJECT,PROJECT]], not as superadmin; for the service in this process")
	f.DurationVar(&p.global.timeout, "timeout", 0, "give up after this time, such as 30s")

	_ = root.RegisterFlagCompletionFunc(keyContext, func(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return p.completeContext(c, nil, begun)
	})
	groups := p.addActions(root)
	if agent := groups["agent"]; agent != nil {
		agent.AddCommand(p.nodeCommands()...)
	}
	root.AddCommand(p.shortcutCommands()...)
	if reference := groups["reference"]; reference != nil {
		reference.AddCommand(p.referenceCheckCommand())
	}
	root.AddCommand(p.policyCommand(), p.contextCommand(), p.credentialCommand(), p.versionCommand())
	if p.Serve != nil {
		root.AddCommand(p.serveCommand())
	}
	for _, topic := range topics() {
		root.AddCommand(&cobra.Command{Use: topic.name, Short: topic.short, Long: topic.text()})
	}
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.RunE, c.Args, c.Short, c.Long = p.orHelp, cobra.ArbitraryArgs, "Complete commands and names in a shell", ""
		}
	}
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "Help about a command or a topic", GroupID: groupTools, Example: "  wharf help image get\n  wharf help filters",
		RunE: p.helpAbout, Args: cobra.ArbitraryArgs,
	})
	return root
}

// helpAbout is help for words; those that are no command are an error.
func (p *program) helpAbout(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		p.started = true
		return usage("there is no command or topic %s", clean(strings.Join(args, " ")))
	}
	return found.Help()
}

// topics are the pages of help that belong to no command.
func topics() []struct {
	name, short string
	text        func() string
} {
	return []struct {
		name, short string
		text        func() string
	}{
		{"settings", "Settings by flag, environment and file", settingsHelp},
		{"filters", "What --where takes", whereHelp},
		{"targets", "What --target-agents takes", targetsHelp},
		{"exit-codes", "What the exit code tells", exitHelp},
	}
}

// addActions adds a command for each action of the catalogue, below its noun.
func (p *program) addActions(root *cobra.Command) map[string]*cobra.Command {
	groups := map[string]*cobra.Command{}
	for _, e := range p.entries {
		name, _, _ := strings.Cut(e.Spec.Name, ".")
		group := groups[name]
		if group == nil {
			group = p.nounCommand(name)
			groups[name] = group
			root.AddCommand(group)
		}
		group.AddCommand(p.actionCommand(e))
	}
	return groups
}

func (p *program) nounCommand(name string) *cobra.Command {
	n := noun{name: name, short: "Commands of " + name, group: groupTools}
	for _, known := range nouns() {
		if known.name == name {
			n = known
		}
	}
	for _, s := range shortcuts() {
		if e, ok := p.entry(s.action); ok && s.word == name {
			cmd := p.acting(name, e)
			cmd.Short, cmd.GroupID, cmd.Hidden = n.short, n.group, n.hidden
			return cmd
		}
	}
	return p.groupOf(strings.ReplaceAll(name, "_", "-"), n.short, n.group, n.hidden)
}

// groupOf makes a command that only holds others.
func (p *program) groupOf(name, short, group string, hidden bool) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, GroupID: group, Hidden: hidden, RunE: p.orHelp, Args: cobra.ArbitraryArgs}
}

// orHelp prints help for a group alone; a word that is no command is an error,
// not a reason to print help and succeed.
func (p *program) orHelp(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := "there is no command %s %s"
	if near := suggested(cmd, args[0]); len(near) > 0 {
		text += "; perhaps " + strings.Join(near, " or ")
	}
	p.started = true
	return usage(text, cmd.CommandPath(), clean(args[0]))
}

// suggested are the commands below cmd that somebody may have meant.
func suggested(cmd *cobra.Command, word string) []string {
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	return cmd.SuggestionsFor(word)
}
