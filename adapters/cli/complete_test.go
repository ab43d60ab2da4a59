package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// offers returns what completion offers after some words.
func (w *world) offers(words ...string) []string {
	w.t.Helper()
	lines := strings.Split(strings.TrimSpace(w.run(append([]string{"__completeNoDesc"}, words...)...).ok().out), "\n")
	require.NotEmpty(w.t, lines)
	return lines[:len(lines)-1] // the last one is a directive
}

func TestCompletion(t *testing.T) {
	w := furnished(t)
	require.Equal(t, []string{"py"}, w.offers("image", "get", "p"))
	require.Equal(t, []string{"cr.test/lab/torch:2"}, w.offers("image", "purge", "cr.test/lab/t"))
	require.Len(t, w.offers("image", "forget", ""), 5)
	require.Empty(t, w.offers("image", "get", "py", ""), "there is no second argument")
	require.Equal(t, []string{"py"}, w.offers("image", "forget-many", "cr.test/lab/torch:2", "p"))
	require.Equal(t, []string{"py"}, w.offers("alias", "delete", ""))
	require.Equal(t, []string{"cr.test"}, w.offers("registry", "rescan", "c"))
	require.Equal(t, []string{"cr.test"}, w.offers("registry", "modify", ""))
	require.Equal(t, []string{"node-1"}, w.offers("agent", "remove", "n"))
	require.Equal(t, []string{"x,node-1"}, w.offers("agent", "preload-images", "py", "--target-agents", "x,n"))
	require.Equal(t, []string{"canonical", "created_at", "last_used_at", "name", "size_bytes", "updated_at"}, w.offers("image", "list", "--sort", ""))
	require.Equal(t, []string{"alive", "forgotten", "missing", "all"}, w.offers("image", "list", "--statuses", ""))
	require.Equal(t, []string{"online", "offline"}, w.offers("agent", "modify", "n", "--status", ""))
	require.Equal(t, []string{"image.forget"}, w.offers("policy", "explain", "image.fo"))
	require.Equal(t, []string{"image.forget"}, w.offers("access", "explain", "image.fo"))
	require.NotContains(t, w.offers("image", ""), "forget-by-id")
	require.Empty(t, w.offers("image", "get", "p", "--as", "ada:user"), "as whom it is done counts")
	w.run("completion", "bash").ok().says("__complete")
}

func TestCompletionOfTargets(t *testing.T) {
	w := furnished(t)
	w.run("agent", "modify", "node-1", "--labels", "rack=7", "--labels", "zone=eu", "--labels", "note=a, b").ok()
	w.run("agent", "register", "node-2", "--kind", "ocilayout", "--address", w.dir+"/node-2", "--scaling-group", "gpu", "--architecture", "arm64", "--labels", "rack=8").ok()
	offers := func(begun string) []string {
		t.Helper()
		preload := w.offers("agent", "preload-images", "py", "--target-agents", begun)
		require.Equal(t, preload, w.offers("agent", "purge-images", "py", "--target-agents", begun))
		return preload
	}
	require.Equal(t, []string{"node-1", "node-2", "scaling-group:", "arch:", "label:", "status:"}, offers(""))
	require.Equal(t, []string{"x,node-1", "x,node-2"}, offers("x,n"))
	require.Equal(t, []string{"x, !node-1", "x, !node-2"}, offers("x, !n"))
	require.Equal(t, []string{"!scaling-group:", "!status:"}, offers("!s"))
	require.Equal(t, []string{"scaling-group:gpu"}, offers("scaling-group:g"))
	require.Equal(t, []string{"scaling-group:default", "scaling-group:gpu"}, offers("scaling-group:"))
	require.Equal(t, []string{"n,arch:aarch64"}, offers("n,arch:a"))
	require.Equal(t, []string{"label:note", "label:rack", "label:zone"}, offers("label:"))
	require.Equal(t, []string{"!label:rack=7", "!label:rack=8"}, offers("!label:rack="))
	require.Empty(t, offers("label:note="), "it would have to be quoted twice")
	require.Equal(t, []string{"status:online", "status:offline"}, offers("status:o"))
	require.Empty(t, offers("bogus:"))
	require.Contains(t, w.run("__completeNoDesc", "agent", "preload-images", "py", "--target-agents", "").out, ":6", "no space after it, no files")
	require.Empty(t, w.offers("agent", "preload-images", "py", "--defer-until", ""))
}

func TestCompletionIsSilentAboutTrouble(t *testing.T) {
	w := newWorld(t)
	w.open = func(context.Context, cli.Settings) (cli.Service, error) { return nil, domain.ErrUnavailable }
	require.Empty(t, w.offers("image", "get", ""))
	w.env = []string{"WHARF_LOG_LEVEL=loud"}
	require.Empty(t, w.offers("image", "get", ""))

	w = answers(t, func(ctx context.Context, e service.Entry, _ actions.Action) (any, error) {
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.Less(t, time.Until(deadline), 3*time.Second)
		if e.Spec.Name == "image.list" {
			return nil, domain.ErrTimeout
		}
		return actions.SearchAliasesResult{Aliases: []domain.AliasDetail{
			{Alias: domain.Alias{Alias: "fine"}}, {Alias: domain.Alias{Alias: "e\x1b[31mvil"}}, {Alias: domain.Alias{Alias: "two words"}},
		}}, nil
	})
	require.Equal(t, []string{"fine"}, w.offers("image", "get", ""))
}
