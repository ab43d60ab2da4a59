package integration_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/registry/oci/ocitest"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/adapters/web"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// commandLine is one installation with a server of its own and somebody who can
// do without it.
type commandLine struct {
	t   *testing.T
	dir string
	url string // of the server
	now time.Time
}

// newCommandLine has two images, an alias, a node, and a caller whom the server
// takes for the one that the embedded service sees.
func newCommandLine(t *testing.T) *commandLine {
	t.Helper()
	dir := t.TempDir()
	a, err := app.Open(t.Context(), app.Config{Dir: dir})
	require.NoError(t, err)
	api, err := rest.New(a.ImageService, rest.Options{})
	require.NoError(t, err)
	server, err := web.Listen(t.Context(), web.Config{
		Listen: "127.0.0.1:0", Handler: api,
		Authenticate: web.Bearer("whk_", nil, func(_ context.Context, token string) (domain.Actor, error) {
			if token != "olgas" {
				return domain.Actor{}, domain.Errorf(domain.CodeUnauthenticated, "token_invalid", "", "the token is not valid here")
			}
			return domain.Actor{ID: "olga", Role: domain.RoleSuperadmin}, nil
		}),
	})
	require.NoError(t, err)
	url := server.URL()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, a.Close())
	})

	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	for _, tag := range []string{"3.10", "3.11"} {
		ocitest.Push(t, strings.TrimPrefix(images.URL, "http://"), porttest.RegistryContent{
			Repository: "lab/python", Tags: []string{tag},
			Images: []porttest.RegistryImage{{Architecture: "amd64", Labels: map[string]string{"team": "<vision> & é"}, Content: tag}},
		})
	}
	c := &commandLine{t, dir, url, time.Now().Add(time.Hour)}
	for _, args := range [][]string{
		{"registry", "create", "cr.test", "--url", images.URL, "--private-network"},
		{"registry", "rescan"},
		{"alias", "create", "py", "cr.test/lab/python:3.11"},
		{"agent", "register", "node-1", "--kind", "ocilayout", "--address", filepath.Join(dir, "node-1"), "--scaling-group", "default", "--architecture", "amd64"},
	} {
		_, diagnostics, code := c.run(nil, append(args, "--quiet")...)
		require.Zero(t, code, "%s", diagnostics)
	}
	return c
}

func (c *commandLine) run(env []string, args ...string) (out, diagnostics string, code int) {
	c.t.Helper()
	var o, d bytes.Buffer
	code = cli.Run(c.t.Context(), cli.Config{
		Open: func(ctx context.Context, s cli.Settings) (cli.Service, error) {
			a, err := app.Open(ctx, app.Config{Dir: c.dir, Logger: s.Logger})
			if err != nil {
				return nil, err
			}
			return cli.Embedded(a.ImageService, a), nil
		},
		Stdout: &o, Stderr: &d, Env: env, User: "olga", Version: "test", Now: func() time.Time { return c.now },
	}, args)
	return o.String(), d.String(), code
}

func (c *commandLine) remote(token string) []string {
	return []string{"WHARF_SERVER=" + c.url, "WHARF_TOKEN=" + token}
}

