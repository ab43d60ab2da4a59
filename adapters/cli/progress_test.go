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

// scans makes a world whose rescan reports ten items, a third of a second each.
func scans(t *testing.T) *world {
	var w *world
	w = answers(t, func(ctx context.Context, _ service.Entry, _ actions.Action) (any, error) {
		p := domain.ProgressFrom(ctx)
		p.Report(0, 10, "")
		for i := range int64(10) {
			w.now = w.now.Add(334 * time.Millisecond)
			p.Report(i+1, 10, "item\x1b[31m")
		}
		return actions.RescanImagesResult{}, nil
	})
	return w
}

func TestProgressOfScripts(t *testing.T) {
	w := scans(t)
	o := w.run("registry", "rescan").ok()
	require.Equal(t, "3/10 item\\x1b[31m\n6/10 item\\x1b[31m\n9/10 item\\x1b[31m\n10/10 item\\x1b[31m\n", o.stderr, "one a second, and the end")
	require.NotContains(t, o.out, "item")
	require.Empty(t, w.run("registry", "rescan", "--quiet").ok().stderr)
	require.Empty(t, w.run("registry", "rescan", "--json").ok().stderr)
}

func TestProgressOnATerminal(t *testing.T) {
	w := scans(t)
	w.terminal = cli.Terminal{Err: true}
	o := w.run("registry", "rescan").ok()
	require.NotContains(t, o.stderr, "item\x1b")
	require.Empty(t, w.run("registry", "rescan", "--quiet").ok().stderr)
	require.Empty(t, w.run("registry", "rescan", "--json").ok().stderr)
	require.NotContains(t, o.out, "item", "never on standard output")

	quick := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return actions.RescanImagesResult{}, nil
	})
	quick.terminal = w.terminal
	require.Empty(t, quick.run("registry", "rescan").ok().stderr, "no bar without a step")
}

func TestProgressOfARealScan(t *testing.T) {
	w := furnished(t)
	o := w.run("registry", "rescan").ok()
	require.Regexp(t, `(?m)^5/5 \S+$|^4/4 \S+$`, strings.TrimSpace(o.stderr))
}
