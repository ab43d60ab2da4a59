package cli_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// atHand is a world that has images at hand, and the model 1.
func atHand(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.open = func(ctx context.Context, _ cli.Settings) (cli.Service, error) {
		a, err := app.Open(ctx, app.Config{Dir: w.dir, AtHand: true})
		if err != nil {
			return nil, err
		}
		return cli.Embedded(a.ImageService, a), nil
	}
	w.run("build-task", "create", "mnist").ok()
	w.stdin = `{"source":{"type":"template","template":{"base_image":"scratch","files":{"main.py":"print()"},"command":["python","main.py"]}}}`
	w.run("model", "create", "net", "--task-id", "1", "--action-json", "-").ok()
	return w
}

func TestABuildByItsShortName(t *testing.T) {
	w := atHand(t)
	t.Chdir(w.dir)
	o := w.run("build", "i", "--model-id", "1", "--store", "oci:./layout").ok()
	require.Contains(t, o.stderr, "base image scratch for ")
	require.Contains(t, o.stderr, "built sha256:", "every line of a builder is in the log")
	names := transfertest.NamesOfLayout(t, filepath.Join(w.dir, "layout"))
	require.Len(t, names, 1)
	w.run("build", "list").ok().says("oci:" + w.dir)
	w.run("build", "i", "--model-id", "1", "--store", "oci:./layout").exits(exitOf(t, domain.CodeConflict)).says("there is an image of that name already")

	var made actions.BuildImageResult
	o = w.run("build", "--overwrite", "--json", "--model-id", "1", "i").ok().json(&made)
	require.Empty(t, o.stderr)
	require.Contains(t, names, made.Image.Local)
	require.Equal(t, "oci:"+filepath.Join(w.dir, "layout"), made.Image.Store)
	w.run("build", "delete", "--id", "1", "--yes").ok()
	require.Empty(t, transfertest.NamesOfLayout(t, filepath.Join(w.dir, "layout")))
}

func exitOf(t *testing.T, c domain.Code) int {
	t.Helper()
	code, known := cli.ExitCodes()[c]
	require.True(t, known)
	return code
}

func TestABuildWithoutAPlaceSaysWhichThereMayBe(t *testing.T) {
	atHand(t).run("build", "i", "--model-id", "1").exits(exitOf(t, domain.CodePrecondition)).says("--store docker or --store oci:DIR")
}

// The noun and the shortcut are one command: what reads as a command is one.
func TestTheNounOfBuildsBuilds(t *testing.T) {
	var asked []string
	w := answers(t, func(_ context.Context, e service.Entry, a actions.Action) (any, error) {
		text, err := json.Marshal(a)
		asked = append(asked, e.Spec.Name+string(text))
		return actions.BuildImageResult{TaskID: "t"}, err
	})
	w.run("build").ok().says("wharf build NAME [flags]").says("wharf build COMMAND")
	w.run("build", "lsit").exits(2).says("there is no command wharf build lsit; perhaps list")
	w.run("build", "--model-id", "1").exits(2).says("NAME is missing")
	w.run("build", "a", "b", "--model-id", "1").exits(2).says("at most 1 argument may follow, not 2")
	require.Empty(t, asked)
	w.run("build", "net", "--pipeline-id", "2", "--quiet").ok()
	w.run("--quiet", "build", "--tag", "list", "net", "--model-id=1").ok()
	w.run("build", "--model-id", "1", "--quiet", "--", "list").ok()
	w.run("build", "image", "net", "--model-id", "1").ok()
	w.run("build", "network").ok() // the action says what it lacks
	require.Equal(t, []string{
		`build.image{"name":"net","pipeline_id":2}`,
		`build.image{"name":"net","model_id":1,"tag":"list"}`,
		`build.image{"name":"list","model_id":1}`,
		`build.image{"name":"net","model_id":1}`,
		`build.image{"name":"network"}`,
	}, asked)
}

func TestABuildOnATerminalShowsABar(t *testing.T) {
	w := answers(t, func(ctx context.Context, _ service.Entry, _ actions.Action) (any, error) {
		sink := domain.TransferSinkFrom(ctx)
		for _, line := range []string{"Step 1/2 : FROM a\x1b[31m", "Step 2/2 : RUN b"} {
			sink.Tell(domain.TransferEvent{Kind: domain.TransferBuild, Message: line})
		}
		return actions.BuildImageResult{}, nil
	})
	require.Equal(t, "Step 1/2 : FROM a\\x1b[31m\nStep 2/2 : RUN b\n", w.run("build", "i", "--model-id", "1").ok().stderr)
	w.terminal = cli.Terminal{Err: true}
	o := w.run("build", "i", "--model-id", "1").ok()
	require.NotContains(t, o.stderr, "a\x1b")
	require.NotContains(t, o.out, "Step")
}
