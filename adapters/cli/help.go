package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help prints the page of a command.
func (p *program) help(cmd *cobra.Command, _ []string) {
	p.started = true
	var b strings.Builder
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	b.WriteString(strings.TrimRight(text, "\n") + "\n")
	if cmd.IsAdditionalHelpTopicCommand() {
		p.out.text(b.String())
		return
	}
	section := func(head, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			b.WriteString("\n" + head + "\n" + text + "\n")
		}
	}
	section("Usage:", "  "+useLine(cmd))
	section("Arguments:", cmd.Annotations[annotationArguments])
	section("Examples:", cmd.Example)
	if cmd.HasParent() {
		section("Commands:", commandLines(cmd, func(c *cobra.Command) bool { return c.IsAvailableCommand() }))
	}
	for _, g := range cmd.Groups() {
		section(g.Title, commandLines(cmd, func(c *cobra.Command) bool { return c.GroupID == g.ID && c.IsAvailableCommand() }))
	}
	section("Flags:", flagLines(cmd.LocalFlags(), cmd))
	if cmd.HasParent() {
		section("Flags of every command:", "  --json  --quiet  --timeout  --as  --config …: see wharf --help and wharf help settings")
	} else {
		section("More help:", commandLines(cmd, func(c *cobra.Command) bool { return c.IsAdditionalHelpTopicCommand() }))
	}
	p.out.text(b.String())
}

func useLine(cmd *cobra.Command) string {
	group := cmd.CommandPath() + " COMMAND"
	switch {
	case !cmd.HasAvailableSubCommands():
		return cmd.UseLine()
	case cmd.Annotations[annotationArguments] != "":
		return cmd.UseLine() + "\n  " + group
	}
	return group
}

func commandLines(cmd *cobra.Command, keep func(*cobra.Command) bool) string {
	widest := 0
	for _, c := range cmd.Commands() {
		if keep(c) {
			widest = max(widest, len(c.Name()))
		}
	}
	var b strings.Builder
	for _, c := range cmd.Commands() {
		if keep(c) {
			fmt.Fprintf(&b, "  %-*s  %s\n", widest, c.Name(), c.Short)
		}
	}
	return b.String()
}

// flagLines is pflag's list with the type of a flag after its name. The help
// flag is left out: who reads this has found it.
func flagLines(fs *pflag.FlagSet, cmd *cobra.Command) string {
	type line struct{ left, doc string }
	var lines []line
	widest := 0
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" && cmd.HasParent() {
			return
		}
		left := "      --" + f.Name
		if f.Shorthand != "" {
			left = "  -" + f.Shorthand + ", --" + f.Name
		}
		if t := f.Value.Type(); t != "bool" {
			left += " " + typeName(t)
		}
		widest = max(widest, len(left))
		lines = append(lines, line{left, f.Usage})
	})
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%-*s  %s\n", widest, l.left, wrap(l.doc, helpWidth-widest-2, widest+2))
	}
	return b.String()
}

// helpWidth is where help breaks its lines.
const helpWidth = 110

// wrap breaks a text into lines of a width, indented but for the first.
func wrap(text string, width, indent int) string {
	var b strings.Builder
	at := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case at == 0:
		case at+1+len(word) > max(width, 30):
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// typeName is a placeholder for pflag's own types; ours are one already.
func typeName(t string) string {
	switch t {
	case "string":
		return "TEXT"
	case "duration":
		return "TIME"
	case "int":
		return "N"
	}
	return t
}
