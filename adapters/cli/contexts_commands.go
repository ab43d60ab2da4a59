package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// contextInfo is a context as it is shown: without its token.
type contextInfo struct {
	Name      string        `json:"name"`
	Current   bool          `json:"current"`
	Server    string        `json:"server"`
	Token     domain.Secret `json:"token,omitempty"`
	TokenFile string        `json:"token_file,omitempty"`
	CA        string        `json:"server_ca,omitempty"`
	Cert      string        `json:"server_cert,omitempty"`
	Key       string        `json:"server_key,omitempty"`
	Insecure  bool          `json:"server_insecure,omitempty"`
}

func (c contexts) info(name string) contextInfo {
	e := c.Contexts[name]
	return contextInfo{name, name == c.Current, e.Server, domain.Secret(e.Token), e.TokenFile, e.CA, e.Cert, e.Key, e.Insecure}
}

// contextCommand holds what is done with the file of contexts.
func (p *program) contextCommand() *cobra.Command {
	group := p.groupOf("context", "Servers that have names", groupTools, false)
	group.Long = contextHelp
	use := &cobra.Command{
		Use: "use NAME", Short: "Talk to a context from now on", Example: "  wharf context use prod\n  wharf context use --none",
		Annotations: map[string]string{annotationArguments: "  NAME  of wharf context list"},
	}
	none := use.Flags().Bool("none", false, "to no context: what flags, environment and file say")
	use.RunE = p.runs(func(_ context.Context, args []string) error { return p.contextUse(args, *none) })
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Forget a context, and its token", Example: "  wharf context remove staging",
		Annotations: map[string]string{annotationArguments: "  NAME  of wharf context list"},
		RunE:        p.runs(func(_ context.Context, args []string) error { return p.contextRemove(args) }),
	}
	show := &cobra.Command{
		Use: "show [NAME]", Short: "Show a context, or the one in use", Example: "  wharf context show\n  wharf context show prod --json",
		Annotations: map[string]string{annotationArguments: "  NAME  of wharf context list"},
		RunE:        p.runs(func(_ context.Context, args []string) error { return p.contextShow(args) }),
	}
	for _, c := range []*cobra.Command{use, remove, show} {
		c.ValidArgsFunction = p.completeContext
	}
	group.AddCommand(&cobra.Command{
		Use: "list", Short: "List contexts", Example: "  wharf context list\n  wharf context list --json",
		RunE: p.runs(func(_ context.Context, args []string) error { return p.contextList(args) }),
	}, p.contextAddCommand(), use, remove, show)
	return group
}

const contextHelp = `A context is a server with a name and what it takes to talk to it. The file is
$XDG_CONFIG_HOME/wharf/contexts.yaml, else ~/.config/wharf/contexts.yaml, for its owner only.
The order in which settings count is in wharf help settings.
`

func oneName(args []string) (string, error) {
	if len(args) != 1 {
		return "", usage("one NAME is due, not %d", len(args))
	}
	return args[0], nil
}

func (p *program) contextList(args []string) error {
	if len(args) > 0 {
		return usage("no argument is due")
	}
	path, err := p.contextsFile()
	if err != nil {
		return err
	}
	c, err := readContexts(path)
	if err != nil {
		return err
	}
	list := []contextInfo{}
	var rows [][]cell
	for _, name := range c.names() {
		i := c.info(name)
		list = append(list, i)
		row := cells(name, "", i.Server, i.shows())
		if i.Current {
			row[1] = cell{"yes", good}
		}
		rows = append(rows, row)
	}
	if p.global.json {
		return p.show(map[string]any{"contexts": list})
	}
	if len(list) == 0 {
		p.hint("there is none; wharf context add makes one\n")
		return nil
	}
	p.out.table(column{head: "NAME"}, column{head: "IN USE"}, column{head: "SERVER", cut: true}, column{head: "SHOWS"}).rows(rows)
	return nil
}

// shows tells by what the server knows the caller.
func (i contextInfo) shows() string {
	var list []string
	switch {
	case i.Token != "":
		list = append(list, "a token")
	case i.TokenFile != "":
		list = append(list, "a token file")
	}
	if i.Cert != "" {
		list = append(list, "a certificate")
	}
	return strings.Join(list, ", ")
}

func (p *program) contextUse(args []string, none bool) error {
	name := ""
	if !none || len(args) > 0 {
		var err error
		if name, err = oneName(args); err != nil {
			return err
		}
	}
	if none && name != "" {
		return usage("--none and a NAME contradict each other")
	}
	path, err := p.contextsFile()
	if err != nil {
		return err
	}
	return changeContexts(path, func(c *contexts) error {
		if _, err := c.get(name); err != nil && !none {
			return err
		}
		c.Current = name
		return nil
	})
}

func (p *program) contextRemove(args []string) error {
	name, err := oneName(args)
	if err != nil {
		return err
	}
	path, err := p.contextsFile()
	if err != nil {
		return err
	}
	inUse := false
	err = changeContexts(path, func(c *contexts) error {
		if _, err := c.get(name); err != nil {
			return err
		}
		delete(c.Contexts, name)
		if inUse = c.Current == name; inUse {
			c.Current = ""
		}
		return nil
	})
	if err == nil && inUse {
		p.hint("it was in use; now none is\n")
	}
	return err
}

func (p *program) contextShow(args []string) error {
	path, err := p.contextsFile()
	if err != nil {
		return err
	}
	c, err := readContexts(path)
	if err != nil {
		return err
	}
	name := c.Current
	switch {
	case len(args) > 0:
		if name, err = oneName(args); err != nil {
			return err
		}
	case name == "":
		return domain.Errorf(domain.CodeNotFound, "context_not_found", "", "no context is in use; see wharf context list")
	}
	if _, err := c.get(name); err != nil {
		return err
	}
	return p.show(c.info(name))
}

// completeContext offers the names of contexts.
func (p *program) completeContext(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if path, err := p.contextsFile(); err == nil && len(args) == 0 {
		c, _ := readContexts(path) // a message would land in the command line
		names = slices.DeleteFunc(c.names(), func(n string) bool { return !contextForm.MatchString(n) })
	}
	return begins(begun, names), cobra.ShellCompDirectiveNoFileComp
}

// whole makes a path independent of where the command is run.
func whole(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
