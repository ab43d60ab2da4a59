package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/adapters/registry/oci/ocitest"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an installation of its own and somebody at its command line.
type world struct {
	t    *testing.T
	dir  string
	url  string // of the registry cr.test
	host string
	now  time.Time

	env      []string
	stdin    string
	terminal cli.Terminal
	machine  string // the name of this one
	open     func(context.Context, cli.Settings) (cli.Service, error)
	serve    func(context.Context, cli.Settings, cli.ServeOptions) error
	node     func(context.Context, cli.Settings, cli.NodeOptions) error
	nodeKey  func(string) (string, error)
}

// newWorld has an empty catalogue and a running registry without images.
func newWorld(t *testing.T) *world {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	w := &world{
		t: t, dir: t.TempDir(), url: server.URL, host: strings.TrimPrefix(server.URL, "http://"),
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	w.open = w.embedded
	w.serve = func(context.Context, cli.Settings, cli.ServeOptions) error { return nil }
	w.node = func(context.Context, cli.Settings, cli.NodeOptions) error { return nil }
	w.nodeKey = func(string) (string, error) { return "UKEY", nil }
	return w
}

// embedded opens the service as cmd/wharf does, with the world's clock.
func (w *world) embedded(ctx context.Context, s cli.Settings) (cli.Service, error) {
	if s.DataDir == "" {
		s.DataDir = w.dir
	}
	a, err := app.Open(ctx, app.Config{
		DatabaseURL: s.Database, Dir: s.DataDir, Keys: s.Keys, Logger: s.Logger,
		Service: service.Config{References: s.References(), Architecture: s.DefaultArchitecture, Now: func() time.Time { return w.now }},
	})
	if err != nil {
		return nil, err
	}
	return cli.Embedded(a.ImageService, a), nil
}

// push puts one image for some architectures under a tag.
func (w *world) push(repo, tag string, labels map[string]string, architectures ...string) {
	w.t.Helper()
	c := porttest.RegistryContent{Repository: repo, Tags: []string{tag}, Index: len(architectures) > 1}
	for _, a := range architectures {
		c.Images = append(c.Images, porttest.RegistryImage{Architecture: a, Labels: labels, Content: repo + tag + a})
	}
	ocitest.Push(w.t, w.host, c)
}

// outcome is how a command ended.
type outcome struct {
	t           *testing.T
	args        []string
	out, stderr string
	code        int
}

// run runs one command line.
func (w *world) run(args ...string) outcome {
	w.t.Helper()
	return w.runContext(w.t.Context(), args...)
}

func (w *world) runContext(ctx context.Context, args ...string) outcome {
	w.t.Helper()
	var out, diagnostics safeBuffer
	code := cli.Run(ctx, cli.Config{
		Open: w.open, Serve: w.serve, Node: w.node, NodeKey: w.nodeKey, Host: w.machine, Policy: rbac.DefaultPolicy, Version: "test",
		Stdin: strings.NewReader(w.stdin), Stdout: &out, Stderr: &diagnostics, Terminal: w.terminal,
		Env: append([]string{"TERM=xterm"}, w.env...), User: "olga", Now: func() time.Time { return w.now },
	}, args)
	return outcome{w.t, args, out.String(), diagnostics.String(), code}
}

// safeBuffer may be written to by a progress bar's goroutine.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// ok requires success.
func (o outcome) ok() outcome { o.t.Helper(); return o.exits(0) }

// exits requires an exit code.
func (o outcome) exits(code int) outcome {
	o.t.Helper()
	require.Equal(o.t, code, o.code, "wharf %s\n%s%s", strings.Join(o.args, " "), o.out, o.stderr)
	return o
}

// says requires a text on either stream.
func (o outcome) says(text string) outcome {
	o.t.Helper()
	require.Contains(o.t, o.out+o.stderr, text, "wharf %s", strings.Join(o.args, " "))
	return o
}

// silent requires that a text is on neither stream.
func (o outcome) silent(text string) outcome {
	o.t.Helper()
	require.NotContains(o.t, o.out+o.stderr, text, "wharf %s", strings.Join(o.args, " "))
	return o
}

// json decodes standard output.
func (o outcome) json(into any) outcome {
	o.t.Helper()
	require.NoError(o.t, json.Unmarshal([]byte(o.out), into), o.out)
	return o
}

// problem decodes the error on standard error.
func (o outcome) problem() (code, reason string) {
	o.t.Helper()
	var f struct {
		Error struct{ Code, Reason, On, Message string }
	}
	require.NoError(o.t, json.Unmarshal([]byte(o.stderr), &f), o.stderr)
	require.NotEmpty(o.t, f.Error.Message)
	return f.Error.Code, f.Error.Reason
}

// golden compares with a file in testdata, but for what differs from run to run
// or follows from files of other packages.
func (o outcome) golden(name string) outcome {
	o.t.Helper()
	text := o.out
	if o.stderr != "" {
		text += "-- stderr\n" + o.stderr
	}
	for pattern, instead := range map[string]string{
		`[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`: "00000000-0000-7000-8000-000000000000",
		`sha256:[0-9a-f]{64}`: "sha256:…",
		`line [0-9]+: p`:      "line N: p",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, instead)
	}
	golden(o.t, name, text)
	return o
}

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update to write it")
	require.Equal(t, string(want), text, path)
}

// furnished is a world with a scanned registry, an alias and a node.
func furnished(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, tag := range []string{"3.9", "3.10", "3.11"} {
		w.push("lab/python", tag, map[string]string{"ai.backend.role": "COMPUTE", "maintainer": "lab"}, "amd64")
	}
	w.push("lab/torch", "2", nil, "amd64", "arm64")
	w.run("registry", "create", "cr.test", "--url", w.url, "--private-network").ok()
	w.run("registry", "rescan", "--quiet").ok()
	w.run("alias", "create", "py", "cr.test/lab/python:3.11").ok()
	w.run("agent", "register", "node-1", "--kind", "ocilayout", "--address", filepath.Join(w.dir, "node-1"),
		"--scaling-group", "default", "--architecture", "amd64").ok()
	return w
}