// Whoever talks to a server sees what they would see without one, to the byte.
func TestCommandsSayTheSameAtAServer(t *testing.T) {
	c := newCommandLine(t)
	const nobody = "0199f3a2-6b1c-7d4e-8f00-112233445566"
	for _, line := range []struct {
		args string
		code int
		undo string // so that the second way finds what the first one found
	}{
		{"image list", 0, ""},
		{"image list --all --limit 1 --json --count", 0, ""},
		{"image list --where name~python_and_size_bytes>0 --sort name --desc", 0, ""},
		{"image list --where name=nothing", 0, ""},
		{"image get py", 0, ""},
		{"image get py --json", 0, ""},
		{"image get lab/nothing:1", 5, ""},
		{"image get lab/nothing:1 --json", 5, ""},
		{"image forget py --dry-run", 0, ""},
		{"image purge py --dry-run --json", 0, ""},
		{"image forget-many py " + nobody, 12, "image restore py"}, // the image is forgotten from here
		{"image restore py", 0, "image forget py"},
		{"image modify py --labels team=vision", 0, ""},
		{"image set-limit py mem --min 1g --max 16g", 0, ""},
		{"image set-limit py mem --min 2g --max 1g", 2, ""},
		{"image installed-agents py", 0, ""},
		{"alias create py2 cr.test/lab/python:3.11", 0, "alias delete py2 --yes"},
		{"alias create py cr.test/lab/python:3.11", 6, ""},
		{"alias delete py --dry-run", 0, ""},
		{"alias search --json", 0, ""},
		{"registry list", 0, ""},
		{"registry rescan", 0, ""},
		{"registry create cr.test", 6, ""},
		{"registry delete cr.test --yes", 7, ""},
		{"agent list --json", 0, ""},
		{"agent preload-images py --target-agents *", 0, "agent unload-images py --target-agents * --yes"},
		{"agent unload-images py --target-agents * --dry-run", 0, ""},
		{"agent preload-images py --target-agents nobody", 5, ""},
		{"task list", 0, ""},
		{"task watch " + nobody, 5, ""},
		{"task cancel " + nobody + " --json", 5, ""},
		{"scaling-group allow gpu lab", 0, "scaling-group disallow gpu lab"},
		{"scaling-group list", 0, ""},
		{"policy explain image.forget --for ada:user:lab --json", 0, ""},
		{"policy explain image.nothing", 2, ""},
		{"audit search --where action=image.nothing", 0, ""},
	} {
		t.Run(line.args, func(t *testing.T) {
			args := strings.Fields(line.args + " --quiet")
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "_and_", " and ")
			}
			out, diagnostics, code := c.run(nil, args...)
			require.Equal(t, line.code, code, "%s%s", out, diagnostics)
			if line.undo != "" {
				_, problem, code := c.run(nil, strings.Fields(line.undo+" --quiet")...)
				require.Zero(t, code, problem)
			}
			gotOut, gotDiagnostics, gotCode := c.run(c.remote("olgas"), args...)
			require.Equal(t, out, gotOut)
			require.Equal(t, diagnostics, gotDiagnostics)
			require.Equal(t, code, gotCode)
		})
	}
}

// A password that is given at the command line of one machine opens a registry
// at the other.
func TestAPasswordArrivesAtTheServer(t *testing.T) {
	c := newCommandLine(t)
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ada" || password != "correct-horse" {
			w.Header().Set("WWW-Authenticate", `Basic realm="locked"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(locked.Close)
	rescan := []string{"registry", "rescan", "locked.test", "--quiet"}
	for password, want := range map[string]int{"correct-horse": 0, "hunter2": 12} {
		env := append(c.remote("olgas"), "WHARF_REGISTRY_PASSWORD="+password, "WHARF_LOG_LEVEL=debug")
		out, diagnostics, code := c.run(env, "registry", "create", "locked.test", "--url", locked.URL, "--private-network", "--username", "ada")
		require.Zero(t, code, diagnostics)
		require.NotContains(t, out+diagnostics, password)
		out, diagnostics, code = c.run(c.remote("olgas"), rescan...)
		require.Equal(t, want, code, "%s%s", out, diagnostics)
		_, diagnostics, code = c.run(env, "registry", "delete", "locked.test", "--yes")
		require.Zero(t, code, diagnostics)
	}
}

func TestTheServerSaysWhoCalls(t *testing.T) {
	c := newCommandLine(t)
	_, diagnostics, code := c.run(c.remote("somebodys"), "registry", "list")
	require.Equal(t, 3, code)
	require.Equal(t, "wharf: unauthenticated: the token is not valid here\n", diagnostics)
	_, diagnostics, code = c.run([]string{"WHARF_SERVER=" + c.url}, "registry", "list")
	require.Equal(t, 3, code, diagnostics)
	out, diagnostics, code := c.run(c.remote("olgas"), "__completeNoDesc", "image", "get", "p")
	require.Zero(t, code, diagnostics)
	require.Equal(t, "py\n:4\n", out)
}
