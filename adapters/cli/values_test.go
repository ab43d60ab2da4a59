package cli_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Flags and arguments as the actions that they make.
func TestActionsOfCommandLines(t *testing.T) {
	for _, c := range []struct {
		action string
		args   []string
		want   string
	}{
		{"image.get", []string{"py", "--arch", "arm64", "--statuses", "alive,missing", "--status", "forgotten"}, `{"reference":"py","architecture":"arm64","statuses":["alive","missing","forgotten"]}`},
		{"image.list", []string{}, `{}`},
		{"image.list", []string{"--is-installed", "--is_operation=false", "--group", "", "--limit", "7", "--desc"}, `{"is_installed":true,"is_operation":false,"group":"","limit":7,"desc":true}`},
		{"image.list", []string{"--where", "name=a", "--where", "tag=b"}, `{"where":{"and":[{"field":"name","op":"eq","value":"a"},{"field":"tag","op":"eq","value":"b"}]}}`},
		{"image.forget_many", []string{"a", "b,c"}, `{"image_ids":["a","b","c"]}`},
		{"image.use", []string{"py", "--at", "1h"}, `{"reference":"py","at":"2001-09-09T00:46:40Z"}`},
		{"image.set_limit", []string{"py", "mem", "--max", "4g"}, `{"reference":"py","slot":"mem","max":"4g"}`},
		{"image.modify", []string{"py", "--tag", "3.12", "--new-architecture", "arm64", "--is-local", "--size-bytes", "1.5k"}, `{"target":"py","modifier":{"tag":"3.12","architecture":"arm64","is_local":true,"size_bytes":1536}}`},
		{"image.modify", []string{"py", "--labels", "a=b,c", "--label", "d=e=f", "--supported-accelerators", "cuda,rocm"}, `{"target":"py","modifier":{"labels":{"a":"b,c","d":"e=f"},"supported_accelerators":["cuda","rocm"]}}`},
		{"image.modify", []string{"py", "--clear-labels", "--supported-accelerators", "", "--digest="}, `{"target":"py","modifier":{"digest":null,"labels":null,"supported_accelerators":null}}`},
		{"image.modify", []string{"py", "--resource-limits", "cpu=1:4,mem=:8g", "--resource-limits", "cuda.device:1g.5gb-mig=2"}, `{"target":"py","modifier":{"resource_limits":{"cpu":{"min":"1","max":"4"},"cuda.device:1g.5gb-mig":{"min":"2"},"mem":{"max":"8g"}}}}`},
		{"registry.create", []string{"cr.test", "--is-global=false", "--token-realms", "a,b", "--tls-skip-verify"}, `{"name":"cr.test","is_global":false,"tls_skip_verify":true,"token_realms":["a","b"]}`},
		{"registry.modify", []string{someID, "--is-global=false", "--clear-username", "--clear-password", "--url", ""}, `{"registry_id":"` + someID + `","url":null,"username":null,"password":null,"is_global":false}`},
		{"registry.rescan", []string{}, `{}`},
		{"registry.rescan", []string{"cr.test", "--project", "x"}, `{"registry":"cr.test","project":"x"}`},
		{"agent.register", []string{"n", "--kind", "ocilayout", "--address", "/x", "--scaling-group", "g"}, `{"agent_id":"n","kind":"ocilayout","address":"/x","scaling_group":"g"}`},
		{"agent.modify", []string{"n", "--status", "offline"}, `{"agent_id":"n","status":"offline"}`},
		{"agent.preload_images", []string{"a", "b", "--agents", "n,m"}, `{"images":[{"name":"a"},{"name":"b"}],"target_agents":"n,m"}`},
		{"agent.preload_images", []string{"a", "--agents", "*,!n", "--defer-until", "in 1h", "--background"}, `{"images":[{"name":"a"}],"target_agents":"*,!n","defer_until":"2001-09-09T02:46:40Z","background":true}`},
		{"task.list", []string{"--where", "state in (queued, running) and kind=registry.rescan"}, `{"where":{"and":[{"field":"state","op":"in","values":["queued","running"]},{"field":"kind","op":"eq","value":"registry.rescan"}]}}`},
		{"task.watch", []string{someID, "--after-event", "12", "--wait_ms", "5"}, `{"task_id":"` + someID + `","after_event":12,"wait_ms":5}`},
		{"agent.purge_images", []string{"a", "--agents", "n,m", "--arch", "arm64", "--noprune"}, `{"keys":[{"agent_id":"n","images":[{"name":"a","architecture":"arm64"}]},{"agent_id":"m","images":[{"name":"a","architecture":"arm64"}]}],"noprune":true}`},
		{"scaling_group.allow", []string{"g", "d", "--project", "p"}, `{"scaling_group":"g","domain":"d","project":"p"}`},
		{"access.explain", []string{"image.get", "--actor", "ada:user:lab:x,y"}, `{"permission":"image.get","actor":{"id":"ada","role":"user","domain":"lab","projects":["x","y"]}}`},
	} {
		a, err := cli.BuildAction(c.action, c.args)
		require.NoError(t, err, "%s %q", c.action, c.args)
		b, err := json.Marshal(a)
		require.NoError(t, err)
		require.JSONEq(t, c.want, string(b), "%s %q", c.action, c.args)
	}
}

