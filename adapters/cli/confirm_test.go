package cli_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/service"
)

var person = cli.Terminal{In: true, Out: true, Err: true, Width: 100}

func TestScriptsMustSayYes(t *testing.T) {
	w := furnished(t)
	w.stdin = "y\n" // nobody asked
	for _, args := range [][]string{
		{"image", "purge", "py"}, {"image", "purge-many", "py"}, {"image", "untag", "py"}, {"image", "clear", "cr.test"},
		{"alias", "delete", "py"}, {"registry", "delete", "cr.test"}, {"agent", "remove", "node-1"},
		{"agent", "purge-images", "py", "--agents", "*"}, {"agent", "unload-images", "py", "--agents", "*"},
	} {
		code, reason := w.run(append(args, "--json")...).exits(2).problem()
		require.Equal(t, []string{"invalid", "confirmation_required"}, []string{code, reason}, args)
		w.run(args...).exits(2).says("say --yes to do it, or --dry-run")
		w.run(append(args, "--dry-run", "--quiet")...)
	}
	w.run("image", "get", "py").ok().says("alive")
	w.run("agent", "list", "--where", "id=node-1").ok().says("node-1")
}

func TestPeopleAreAsked(t *testing.T) {
	w := furnished(t)
	w.terminal, w.env = person, []string{"NO_COLOR=1"}
	for _, no := range []string{"n\n", "\n", "", "nope\n", "yess\n"} {
		w.stdin = no
		o := w.run("image", "purge", "py").exits(10).says("not confirmed; nothing was done")
		require.Contains(t, o.stderr, "would remove cr.test/lab/python:3.11 (x86_64) from the catalogue\n  with its aliases: py\n")
		require.Contains(t, o.stderr, "Remove an image from the catalogue for good? [y/N] ")
		require.Empty(t, o.out)
	}
	w.run("image", "get", "py").ok()
	w.stdin = "Yes\n"
	o := w.run("image", "purge", "py").ok()
	require.Contains(t, o.out, "removed cr.test/lab/python:3.11")
	w.run("image", "get", "cr.test/lab/python:3.11", "--statuses", "all").exits(5)

	// JSON on standard output is only what was done.
	var done struct{ Cleared int }
	w.run("image", "clear", "cr.test", "--json").ok().json(&done)
	require.Equal(t, 4, done.Cleared)
}

func TestYesAsksNothing(t *testing.T) {
	w := furnished(t)
	o := w.run("image", "purge", "cr.test/lab/python:3.9", "--remove-from-registry", "-y").ok().says("and its tag from its registry")
	require.NotContains(t, o.stderr, "[y/N]")
	w.run("registry", "rescan", "--quiet").ok()
	w.run("image", "get", "cr.test/lab/python:3.9", "--statuses", "all").exits(5)
	w.run("alias", "delete", "py", "--yes").ok().says("removed py")
	w.run("agent", "remove", "node-1", "--yes").ok().says("removed node-1")
}

// What cannot be done is refused before anybody has to decide.
func TestProtectedIsNotAskedAbout(t *testing.T) {
	w := furnished(t)
	w.terminal, w.stdin = person, "y\n"
	o := w.run("image", "untag", "cr.test/lab/torch:2", "--arch", "amd64").exits(7).says("also holds aarch64")
	require.NotContains(t, o.stderr, "[y/N]")
	w.run("image", "purge", "cr.test/lab/torch:2", "--arch", "amd64", "--remove-from-registry").exits(7)
	w.run("registry", "delete", "cr.test").exits(7).says("the catalogue still has 5 images of cr.test")
	o = w.run("image", "untag", "cr.test/lab/torch:2", "--arch", "amd64", "--force").ok()
	require.Contains(t, o.stderr, "[y/N]")
	w.run("image", "list", "--status", "missing", "--count").ok().says("2 in all")
}

