package cli_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
)

func TestServe(t *testing.T) {
	w := newWorld(t)
	w.serve = func(_ context.Context, s cli.Settings, o cli.ServeOptions) error {
		s.Logger.Info("begun")
		s.Logger.Debug("detail")
		var wg sync.WaitGroup
		for range 2 { // whoever is ready first
			wg.Go(func() { o.Ready("ready, nodes dial in at tls://x:4222\x1b[31m") })
		}
		wg.Wait()
		return nil
	}
	o := w.run("serve").ok()
	line := `ready, nodes dial in at tls://x:4222\x1b[31m` + "\n"
	require.Equal(t, line+line, o.out)
	require.Contains(t, o.stderr, "level=INFO msg=begun")
	require.NotContains(t, o.stderr, "detail")
	require.NotContains(t, w.run("serve", "--log-level", "warn").ok().stderr, "begun")
	require.Contains(t, w.run("serve", "--log-level", "debug").ok().stderr, "detail")
	require.Contains(t, w.run("serve", "--json").ok().out, `{"ready":"ready, nodes dial in at tls://x:4222\u001b[31m"}`+"\n")
	w.run("serve", "extra").exits(2).says("no argument is due")
	w.run("serve", "--nats-listen", "x:1", "--nats-url", "tls://x").exits(2).says("set one of them")
	w.run("serve", "--nats-seed", "x").exits(2).says("nats_url, which is not set")
	w.run("serve", "--oidc-issuer", "https://x").exits(2).says("oidc_issuer needs oidc_audience")
	w.run("serve", "--oidc-audience", "x").exits(2).says("oidc_issuer, which is not set")
	w.run("serve", "--keep-tasks", "forever and a day").exits(2).says("setting keep_tasks: a time such as 12h or 30d, or forever")
}

// To be called off is how it ends; everything else is an error.
func TestHowServiceEnds(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		cancel bool
		code   int
	}{
		"called off, silently":    {nil, true, 0},
		"called off, and says so": {context.Canceled, true, 0},
		"called off, as coded":    {domain.Wrap("work", context.Canceled), true, 0},
		"something else is wrong": {&domain.Error{Code: domain.CodeUnavailable, Message: "the broker does not answer", Err: errors.New("dial refused")}, true, 9},
		"nobody called it off":    {context.Canceled, false, 10},
		"it cannot begin":         {domain.Invalid("config", "listen", "no such address"), false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var cancel context.CancelFunc
			end := func(ctx context.Context) error {
				if c.cancel {
					cancel()
					<-ctx.Done()
				}
				return c.err
			}
			w.serve = func(ctx context.Context, _ cli.Settings, _ cli.ServeOptions) error { return end(ctx) }
			w.node = func(ctx context.Context, _ cli.Settings, _ cli.NodeOptions) error { return end(ctx) }
			for _, args := range [][]string{{"serve"}, {"agent", "run", "--id", "n", "--nats-url", "tls://x", "--layout", "d", "--seed", "s"}} {
				var ctx context.Context
				ctx, cancel = context.WithCancel(t.Context())
				o := w.runContext(ctx, args...).exits(c.code)
				cancel()
				if c.code == 9 {
					o.says("cause: dial refused")
				}
			}
		})
	}
}

func TestExamplesOfRunnersAreValid(t *testing.T) {
	w := newWorld(t)
	w.machine, w.env = "node-7", []string{"HOME=/home/olga"}
	for _, words := range [][]string{{"serve"}, {"agent", "run"}, {"agent", "key"}} {
		cmd, _, err := cli.Commands().Find(words)
		require.NoError(t, err)
		own := 0
		for line := range strings.Lines(cmd.Example) {
			if args, ok := strings.CutPrefix(strings.TrimSpace(line), "wharf "+strings.Join(words, " ")); ok {
				own++
				w.run(append(words, shellWords(args)...)...).ok()
			}
		}
		require.NotZero(t, own)
	}
}

func TestWithoutRunners(t *testing.T) {
	w := newWorld(t)
	w.serve, w.node, w.nodeKey = nil, nil, nil
	w.run("serve").exits(2).says("there is no command wharf serve")
	w.run("agent", "run").exits(2)
	w.run("agent", "key").exits(2)
	w.run("--help").ok().silent("background work")
	w.run("agent", "--help").ok().silent("public key")
}

// node runs wharf agent run and returns what it was given.
func node(t *testing.T, w *world, args ...string) (got cli.NodeOptions, o outcome) {
	t.Helper()
	w.node = func(_ context.Context, _ cli.Settings, n cli.NodeOptions) error {
		require.NotNil(t, n.Ready)
		n.Ready("here")
		got, got.Ready = n, nil
		return nil
	}
	return got, w.run(append([]string{"agent", "run"}, args...)...)
}