func TestBadValues(t *testing.T) {
	for _, c := range []struct {
		action string
		args   []string
		want   string
	}{
		{"image.list", []string{"--limit", "x"}, `--limit: a number, not "x"`},
		{"image.list", []string{"--is-installed=perhaps"}, "--is-installed: true or false"},
		{"image.list", []string{"--where", "nme=x"}, "--where: character 1: cannot filter by"},
		{"image.use", []string{"py", "--at", "soon"}, "--at: a time is"},
		{"image.modify", []string{"py", "--labels", "novalue"}, "--labels: a pair is KEY=VALUE"},
		{"image.modify", []string{"py", "--labels", "a=b", "--clear-labels"}, "contradict each other"},
		{"image.modify", []string{"py", "--resource-limits", "cpu"}, "--resource-limits: a limit is SLOT=MIN"},
		{"image.modify", []string{"py", "--resource-limits", "cpu=1,cpu=2"}, `slot "cpu" is given twice`},
		{"image.modify", []string{"py", "--size-bytes", "big"}, "--size-bytes:"},
		{"access.explain", []string{"image.get", "--actor", "ada"}, "--actor: an actor is USER:ROLE"},
		{"agent.report", []string{"n", "--inventory", "/nowhere.json"}, "/nowhere.json cannot be read: no such file"},
		{"image.get", []string{"py", "--action-json", "/nowhere.json"}, "/nowhere.json cannot be read"},
	} {
		_, err := cli.BuildAction(c.action, c.args)
		require.ErrorIs(t, err, domain.ErrInvalid, "%s %q", c.action, c.args)
		require.Contains(t, domain.MessageOf(err), c.want)
	}
}

func TestActionJSON(t *testing.T) {
	w := furnished(t)
	w.stdin = `{"reference":"py","dry_run":true}`
	w.run("image", "forget", "--action-json", "-").ok().says("would forget")
	w.run("image", "forget", "cr.test/lab/python:3.9", "--action-json", "-").ok().says("would forget cr.test/lab/python:3.9")
	w.run("image", "forget", "--action-json", "-", "--dry-run=false").ok().says("forgotten cr.test/lab/python:3.11")
	w.stdin = `{"refs":"py"}`
	w.run("image", "forget", "--action-json", "-").exits(2).says(`unknown field "refs"`)
	w.stdin = `{"reference":"py"} {}`
	w.run("image", "forget", "--action-json", "-").exits(2).says("something follows")
	w.stdin = ""
	w.run("image", "forget", "--action-json", "-").exits(2)
	keys := file(t, "keys.json", `{"keys":[{"agent_id":"node-1","images":[{"name":"py","architecture":"amd64"}]}]}`)
	w.run("agent", "purge-images", "--action-json", keys, "--dry-run", "--quiet").exits(12).says("node-1")
	w.run("agent", "purge-images", "py", "--agents", "node-1", "--action-json", keys, "--dry-run").exits(2).says("contradict")
	inv := file(t, "inv.json", `{"images":[{"canonical":"cr.test/lab/python:3.9","architecture":"amd64","digest":"sha256:aa","size_bytes":1}]}`)
	w.run("agent", "report", "node-1", "--inventory", inv).ok().says("added:     1")
}

// passwords runs registry create and returns the password that arrived.
func passwords(t *testing.T, prepare func(*world), args ...string) (outcome, string) {
	t.Helper()
	got := ""
	w := answers(t, func(_ context.Context, _ service.Entry, a actions.Action) (any, error) {
		switch a := a.(type) {
		case *actions.CreateRegistryAction:
			got = a.Password.Reveal()
		case *actions.ModifyRegistryAction:
			p, _ := a.Password.Get()
			got = p.Reveal()
		}
		return actions.CreateRegistryResult{}, nil
	})
	prepare(w)
	o := w.run(append([]string{"registry"}, args...)...)
	return o, got
}

func TestSecrets(t *testing.T) {
	const secret = "hunter2 ä"
	none := func(*world) {}
	env := func(w *world) { w.env = []string{"WHARF_REGISTRY_PASSWORD=" + secret} }
	asked := func(w *world) {
		w.terminal = person
		w.terminal.Secret = func(_ context.Context, prompt string) (string, error) {
			require.Equal(t, "Password: ", prompt)
			return secret, nil
		}
	}
	typed := func(w *world) { w.stdin = secret + "\r\n" }
	create := []string{"create", "cr.test", "--username", "bob"}
	path := file(t, "pw", secret+"\n")
	for name, c := range map[string]struct {
		prepare func(*world)
		args    []string
		want    string
	}{
		"stdin":                    {typed, append(create, "--password-stdin"), secret},
		"file":                     {none, append(create, "--password-file", path), secret},
		"environment":              {env, create, secret},
		"question":                 {asked, create, secret},
		"asked for":                {asked, []string{"modify", someID, "--password-prompt"}, secret},
		"not what nobody mentions": {env, []string{"create", "cr.test"}, ""},
		"nor in a change":          {env, []string{"modify", someID, "--is-global"}, ""},
		"a change from a file":     {none, []string{"modify", someID, "--password-file", path}, secret},
		"a change with a username": {env, []string{"modify", someID, "--username", "eve"}, secret},
		"a change of the name":     {none, []string{"modify", someID, "--username", "eve"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, got := passwords(t, c.prepare, c.args...)
			require.Equal(t, c.want, got)
			o.ok().silent("hunter2")
		})
	}
	for name, args := range map[string][]string{
		"as a word":     {"create", "cr.test", "--username", "bob", "--password", "hunter2"},
		"as a value":    {"create", "cr.test", "--username", "bob", "--password=hunter2"},
		"in a change":   {"modify", someID, "--password=hunter2"},
		"two places":    append(create, "--password-stdin", "--password-file", path),
		"nowhere":       create,
		"no terminal":   append(create, "--password-prompt"),
		"an empty file": append(create, "--password-file", file(t, "pw", "\n")),
	} {
		t.Run(name, func(t *testing.T) {
			o, got := passwords(t, none, args...)
			require.Empty(t, got)
			o.exits(2).silent("hunter2")
		})
	}
}