// The plan is a dry run of the very action, and nothing else is.
func TestPlanIsADryRun(t *testing.T) {
	var runs []bool
	w := answers(t, func(_ context.Context, _ service.Entry, a actions.Action) (any, error) {
		p := a.(*actions.UnloadImagesAction)
		runs = append(runs, p.DryRun)
		require.Equal(t, []actions.ImageRef{{Name: "py", Architecture: "arm64"}}, p.Images)
		return actions.UnloadImagesResult{DryRun: p.DryRun}, nil
	})
	args := []string{"agent", "unload-images", "py", "--agents", "n", "--arch", "arm64", "--quiet"}
	w.terminal, w.stdin = person, "y\n"
	w.run(args...).ok()
	require.Equal(t, []bool{true, false}, runs)
	runs = nil
	w.run(append(args, "--dry-run")...).ok()
	require.Equal(t, []bool{true}, runs)
	runs = nil
	w.run(append(args, "--yes")...).ok()
	require.Equal(t, []bool{false}, runs)
}

// A question that is called off ends at once and does nothing.
func TestInterruptedQuestion(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	in, hold := io.Pipe()
	defer hold.Close()
	calls := 0
	w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		calls++
		close(asked)
		return actions.DealiasImageResult{}, nil
	})
	go func() { <-asked; cancel() }()
	var out safeBuffer
	code := cli.Run(ctx, cli.Config{Open: w.open, Stdin: in, Stdout: &out, Stderr: &out, Terminal: person}, []string{"alias", "delete", "py"})
	require.Equal(t, 10, code)
	require.Equal(t, 1, calls)
	require.Contains(t, out.String(), "wharf: canceled: interrupted")
}

func TestTimeout(t *testing.T) {
	w := answers(t, func(ctx context.Context, _ service.Entry, _ actions.Action) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Minute):
			return nil, nil
		}
	})
	w.run("image", "list", "--timeout", "10ms").exits(11).says("the time was up")
	w.run("image", "list", "--timeout", "soon").exits(2)
}

func TestPurgeOnEveryAgent(t *testing.T) {
	w := furnished(t)
	w.run("agent", "purge-images", "py", "--yes").exits(2).says("--target-agents is missing")
	w.run("agent", "purge-images", "py", "--agents", "no such", "--yes").exits(2)
	w.run("agent", "register", "node-2", "--kind", "ocilayout", "--address", w.dir+"/node-2", "--scaling-group", "default", "--architecture", "amd64").ok()
	w.run("agent", "preload-images", "py", "--agents", "node-1,node-2", "--quiet").ok()
	w.run("agent", "modify", "node-2", "--labels", "rack=7").ok()
	w.run("agent", "purge-images", "py", "--agents", "node-1,!label:rack=7", "--dry-run", "--quiet").ok().says("1 planned")
	w.run("agent", "purge-images", "py", "--agents", "label:rack=7", "--agents", "arch:arm64", "--dry-run", "--quiet").ok().says("node-2").says("1 planned")
	w.run("agent", "purge-images", "py", "--agents", "node-3,label:rack=7", "--yes").exits(5).says("no such agent: node-3")
	w.run("agent", "purge-images", "py", "--agents", "node-3", "--yes", "--quiet").exits(12).says("node-3")
	w.run("agent", "purge-images", "py", "--agents", "node-1,!node-1", "--yes").exits(2).says("no agent matches")
	w.run("agent", "purge-images", "py", "--agents", "arch:nothing", "--yes").exits(2).says("no known architecture")
	o := w.run("agent", "purge-images", "py", "--agents", "*", "--yes", "--quiet").ok()
	require.Equal(t, 2, strings.Count(o.out, "removed\n"))
	w.run("agent", "remove", "node-1", "-y").ok()
	w.run("agent", "remove", "node-2", "-y").ok()
	w.run("agent", "purge-images", "py", "--agents", "*", "--yes").exits(2).says(`no agent matches "*"`)
}
