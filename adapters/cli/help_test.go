package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/service"
)

// everyCommand calls f with each command of ours; completion is cobra's own.
func everyCommand(root *cobra.Command, f func(*cobra.Command)) {
	if root.Name() == "completion" {
		return
	}
	f(root)
	for _, c := range root.Commands() {
		everyCommand(c, f)
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	w := newWorld(t)
	w.open = nil // help needs no service
	everyCommand(cli.Commands(), func(c *cobra.Command) {
		words := strings.Fields(c.CommandPath())[1:]
		name := strings.Join(append([]string{"help", "wharf"}, words...), "_")
		t.Run(name, func(t *testing.T) {
			w.t = t
			if c.IsAdditionalHelpTopicCommand() {
				w.run(append([]string{"help"}, words...)...).ok().golden("help/" + name)
				return
			}
			w.run(append(words, "--help")...).ok().golden("help/" + name)
			short := c.Name() == "wharf" || c.HasSubCommands()
			require.True(t, short || c.HasExample(), "no example")
			require.NotEmpty(t, c.Short)
		})
	})
}

func TestEveryActionHasACommand(t *testing.T) {
	root := cli.Commands()
	for _, e := range service.Catalogue() {
		words := strings.Fields(strings.ReplaceAll(strings.Replace(e.Spec.Name, ".", " ", 1), "_", "-"))
		cmd, rest, err := root.Find(words)
		require.NoError(t, err, e.Spec.Name)
		require.Empty(t, rest, e.Spec.Name)
		require.Equal(t, strings.HasSuffix(e.Spec.Name, "_by_id"), cmd.Hidden, e.Spec.Name)
		require.NotNil(t, cmd.Flag("action-json"), e.Spec.Name)
	}
}

// What the examples show works: their flags exist, their values can be read and
// the action that comes out is valid.
func TestExamplesAreValid(t *testing.T) {
	for _, e := range service.Catalogue() {
		words := strings.Fields(strings.ReplaceAll(strings.Replace(e.Spec.Name, ".", " ", 1), "_", "-"))
		cmd, _, err := cli.Commands().Find(words)
		require.NoError(t, err)
		for line := range strings.Lines(cmd.Example) {
			args := shellWords(strings.TrimSpace(line))
			require.Equal(t, append([]string{"wharf"}, words...), args[:len(words)+1], line)
			args = args[len(words)+1:]
			for i, a := range args {
				if strings.HasSuffix(a, ".json") || strings.HasPrefix(a, "/run/") || a == "--password-stdin" {
					args = append(args[:i:i], "--help")[:i] // a file that is not here
					break
				}
			}
			if n := len(args); n > 0 && slices.Contains([]string{"--inventory", "--password-file", "--action-json"}, args[n-1]) {
				args = args[:n-1]
			}
			if strings.Contains(strings.Join(args, " "), "--username") {
				continue // asks for a password
			}
			_, err := cli.BuildAction(e.Spec.Name, args)
			require.NoError(t, err, line)
		}
	}
}

// shellWords splits a line with single quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

func TestEveryFieldCanBeGiven(t *testing.T) {
	otherwise := map[string][]string{
		"agent.purge_images": {"keys"}, // made of arguments and --target-agents
		"access.simulate":    {"add_rules", "remove_rules", "add_bindings", "remove_bindings"},
		"role.create":        {"rules"}, // these by --action-json
	}
	for _, e := range service.Catalogue() {
		require.Equal(t, otherwise[e.Spec.Name], cli.Unreachable(e), e.Spec.Name)
	}
}

func TestListsKnowTheirFields(t *testing.T) {
	for _, e := range service.Catalogue() {
		isList, known := cli.HasListFields(e)
		require.Equal(t, isList, known, "%s: add its fields to listFields", e.Spec.Name)
	}
}

// Whoever adds an action that can be planned decides here whether it asks.
func TestWhatAsksFirst(t *testing.T) {
	asks := map[string]bool{
		"image.purge": true, "image.purge_many": true, "image.untag": true, "image.clear": true,
		"alias.delete": true, "registry.delete": true, "agent.remove": true, "agent.drop_intents": true,
		"agent.purge_images": true, "agent.unload_images": true, "role.delete": true, "remote.remove": true,
		"build_task.delete": true, "model.delete": true, "pipeline.delete": true, "build.delete": true,
		"image.forget": false, "image.forget_by_id": false, "image.forget_many": false, "agent.preload_images": false, "image.save": false,
	}
	for _, e := range service.Catalogue() {
		want, decided := asks[e.Spec.Name]
		require.Equal(t, cli.HasDryRun(e), decided, e.Spec.Name)
		require.Equal(t, want, cli.IsDestructive(e), e.Spec.Name)
	}
}

func TestUnknownWords(t *testing.T) {
	w := newWorld(t)
	w.run().ok().says("Usage:")
	w.run("imag").exits(2).says("there is no command wharf imag; perhaps image")
	w.run("help", "nothing").exits(2).says("there is no command or topic nothing")
	w.run("help", "image", "bogus").exits(2)
	w.run("help", "image", "get").ok().says("wharf image get IMAGE")
	w.run("completion").ok()
	w.run("completion", "tcsh").exits(2).says("there is no command wharf completion tcsh")
	w.run("image", "lst").exits(2).says("there is no command wharf image lst; perhaps").says("list")
	w.run("image", "list", "--limt", "3").exits(2).says("unknown flag: --limt")
	w.run("image", "list", "extra").exits(2).says("no argument is due, not 1")
	w.run("image", "get").exits(2).says("IMAGE is missing").says("see wharf image get --help")
	w.run("image", "get", "a", "b").exits(2).says("at most 1 argument may follow, not 2")
	w.run("image", "get", "").exits(2).says("IMAGE is empty")
	w.run("image", "\x1b[31mget").exits(2).silent("\x1b")
	code, reason := w.run("image", "list", "--limt", "--json").exits(2).problem()
	require.Equal(t, []string{"invalid", "usage"}, []string{code, reason})
}