func TestAgentRun(t *testing.T) {
	w := newWorld(t)
	w.machine, w.env = "node-7", []string{"HOME=/home/olga"}
	usual := cli.NodeOptions{
		ID: "node-7", URL: "tls://x:4222,tls://y:4222", Seed: "/home/olga/.local/share/wharf/agent.nkey",
		Docker: "unix:///var/run/docker.sock", Pulls: 4, Heartbeat: 10 * time.Second,
	}
	url := []string{"--nats-url", usual.URL}
	for name, c := range map[string]struct {
		args   []string
		change func(*cli.NodeOptions)
	}{
		"as it comes":            {[]string{"--docker"}, func(*cli.NodeOptions) {}},
		"an engine, by =":        {[]string{"--docker=tcp://e:2375"}, func(o *cli.NodeOptions) { o.Docker = "tcp://e:2375" }},
		"an engine, by a space":  {[]string{"--docker", "tcp://e:2375"}, func(o *cli.NodeOptions) { o.Docker = "tcp://e:2375" }},
		"a layout":               {[]string{"--layout", "/srv/images"}, func(o *cli.NodeOptions) { o.Docker, o.Layout = "", "/srv/images" }},
		"another name":           {[]string{"--docker", "--id", "n1.example.org"}, func(o *cli.NodeOptions) { o.ID = "n1.example.org" }},
		"another seed":           {[]string{"--docker", "--seed", "/etc/wharf/seed"}, func(o *cli.NodeOptions) { o.Seed = "/etc/wharf/seed" }},
		"another data directory": {[]string{"--docker", "--data-dir", "/srv/wharf"}, func(o *cli.NodeOptions) { o.Seed = "/srv/wharf/agent.nkey" }},
		"certificates": {[]string{"--docker", "--tls-ca", "ca", "--tls-cert", "c", "--tls-key", "k"},
			func(o *cli.NodeOptions) { o.TLSCA, o.TLSCert, o.TLSKey = "ca", "c", "k" }},
		"no certificates": {[]string{"--docker", "--nats-insecure"}, func(o *cli.NodeOptions) { o.Insecure = true }},
		"other numbers":   {[]string{"--docker", "--pulls", "1", "--heartbeat", "1m"}, func(o *cli.NodeOptions) { o.Pulls, o.Heartbeat = 1, time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			want := usual
			c.change(&want)
			got, o := node(t, w, append(c.args, url...)...)
			require.Equal(t, "here\n", o.ok().out)
			require.Equal(t, want, got)
		})
	}
	w.env = []string{"XDG_DATA_HOME=/data", "WHARF_NATS_URL=tls://env"}
	got, o := node(t, w, "--docker")
	o.ok()
	require.Equal(t, []string{"tls://env", "/data/wharf/agent.nkey"}, []string{got.URL, got.Seed})
}

func TestAgentRunNeeds(t *testing.T) {
	all := []string{"--nats-url", "tls://x", "--docker", "--id", "n", "--seed", "s"}
	for says, args := range map[string][]string{
		"--nats-url is missing":             {"--docker", "--id", "n", "--seed", "s"},
		"the images are in one place":       {"--nats-url", "tls://x", "--id", "n", "--seed", "s"},
		"--docker [ENDPOINT] or --layout":   append(all, "--layout", "d"),
		"no argument is due":                append(all, "a", "b"),
		"--id is needed":                    {"--nats-url", "tls://x", "--docker", "--seed", "s"},
		"--seed is missing":                 {"--nats-url", "tls://x", "--docker", "--id", "n"},
		"--pulls is 1 at least":             append(all, "--pulls", "0"),
		"--heartbeat more than nothing":     append(all, "--heartbeat", "-1s"),
		"invalid argument \"x\" for":        append(all, "--pulls", "x"),
		"unknown flag: --nats-listen":       append(all, "--nats-listen", "x:1"),
		"unknown flag: --nats-tls-cert":     append(all, "--nats-tls-cert", "x"),
		"see wharf agent run --help":        {},
		"there is no command wharf agent x": nil,
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			if args == nil {
				w.run("agent", "x").exits(2).says(says)
				return
			}
			_, o := node(t, w, args...)
			o.exits(2).says(says)
		})
	}
}

func TestAgentKey(t *testing.T) {
	w := newWorld(t)
	w.env = []string{"HOME=/home/olga"}
	var asked string
	w.nodeKey = func(file string) (string, error) { asked = file; return "UKEY", nil }
	o := w.run("agent", "key").ok()
	require.Equal(t, "UKEY\n", o.out, "to be put into a command line")
	require.Empty(t, o.stderr)
	require.Equal(t, "/home/olga/.local/share/wharf/agent.nkey", asked)
	var key struct {
		PublicKey string `json:"public_key"`
		SeedFile  string `json:"seed_file"`
	}
	seed := filepath.Join(t.TempDir(), "seed")
	w.run("agent", "key", "--seed", seed, "--json").ok().json(&key)
	require.Equal(t, "UKEY", key.PublicKey)
	require.Equal(t, seed, key.SeedFile)
	require.Equal(t, seed, asked)
	w.run("agent", "key", "x").exits(2)
	w.env = nil
	w.run("agent", "key").exits(2).says("--seed is missing")
	w.nodeKey = func(string) (string, error) {
		return "", &domain.Error{Code: domain.CodeUnavailable, Message: "the key file cannot be made", Err: errors.New("read-only file system")}
	}
	w.run("agent", "key", "--seed", seed).exits(9).says("cause: read-only file system")
}
