package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// settings runs a command and returns the settings that its service was opened
// with.
func settings(t *testing.T, env []string, args ...string) cli.Settings {
	t.Helper()
	var got cli.Settings
	w := newWorld(t)
	w.env = env
	w.open = func(_ context.Context, s cli.Settings) (cli.Service, error) {
		got = s
		return fake(func(context.Context, service.Entry, actions.Action) (any, error) {
			return actions.ListImagesResult{}, nil
		}), nil
	}
	w.run(append([]string{"image", "list"}, args...)...).ok()
	require.NotNil(t, got.Logger)
	got.Logger = nil
	return got
}

// served is what wharf serve is given.
func served(t *testing.T, env []string, args ...string) (got cli.Settings, o cli.ServeOptions) {
	t.Helper()
	w := newWorld(t)
	w.env = env
	w.serve = func(_ context.Context, s cli.Settings, so cli.ServeOptions) error { got, o = s, so; return nil }
	w.run(append([]string{"serve"}, args...)...).ok()
	return got, o
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// asGiven writes clusters as the setting has them.
func asGiven(list []domain.Cluster) string {
	var texts []string
	for _, c := range list {
		texts = append(texts, strings.TrimRight(c.Name+"="+c.Registry+"/"+domain.JoinPath(c.Org, c.Project), "/"))
	}
	return strings.Join(texts, ",")
}

// Every row of the table: flag over environment over file.
func TestPrecedence(t *testing.T) {
	value := map[string][3]string{ // from file, environment, flag
		"default_registry": {"file.test", "env.test", "flag.test"}, "default_project": {"file", "env", "flag"},
		"default_architecture": {"arm64", "riscv64", "amd64"}, "log_level": {"info", "warn", "debug"},
		"clusters": {"file=a.test", "env=b.test/o/p", "flag=c.test/p,more=d.test"},
		"no_color": {"false", "1", "false"}, "quiet": {"false", "true", "false"},
	}
	field := func(s cli.Settings, key string) string {
		b := map[bool]string{true: "true", false: "false"}
		return map[string]string{
			"database": s.Database, "data_dir": s.DataDir, "keys": s.Keys, "default_registry": s.DefaultRegistry, "default_project": s.DefaultProject,
			"clusters": asGiven(s.Clusters.All), "cluster": s.Clusters.Current, "default_architecture": s.DefaultArchitecture,
			"build_sources": s.BuildSources, "build_agent": s.BuildAgent,
			"log_level": s.LogLevel, "no_color": b[s.NoColor], "quiet": b[s.Quiet],
		}[key]
	}
	for _, row := range cli.SettingsTable() {
		if row.Of != nil || row.OfServer {
			continue // below, and in server_test.go
		}
		v, ok := value[row.Key]
		if !ok {
			v = [3]string{"from-file", "from-env", "from-flag"}
		}
		env := []string{row.Env + "=" + v[1]}
		want := strings.Replace(v[1], "1", "true", 1)
		if row.EnvOnly {
			require.Equal(t, v[1], field(settings(t, env), row.Key))
			continue
		}
		config := "--config=" + file(t, "c.yaml", row.Key+": "+v[0]+"\n")
		flag := "--" + row.Flag + "=" + v[2]
		require.Equal(t, v[0], field(settings(t, nil, config), row.Key), row.Key)
		require.Equal(t, want, field(settings(t, env, config), row.Key), row.Key)
		require.Equal(t, v[2], field(settings(t, env, config, flag), row.Key), row.Key)
		require.Equal(t, v[0], field(settings(t, []string{row.Env + "="}, config), row.Key), "%s: empty is unset", row.Key)
	}
}

// servedKeys is what wharf serve is given for a key.
func servedKeys(s cli.Settings, o cli.ServeOptions) map[string]string {
	n, h, t := s.NATS, o.HTTP, o.Tokens
	return map[string]string{
		"nats_url": n.URL, "nats_seed": n.Seed, "nats_listen": n.Listen, "nats_tls_cert": n.TLSCert, "nats_tls_key": n.TLSKey,
		"nats_tls_ca": n.TLSCA, "nats_insecure": strconv.FormatBool(n.Insecure),
		"keep_tasks": o.KeepTasks.String(), "keep_audit": o.KeepAudit.String(), "keep_keys": o.KeepKeys.String(),
		"listen": h.Listen, "tls_cert": h.TLSCert, "tls_key": h.TLSKey, "client_ca": h.ClientCA, "behind_proxy": strconv.FormatBool(h.BehindProxy),
		"max_body": strconv.FormatInt(h.MaxBody, 10), "max_requests": strconv.Itoa(h.MaxRequests),
		"oidc_issuer": t.Issuer, "oidc_audience": t.Audience, "oidc_keys_url": t.KeysURL, "oidc_superadmin": strconv.FormatBool(t.Superadmin),
		"claim_user": t.User, "claim_role": t.Role, "claim_domain": t.Domain, "claim_projects": t.Projects, "role_map": fmt.Sprint(t.Roles),
		"hide_schema": strconv.FormatBool(o.HideSchema), "otlp_endpoint": o.Traces,
	}
}

// The rows of some commands only: the same order, and no flag elsewhere.
func TestPrecedenceOfServe(t *testing.T) {
	switches := [2][3]string{{"false", "true", "false"}, {"false", "true", "false"}}
	values := map[string][2][3]string{ // as given, as understood
		"keep_tasks": {{"12h", "forever", "30d"}, {"12h0m0s", "-1ns", "720h0m0s"}}, "nats_insecure": switches, "behind_proxy": switches,
		"oidc_superadmin": switches, "hide_schema": switches, "max_body": {{"1m", "2k", "3"}, {"1048576", "2048", "3"}},
		"max_requests": {{"1", "2", "3"}, {"1", "2", "3"}},
		"role_map":     {{"a=b", "a=c, d=e", "x=y=z"}, {"map[a:b]", "map[a:c d:e]", "map[x:y=z]"}},
	}
	values["keep_audit"], values["keep_keys"] = values["keep_tasks"], values["keep_tasks"]
	for _, row := range cli.SettingsTable() {
		if row.Of == nil {
			continue
		}
		require.Contains(t, row.Of, "wharf serve")
		w := newWorld(t)
		w.run("image", "list", "--"+row.Flag+"=x").exits(2).says("unknown flag")
		v, ok := values[row.Key]
		if !ok {
			v = [2][3]string{{"from-file", "from-env", "from-flag"}, {"from-file", "from-env", "from-flag"}}
		}
		get := func(env []string, args ...string) string {
			more := map[string][]string{ // what goes with the row
				"nats_seed": {"--nats-url=tls://x"}, "oidc_issuer": {"--oidc-audience=a"}, "oidc_audience": {"--oidc-issuer=i"},
				"oidc_keys_url": {"--oidc-issuer=i", "--oidc-audience=a"},
			}
			s, o := served(t, env, append(args, more[row.Key]...)...)
			got, known := servedKeys(s, o)[row.Key]
			require.True(t, known, row.Key)
			return got
		}
		env := []string{row.Env + "=" + v[0][1]}
		config := "--config=" + file(t, "c.yaml", row.Key+": "+v[0][0]+"\n")
		require.Equal(t, v[1][0], get(nil, config), row.Key)
		require.Equal(t, v[1][1], get(env, config), row.Key)
		require.Equal(t, v[1][2], get(env, config, "--"+row.Flag+"="+v[0][2]), row.Key)
	}
	require.Equal(t, "tls://x", settings(t, []string{"WHARF_NATS_URL=tls://x"}).NATS.URL, "whoever reaches nodes may need it")
}

// A variable of others counts when ours is not set.
func TestTheCollectorsOwnVariable(t *testing.T) {
	theirs := "OTEL_EXPORTER_OTLP_ENDPOINT=http://theirs:4318"
	_, o := served(t, []string{theirs}, "--config", file(t, "c.yaml", "otlp_endpoint: http://file:4318\n"))
	require.Equal(t, "http://theirs:4318", o.Traces)
	_, o = served(t, []string{theirs, "WHARF_OTLP_ENDPOINT=http://ours:4318"})
	require.Equal(t, "http://ours:4318", o.Traces)
}

func TestWhereTheFileIs(t *testing.T) {
	path := file(t, "wharf/config.yaml", "default_registry: cr.test\n")
	dir := filepath.Dir(filepath.Dir(path))
	require.Equal(t, "cr.test", settings(t, []string{"XDG_CONFIG_HOME=" + dir}).DefaultRegistry)
	require.Equal(t, "cr.test", settings(t, []string{"WHARF_CONFIG=" + path, "HOME=/nowhere"}).DefaultRegistry)
	home := filepath.Dir(filepath.Dir(filepath.Dir(file(t, ".config/wharf/config.yaml", "default_registry: home.test\n"))))
	require.Equal(t, "home.test", settings(t, []string{"HOME=" + home}).DefaultRegistry)
	require.Empty(t, settings(t, []string{"HOME=/nowhere"}).DefaultRegistry)
	require.Empty(t, settings(t, nil).DefaultRegistry)
	require.Empty(t, settings(t, nil, "--config", file(t, "empty.yaml", "")).DefaultRegistry)
}

func TestBadSettings(t *testing.T) {
	w := newWorld(t)
	bad := func(want string, env []string, args ...string) {
		t.Helper()
		w.env = env
		code, _ := w.run(append([]string{"image", "list", "--json"}, args...)...).exits(2).problem()
		require.Equal(t, "invalid", code)
		w.run(append([]string{"image", "list"}, args...)...).exits(2).says(want)
	}
	bad(`there is no setting "databse"`, nil, "--config", file(t, "c.yaml", "databse: x\n"))
	bad(`there is no setting "database.url"`, nil, "--config", file(t, "c.yaml", "database:\n  url: x\n"))
	bad("keys is taken from the environment only (WHARF_KEYS)", nil, "--config", file(t, "c.yaml", "keys: x\n"))
	bad("setting data_dir: not a plain value", nil, "--config", file(t, "c.yaml", "data_dir: [a, b]\n"))
	bad("cannot be read", nil, "--config", file(t, "c.yaml", "a: [\n"))
	bad("there is no file /nowhere/c.yaml", nil, "--config", "/nowhere/c.yaml")
	bad("there is no file /nowhere/c.yaml", []string{"WHARF_CONFIG=/nowhere/c.yaml"})
	bad("setting quiet: true or false", []string{"WHARF_QUIET=maybe"})
	bad("a log level is debug, info, warn or error", []string{"WHARF_LOG_LEVEL=loud"})
	bad("setting keep_tasks: a time such as 12h or 30d, or forever", []string{"WHARF_KEEP_TASKS=soon"})
	bad("setting keep_audit:", nil, "--config", file(t, "c.yaml", "keep_audit: 0h\n"))
	bad("setting nats_insecure: true or false", []string{"WHARF_NATS_INSECURE=maybe"})
	bad("setting max_body:", []string{"WHARF_MAX_BODY=0"})
	bad("setting max_requests: a number from 1 on", []string{"WHARF_MAX_REQUESTS=-1"})
	bad("setting role_map: a pair is KEY=VALUE", []string{"WHARF_ROLE_MAP=a=b,c"})
	bad("setting server: a server is a URL such as", nil, "--server", "wharf.example.org")
	bad("setting server: the URL of a server has no user", nil, "--server", "https://ada:pw@x")
	bad("setting server: the URL of a server ends with its path", nil, "--server", "https://x/?a=b")
	bad("setting server_insecure: true or false", []string{"WHARF_SERVER_INSECURE=perhaps"})
	bad("token is taken from the environment only (WHARF_TOKEN)", nil, "--config", file(t, "c.yaml", "token: x\n"))
	bad("setting default_registry:", nil, "--default-registry", "no host")
	bad("setting default_architecture:", nil, "--default-architecture", "x y")
	bad("setting default_project:", nil, "--default-project", "A B")
	bad("setting clusters: a cluster is NAME=REGISTRY[/ORG/PROJECT]", nil, "--clusters", "lab")
	bad("setting clusters: engines do not take", []string{"WHARF_CLUSTERS=a=cr.test,b=registry"})
	w.open = w.embedded
	bad("there are two clusters", nil, "--clusters", "a=cr.test", "--clusters", "a=b.test")
	bad(`there is no cluster "b"`, []string{"WHARF_CLUSTERS=a=cr.test", "WHARF_CLUSTER=b"})
}

func TestSettingsWork(t *testing.T) {
	w := furnished(t)
	w.env = []string{"WHARF_DEFAULT_REGISTRY=cr.test", "WHARF_DEFAULT_ARCHITECTURE=arm64"}
	w.run("image", "get", "lab/torch:2").ok().says("aarch64")
	w.run("reference", "parse", "lab/torch:2").ok().says("cr.test/lab/torch:2")
	clusters := []string{"--clusters", "far=far.test", "--clusters", "near=cr.test/lab, other=other.test", "--cluster", "near"}
	w.run(append(clusters, "image", "get", "image:torch:2", "--arch", "arm64")...).ok().says("aarch64")
	for _, verb := range []string{"untag", "purge"} { // which take ids: the command line finds them
		w.run(append(clusters, "image", verb, "image:/lab/torch:2", "--arch", "arm64", "--dry-run", "--force")...).ok()
	}
	w.run(append(clusters, "image", "get", "image://far/lab/torch:2")...).exits(5).says("no such image")
	w.run(append(clusters, "image", "get", "image://nowhere/lab/torch:2")...).exits(2).says("there is no cluster")
	w.run("image", "list", "--data-dir", t.TempDir()).ok().says("nothing found")
	w.run("image", "list", "--database", "mysql://x").exits(2).says("postgres://… or sqlite:PATH")
	w.run("image", "list", "--database", "sqlite:"+w.dir+"/wharf.db", "--data-dir", t.TempDir()).ok().says("cr.test/lab/torch:2")
	w.run("image", "forget", "lab/torch:2", "--arch", "arm64", "--log-level", "info").ok().says("level=INFO msg=action action=image.forget actor=olga")
	require.Empty(t, w.run("image", "list").ok().stderr)
	for _, row := range cli.SettingsTable() {
		w.run("help", "settings").ok().says("$" + row.Env)
	}
}
