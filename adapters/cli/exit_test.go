package cli_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// fake answers every action itself.
type fake func(ctx context.Context, e service.Entry, a actions.Action) (any, error)

func (f fake) Invoke(ctx context.Context, e service.Entry, a actions.Action) (any, error) {
	return f(ctx, e, a)
}

func (fake) Close() error { return nil }

// answers makes a world whose service is f.
func answers(t *testing.T, f fake) *world {
	t.Helper()
	w := newWorld(t)
	w.open = func(context.Context, cli.Settings) (cli.Service, error) { return f, nil }
	return w
}

func TestEveryCodeHasItsExitCode(t *testing.T) {
	table := cli.ExitCodes()
	seen := map[int]domain.Code{0: "success", 12: "partial"}
	for _, code := range domain.Codes() {
		status, ok := table[code]
		require.True(t, ok, code)
		require.NotContains(t, seen, status, "%s and %s", code, seen[status])
		seen[status] = code

		w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
			return nil, &domain.Error{Code: code, Reason: "a_reason", On: "thing", Message: "a message", Op: "secret op", Err: errors.New("secret cause")}
		})
		w.run("image", "get", "x").exits(status).says("wharf: " + string(code) + ": a message").silent("secret")
		o := w.run("image", "get", "x", "--json").exits(status).silent("secret")
		require.Equal(t, fmt.Sprintf(`{"error":{"code":%q,"reason":"a_reason","on":"thing","message":"a message"}}`, code)+"\n", o.stderr)
		require.Empty(t, o.out)
	}
	require.Len(t, table, len(domain.Codes()))
}

func TestErrorsThatCarryNoCode(t *testing.T) {
	require.Equal(t, 10, cli.StatusOf(context.Canceled))
	require.Equal(t, 11, cli.StatusOf(fmt.Errorf("wrapped: %w", context.DeadlineExceeded)))
	require.Equal(t, 1, cli.StatusOf(errors.New("any other")))
	require.Equal(t, 0, cli.StatusOf(nil))
}

func TestRetryAfterIsTold(t *testing.T) {
	w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return nil, &domain.Error{Code: domain.CodeRateLimited, Message: "slow down", RetryAfter: 3 * time.Second}
	})
	w.run("image", "list").exits(8).says("slow down; try again in 3s")
}

func TestOpeningTellsTheCause(t *testing.T) {
	w := newWorld(t)
	w.open = func(context.Context, cli.Settings) (cli.Service, error) {
		return nil, &domain.Error{Code: domain.CodeUnavailable, Message: "the database does not answer", Err: errors.New("dial\n\ttcp \x1b[2J refused")}
	}
	w.run("image", "list").exits(9).says("cause: dial tcp \\x1b[2J refused")
	require.NotContains(t, w.run("image", "list", "--json").exits(9).stderr, "tcp")
}

func TestPanicIsAnInternalError(t *testing.T) {
	w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) { panic("oh") })
	w.run("image", "list").exits(1).says("panic: oh")
}

func TestWriteErrorsAreErrors(t *testing.T) {
	code := cli.Run(t.Context(), cli.Config{Stdout: broken{}, Stderr: &safeBuffer{}}, []string{"version"})
	require.Equal(t, 1, code)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestPartialFailures(t *testing.T) {
	bad := &domain.Problem{Code: domain.CodeNotFound, Reason: "image_not_found", Message: "no such image"}
	results := map[string]struct {
		args   []string
		result any
		says   string
	}{
		"forget": {[]string{"image", "forget-many", someID}, actions.ForgetImagesResult{Outcomes: []actions.ImageOutcome{{ImageID: "a", Changed: true}, {ImageID: "b", Problem: bad}}}, "1 of 2 failed"},
		"purge":  {[]string{"image", "purge-many", someID, "-y"}, actions.PurgeImagesByIDResult{Outcomes: []actions.PurgeOutcome{{ImageID: "b", Problem: bad}}}, "1 of 1 failed"},
		"agents": {[]string{"agent", "purge-images", "x", "--agents", "n", "-y"}, actions.PurgeImagesResult{PurgedImages: []actions.PurgedImages{{AgentID: "n", PurgedImages: []string{"x", "y"}}}, Errors: []actions.AgentError{{AgentID: "n", Image: "z", Problem: *bad}}}, "1 of 3 failed"},
		"load":   {[]string{"agent", "preload-images", "x", "--agents", "n"}, actions.PreloadImagesResult{Outcomes: []actions.AgentOutcome{{AgentID: "n", Did: actions.DidFail, Problem: bad}, {AgentID: "m"}}}, "1 of 2 failed"},
		"tags":   {[]string{"registry", "rescan"}, actions.RescanImagesResult{Registries: []actions.RegistryScan{{Registry: "r", Complete: true, Seen: 5, Failed: 2, Skipped: 1}}}, "2 of 5 failed"},
		"list":   {[]string{"registry", "rescan"}, actions.RescanImagesResult{Registries: []actions.RegistryScan{{Registry: "r"}}}, "1 failed"},
	}
	for name, c := range results {
		t.Run(name, func(t *testing.T) {
			w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) { return c.result, nil })
			w.run(c.args...).exits(12).says("wharf: " + c.says)
			o := w.run(append(c.args, "--json")...).exits(12)
			require.NotEmpty(t, o.out, "the result is there")
			require.Empty(t, o.stderr)
		})
	}
	w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return actions.RescanImagesResult{Registries: []actions.RegistryScan{{Registry: "r", Complete: true, Seen: 1, Skipped: 1, Errors: []actions.ScanError{{On: "r/x:?", Problem: *bad}}}}}, nil
	})
	w.run("registry", "rescan").ok().says("r/x:?")
}

const someID = "0199f3a2-6b1c-7d4e-8f00-112233445566"
