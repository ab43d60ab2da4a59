package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
)

// config writes the files of settings and returns the variable that says where
// they are.
func config(t *testing.T, contexts, settings string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "wharf"), 0o700))
	for name, text := range map[string]string{"contexts.yaml": contexts, "config.yaml": settings} {
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "wharf", name), []byte(text), 0o600))
		}
	}
	return "XDG_CONFIG_HOME=" + dir
}

// Flag over environment over context over file, and a token for its own server
// only.
func TestWhichServer(t *testing.T) {
	t.Parallel()
	const contexts = `
current: used
contexts:
  used: {server: https://used.test, token: used-token, server_ca: used.pem}
  named: {server: https://named.test, token_file: named.token, server_insecure: true}
  bare: {server: https://bare.test}
`
	const unused = "contexts: {named: {server: https://named.test, token_file: named.token, server_insecure: true}}"
	type env = []string
	type args = []string
	for name, c := range map[string]struct {
		contexts, file string
		env            env
		args           args
		want           cli.Server
	}{
		"nothing is set":               {"", "", nil, nil, cli.Server{}},
		"the file names it":            {"", "server: https://file.test\nserver_ca: f.pem", nil, nil, cli.Server{URL: "https://file.test", CA: "f.pem"}},
		"the context over the file":    {contexts, "server: https://file.test\nserver_cert: f.pem", nil, nil, cli.Server{URL: "https://used.test", Token: "used-token", CA: "used.pem"}},
		"a CA of the file, for all":    {contexts, "server_cert: f.pem", nil, nil, cli.Server{URL: "https://used.test", Token: "used-token", CA: "used.pem", Cert: "f.pem"}},
		"the environment over both":    {contexts, "server: https://file.test\nserver_ca: f.pem", env{"WHARF_SERVER=https://env.test"}, nil, cli.Server{URL: "https://env.test"}},
		"a flag over all":              {contexts, "server: https://file.test", env{"WHARF_SERVER=https://env.test", "WHARF_TOKEN=env"}, args{"--server=https://flag.test"}, cli.Server{URL: "https://flag.test"}},
		"its own token goes along":     {"", "", env{"WHARF_SERVER=https://env.test", "WHARF_TOKEN=env"}, nil, cli.Server{URL: "https://env.test", Token: "env"}},
		"a token for whichever it is":  {"", "", env{"WHARF_TOKEN=env"}, args{"--server=https://flag.test"}, cli.Server{URL: "https://flag.test", Token: "env"}},
		"another token in the context": {contexts, "", env{"WHARF_TOKEN=env"}, nil, cli.Server{URL: "https://used.test", Token: "env", CA: "used.pem"}},
		"a token file over a token":    {contexts, "", nil, args{"--token-file=flag"}, cli.Server{URL: "https://used.test", TokenFile: "flag", CA: "used.pem"}},
		"a file by env over a token":   {contexts, "", env{"WHARF_TOKEN_FILE=env"}, nil, cli.Server{URL: "https://used.test", TokenFile: "env", CA: "used.pem"}},
		"another context, by flag":     {contexts, "", env{"WHARF_SERVER=https://env.test", "WHARF_TOKEN=env"}, args{"--context=named"}, cli.Server{URL: "https://named.test", TokenFile: "named.token", Insecure: true}},
		"a token for a bare context":   {contexts, "", env{"WHARF_TOKEN=env"}, args{"--context=bare"}, cli.Server{URL: "https://bare.test", Token: "env"}},
		"the context's own over env":   {contexts, "", env{"WHARF_TOKEN=env"}, args{"--context=named"}, cli.Server{URL: "https://named.test", TokenFile: "named.token", Insecure: true}},
		"another context, by env":      {contexts, "", env{"WHARF_CONTEXT=named"}, nil, cli.Server{URL: "https://named.test", TokenFile: "named.token", Insecure: true}},
		"env names both":               {contexts, "", env{"WHARF_CONTEXT=named", "WHARF_SERVER=https://env.test"}, nil, cli.Server{URL: "https://env.test"}},
		"a context by the file":        {unused, "context: named", nil, nil, cli.Server{URL: "https://named.test", TokenFile: "named.token", Insecure: true}},
		"the one in use over that":     {contexts, "context: named", nil, nil, cli.Server{URL: "https://used.test", Token: "used-token", CA: "used.pem"}},
		"none by flag":                 {contexts, "server: https://file.test", env{"WHARF_SERVER=https://env.test"}, args{"--server="}, cli.Server{}},
		"a context nobody uses":        {unused, "", nil, nil, cli.Server{}},
		"not insecure, by flag":        {contexts, "", nil, args{"--context=named", "--server-insecure=false"}, cli.Server{URL: "https://named.test", TokenFile: "named.token"}},
		"the other files by flags": {"", "", env{"WHARF_SERVER_CERT=c", "WHARF_SERVER_CA=env"}, args{"--server=https://x", "--server-key=k", "--server-ca=flag"},
			cli.Server{URL: "https://x", CA: "flag", Cert: "c", Key: "k"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := cli.ServerFor(append(c.env, config(t, c.contexts, c.file)), c.args...)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestWhatServersRefuse(t *testing.T) {
	t.Parallel()
	const one = "contexts: {a: {server: https://a.test}}"
	for says, c := range map[string]struct {
		contexts string
		args     []string
		code     domain.Code
	}{
		"no such context: b":                  {one, []string{"--context=b"}, domain.CodeNotFound},
		"no such context: c":                  {"", []string{"--context=c"}, domain.CodeNotFound},
		"both name a server":                  {one, []string{"--context=a", "--server=https://x"}, domain.CodeInvalid},
		"--data-dir is for the service":       {one, []string{"--context=a", "--data-dir=x"}, domain.CodeInvalid},
		"--database is for the service":       {one, []string{"--context=a", "--database=sqlite:x"}, domain.CodeInvalid},
		"--as is for the service":             {one, []string{"--context=a", "--as=ada:user"}, domain.CodeInvalid},
		"is no YAML":                          {"contexts: [\n  token: hunter2", []string{"--context=a"}, domain.CodeInvalid},
		"holds something that contexts do":    {"contexts: {a: {sever: hunter2}}", []string{"--context=a"}, domain.CodeInvalid},
		"setting server: a server is a URL":   {"contexts: {a: {server: 'hunter2'}}", []string{"--context=a"}, domain.CodeInvalid},
		"contexts.yaml holds something that ": {"contexts: hunter2", nil, domain.CodeInvalid},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, env: []string{config(t, c.contexts, "")}}
			_, err := cli.ServerFor(w.env, c.args...)
			require.Equal(t, c.code, domain.CodeOf(err))
			require.Contains(t, domain.MessageOf(err), says)
			require.NotZero(t, w.run(append([]string{"image", "list"}, c.args...)...).says(says).silent("hunter2").code)
		})
	}
}

func TestAFileOfContextsIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	env := config(t, "current: a\ncontexts: {a: {server: 'https://a.test', token: hunter2}}", "")
	path := filepath.Join(strings.TrimPrefix(env, "XDG_CONFIG_HOME="), "wharf", "contexts.yaml")
	w := &world{t: t, env: []string{env}}
	for mode, says := range map[os.FileMode]string{0o640: "can be read by others", 0o604: "can be read by others", 0o620: "can be changed by others"} {
		require.NoError(t, os.Chmod(path, mode))
		w.run("image", "list").exits(2).says(says).says("chmod 600").silent("hunter2")
		w.run("context", "list").exits(2).says(says)
		w.run("image", "list", "--server", "http://127.0.0.1:1").exits(9) // it is not asked
		w.run("version").ok()
	}
	require.NoError(t, os.WriteFile(path, []byte("contexts: {a: {server: 'https://a.test'}}"), 0o644))
	require.NoError(t, os.Chmod(path, 0o644))
	w.run("context", "list").ok()
}
