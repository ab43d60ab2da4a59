package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
)

// atHome is somebody with a place for files of settings.
func atHome(t *testing.T) (w *world, contexts string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	return &world{t: t, env: []string{"XDG_CONFIG_HOME=" + dir}}, filepath.Join(dir, "wharf", "contexts.yaml")
}

func TestContexts(t *testing.T) {
	t.Parallel()
	w, path := atHome(t)
	w.run("context", "list").ok().says("there is none")
	w.run("context", "show").exits(5).says("no context is in use")
	w.run("context", "use", "prod").exits(5).says("no such context: prod")
	w.run("context", "remove", "prod").exits(5).says("no such context: prod")

	w.run("context", "add", "prod", "--server", "https://wharf.test/", "--token-file", "token", "--server-ca", "ca.pem").ok()
	w.stdin = "whk_hunter2\n"
	w.run("context", "add", "lab", "--server", "http://10.0.0.7:8080", "--server-insecure", "--token-stdin", "--use").ok().silent("hunter2")

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".contexts-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "token: whk_hunter2\n")

	here, err := os.Getwd()
	require.NoError(t, err)
	got, err := cli.ServerFor(w.env, "--context=prod")
	require.NoError(t, err)
	require.Equal(t, cli.Server{URL: "https://wharf.test/", TokenFile: filepath.Join(here, "token"), CA: filepath.Join(here, "ca.pem")}, got, "wherever it is called")
	got, err = cli.ServerFor(w.env)
	require.NoError(t, err)
	require.Equal(t, cli.Server{URL: "http://10.0.0.7:8080", Token: "whk_hunter2", Insecure: true}, got)

	o := w.run("context", "list").ok().silent("hunter2")
	require.Equal(t, "NAME  IN USE  SERVER                SHOWS\nlab   yes     http://10.0.0.7:8080  a token\nprod  -       https://wharf.test/   a token file\n", o.out)
	var list struct {
		Contexts []struct {
			Name, Server, Token string
			Current             bool
		}
	}
	w.run("context", "list", "--json").ok().silent("hunter2").json(&list)
	require.Len(t, list.Contexts, 2)
	require.True(t, list.Contexts[0].Current)
	require.Equal(t, "***", list.Contexts[0].Token)
	w.run("context", "show").ok().says("lab").says("***").silent("hunter2")
	w.run("context", "show", "prod", "--json").ok().says(`"server":"https://wharf.test/"`)
	w.run("context", "show", "nope").exits(5)

	w.run("context", "use", "prod").ok()
	w.run("context", "use", "prod").ok()
	w.run("context", "show").ok().says("prod")
	require.Equal(t, []string{"lab", "prod"}, w.offers("context", "use", ""))
	require.Equal(t, []string{"prod"}, w.offers("context", "remove", "p"))
	require.Equal(t, []string{"prod"}, w.offers("image", "list", "--context", "p"))
	require.Empty(t, w.offers("context", "use", "prod", ""))
	w.run("context", "use", "--none").ok()
	w.run("context", "show").exits(5)
	got, err = cli.ServerFor(w.env)
	require.NoError(t, err)
	require.Zero(t, got)

	w.run("context", "add", "lab", "--server", "https://other.test").exits(6).says("--replace")
	w.run("context", "add", "lab", "--server", "https://other.test", "--replace", "--use").ok()
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2")
	w.run("context", "remove", "lab").ok().says("it was in use")
	w.run("context", "remove", "lab").exits(5)
	w.run("context", "list").ok().silent("other.test").says("prod")
}

func TestContextsThatAreNotAdded(t *testing.T) {
	t.Parallel()
	w, path := atHome(t)
	w.stdin = "two words\n"
	w.env = append(w.env, "WHARF_SERVER=https://env.test")
	for says, args := range map[string][]string{
		"--server is missing":            {"a"}, // the environment's is no part of it
		"one NAME is due, not 0":         {"--server", "https://x"},
		"one NAME is due, not 2":         {"a", "b", "--server", "https://x"},
		"the name of a context is":       {"../a", "--server", "https://x"},
		"without TLS others can read":    {"a", "--server", "http://x"},
		"come together":                  {"a", "--server", "https://x", "--server-cert", "c"},
		"the token can come from one":    {"a", "--server", "https://x", "--token-stdin", "--token-file", "f"},
		"no terminal to ask":             {"a", "--server", "https://x", "--token-prompt"},
		"characters that none has":       {"a", "--server", "https://x", "--token-stdin"},
		"the URL of a server has no use": {"a", "--server", "https://ada:hunter2@x"},
	} {
		w.run(append([]string{"context", "add"}, args...)...).exits(2).says(says).silent("hunter2").silent("two words")
	}
	w.stdin = "\n"
	w.run("context", "add", "a", "--server", "https://x", "--token-stdin").exits(2).says("the token is empty")
	require.NoFileExists(t, path)
	w.run("context", "use").exits(2)
	w.run("context", "use", "a", "--none").exits(2)
	w.run("context", "list", "x").exits(2)
	w.env = nil
	w.run("context", "list").exits(7).says("set XDG_CONFIG_HOME or HOME")
}

// What two people, or one with two terminals, add at once is all there.
func TestContextsAddedAtOnce(t *testing.T) {
	t.Parallel()
	w, _ := atHome(t)
	var wg sync.WaitGroup
	names := strings.Split("a b c d e f g h", " ")
	for _, name := range names {
		wg.Go(func() { w.run("context", "add", name, "--server", "https://"+name+".test") })
	}
	wg.Wait()
	for _, name := range names {
		w.run("context", "show", name).ok()
	}
}

func TestALinkToTheFileStaysOne(t *testing.T) {
	t.Parallel()
	w, path := atHome(t)
	target := filepath.Join(t.TempDir(), "real.yaml")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(target, nil, 0o600))
	require.NoError(t, os.Symlink(target, path))
	w.run("context", "add", "a", "--server", "https://a.test").ok()
	got, err := os.Readlink(path)
	require.NoError(t, err)
	require.Equal(t, target, got)
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Contains(t, string(text), "https://a.test")
}
