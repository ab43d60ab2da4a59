package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
)

func TestTables(t *testing.T) {
	w := furnished(t)
	w.run("image", "use", "py", "--at", "3d").ok().golden("tables/image_use")
	w.run("image", "list").ok().golden("tables/image_list")
	w.run("image", "list", "--limit", "2", "--count").ok().silent("and 0 more")
	w.run("image", "list", "--where", "name~nothing").ok().golden("tables/image_list_empty")
	w.run("image", "modify", "py", "--labels", "team=vision", "--resource-limits", "cpu=2:8,mem=2g").ok().golden("tables/image_modify")
	w.run("image", "get", "py").ok().golden("tables/image_get")
	w.run("image", "set-limit", "py", "cuda.device", "--max", "4").ok().golden("tables/image_set_limit")
	w.run("alias", "search").ok().golden("tables/alias_search")
	w.run("registry", "list", "--where", "name=cr.test").ok().says("cr.test")
	w.run("agent", "preload-images", "py", "cr.test/lab/torch:2", "gone", "--agents", "*", "--quiet").exits(12).golden("tables/agent_preload")
	w.run("agent", "list", "--where", "image has cr.test/lab/torch:2").ok().says("node-1")
	w.run("image", "installed-agents", "py").ok().golden("tables/image_installed_agents")
	w.run("image", "list", "--is-installed").ok().golden("tables/image_list_installed")
	w.run("agent", "purge-images", "py", "gone", "--agents", "node-1", "--dry-run", "--quiet").exits(12).golden("tables/agent_purge_dry")
	w.run("agent", "unload-images", "py", "cr.test/lab/python:3.9", "--agents", "node-1", "--yes", "--quiet").ok().golden("tables/agent_unload")
	w.run("image", "forget", "cr.test/lab/python:3.9").ok().golden("tables/image_forget")
	w.run("image", "purge", "cr.test/lab/python:3.9", "--dry-run").ok().golden("tables/image_purge_dry")
	w.run("image", "untag", "cr.test/lab/torch:2", "--arch", "amd64", "--dry-run").ok().golden("tables/image_untag_dry")
	w.run("registry", "rescan", "--quiet").ok().golden("tables/registry_rescan")
	w.run("image", "scan", "cr.test/lab/torch:2", "--quiet").ok().golden("tables/image_scan")
	w.run("registry", "delete", "cr.test", "--dry-run").ok().golden("tables/registry_delete_dry")
	w.run("scaling-group", "allow", "default", "lab").ok().golden("tables/scaling_group_allow")
	w.run("scaling-group", "list").ok().golden("tables/scaling_group_list")
	w.run("policy", "explain", "image.forget", "--for", "ada:user:lab").ok().golden("tables/policy_explain_yes")
	w.run("policy", "explain", "image.scan", "--for", "ada:user:lab").ok().golden("tables/policy_explain_no")
	w.run("audit", "search", "--where", "action in (image.forget, agent.unload_images)").ok().golden("tables/audit_search")
	w.run("reference", "parse", "python").ok().golden("tables/reference_parse")
	w.run("reference", "check", "python:3", "UPPER/case").exits(2).golden("tables/reference_check")
	w.run("version").ok().says("test")
}

func TestNarrowTerminal(t *testing.T) {
	w := furnished(t)
	w.env = []string{"NO_COLOR=1"}
	w.terminal = cli.Terminal{Out: true, Width: 70}
	o := w.run("image", "list").ok().golden("tables/image_list_narrow")
	for line := range strings.Lines(o.out) {
		require.LessOrEqual(t, cli.Width(strings.TrimSpace(line)), 70)
	}
	w.env = nil
	require.Contains(t, w.run("image", "list").ok().out, "\x1b[32malive\x1b[0m")
	require.NotContains(t, w.run("image", "list", "--no-color").ok().out, "\x1b")
	w.env = []string{"TERM=dumb"}
	require.NotContains(t, w.run("image", "list").ok().out, "\x1b")
	w.terminal, w.env = cli.Terminal{}, nil
	require.NotContains(t, w.run("image", "list").ok().out, "\x1b")
}

func TestJSONIsTheWireForm(t *testing.T) {
	w := furnished(t)
	var list struct {
		Images []map[string]any
		Next   string
		Total  *int
	}
	o := w.run("image", "list", "--json", "--count").ok().json(&list)
	require.Len(t, list.Images, 5)
	require.Equal(t, 5, *list.Total)
	require.Equal(t, 1, strings.Count(o.out, "\n"), "compact for scripts")
	require.Empty(t, o.stderr)
	require.Equal(t, "cr.test/lab/python:3.10", list.Images[0]["canonical"])
	w.terminal = cli.Terminal{Out: true}
	require.Contains(t, w.run("image", "list", "--json").ok().out, "\n  \"images\": [\n", "indented for people")
	w.terminal = cli.Terminal{}

	var got struct {
		Image struct{ Labels map[string]string }
	}
	w.run("image", "get", "py", "--json").ok().json(&got)
	require.Equal(t, "lab", got.Image.Labels["maintainer"])
	code, reason := w.run("image", "get", "nope", "--json").exits(5).problem()
	require.Equal(t, []string{"not_found", "image_not_found"}, []string{code, reason})
}

func TestPages(t *testing.T) {
	w := furnished(t)
	var page struct {
		Images []struct{ Canonical, Architecture string }
		Next   string
		Total  *int
	}
	var all []string
	after := ""
	for range 3 {
		args := []string{"image", "list", "--json", "--limit", "2"}
		if after != "" {
			args = append(args, "--after", after)
		}
		page.Next = ""
		w.run(args...).ok().json(&page)
		for _, i := range page.Images {
			all = append(all, i.Canonical+i.Architecture)
		}
		after = page.Next
	}
	require.Empty(t, after)
	require.Len(t, all, 5)

	page.Next, page.Total = "", nil
	w.run("image", "list", "--json", "--limit", "2", "--all", "--count").ok().json(&page)
	require.Len(t, page.Images, 5)
	require.Empty(t, page.Next)
	require.Equal(t, 5, *page.Total)

	o := w.run("image", "list", "--limit", "2", "--all").ok()
	require.Equal(t, 6, strings.Count(o.out, "\n"), "one head over all pages")
	require.Empty(t, o.stderr)
	w.run("image", "list", "--limit", "2").ok().says("more: --after ")
	require.Empty(t, w.run("image", "list", "--limit", "2", "--quiet").ok().stderr)
	w.run("image", "list", "--sort", "nothing").exits(2).says("sortable are")
}

func TestStatuses(t *testing.T) {
	w := furnished(t)
	w.run("image", "forget", "py").ok().says("forgotten cr.test/lab/python:3.11")
	w.run("image", "forget", "py").ok().says("is forgotten: nothing to forget")
	w.run("image", "get", "py").exits(5).says("--statuses all finds forgotten")
	require.NotContains(t, w.run("image", "get", "py", "--quiet").exits(5).stderr, "--statuses")
	w.run("image", "get", "py", "--statuses", "all").ok()
	w.run("image", "list", "--status", "forgotten,missing").ok().says("3.11").silent("3.10")
	w.run("image", "restore", "py").ok().says("restored")
	w.run("image", "restore", "py").ok().says("is alive: nothing to restore")
}

// Commands by id take names as well, by the rule of writes: nothing is guessed.
func TestNamesForIDs(t *testing.T) {
	w := furnished(t)
	w.run("image", "purge", "cr.test/lab/torch:2", "--dry-run").exits(2).says("has several architectures, name one with --architecture: aarch64, x86_64")
	w.run("image", "purge", "cr.test/lab/torch:2", "--arch", "arm64", "--dry-run").ok().says("(aarch64)")
	w.run("image", "purge", "cr.test/lab/torch@sha256:"+strings.Repeat("a", 64), "--dry-run").exits(2).says("several tags can share a digest")
	w.run("alias", "create", "torch-arm", "cr.test/lab/torch:2", "--architecture", "arm64").ok()
	w.run("image", "purge", "torch-arm", "--dry-run").ok().says("(aarch64)").says("torch-arm")
	w.run("image", "purge", "nothing", "--dry-run").exits(5)
	w.run("image", "purge-many", "py", "torch-arm", "--dry-run").ok().says("3.11").says("torch:2")
	w.run("image", "forget-many", "py", "nothing").exits(5).says("no such image: nothing")

	w.run("registry", "create", "cr.test", "--project", "lab", "--url", w.url).ok()
	w.run("registry", "modify", "cr.test", "--is-global=false").exits(2).says("has several registrations, name one: cr.test (")
	w.run("registry", "modify", "cr.test/lab", "--is-global=false").ok().says("is global:  no")
	w.run("registry", "allow", "cr.test/lab", "vision").ok().says("changed: yes")
	w.run("registry", "rescan", "cr.test/lab", "--quiet").ok().says("cr.test/lab")
	w.run("registry", "rescan", "cr.nowhere/lab").exits(5)
	w.run("registry", "modify", "cr.nowhere", "--is-global").exits(5)
}

func TestAs(t *testing.T) {
	w := furnished(t)
	user := "ada:user:lab:vision"
	w.run("image", "get", "py", "--as", user).exits(5)
	w.run("registry", "allow", "cr.test", "lab").ok()
	w.run("image", "get", "py", "--as", user).ok()
	w.run("image", "forget", "py", "--as", user).exits(4).says("forbidden")
	w.run("image", "purge", "py", "--yes", "--as", user).exits(4)
	w.run("registry", "rescan", "--as", user).exits(4)
	w.run("agent", "purge-images", "py", "--agents", "*", "--yes", "--as", user).exits(4)
	code, reason := w.run("alias", "create", "x", "py", "--as", user, "--json").exits(4).problem()
	require.Equal(t, []string{"forbidden", "permission_missing"}, []string{code, reason})
	w.run("image", "list", "--as", "mon:monitor").ok().says("3.11")
	for _, bad := range []string{"ada", ":user", "ada:", "a:b:c:d:e"} {
		w.run("image", "list", "--as", bad).exits(2).says("an actor is USER:ROLE[:DOMAIN[:PROJECT,PROJECT]]")
	}
	a, err := cli.ParseActor("as", "ada:user:lab:x,y")
	require.NoError(t, err)
	require.Equal(t, domain.Actor{ID: "ada", Role: "user", Domain: "lab", Projects: []string{"x", "y"}}, a)
	w.run("audit", "search", "--where", "actor=ada and status=denied").ok().says("permission_missing")
	w.run("audit", "search", "--where", "actor=olga").ok().says("superadmin")
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 59 * time.Minute: "59 minutes ago",
		time.Hour: "1 hour ago", 25 * time.Hour: "1 day ago", 13 * 24 * time.Hour: "13 days ago", 20 * 24 * time.Hour: "2 weeks ago",
		90 * 24 * time.Hour: "3 months ago", 800 * 24 * time.Hour: "2 years ago", -24 * time.Hour: "2026-03-02 12:00", -time.Second: "just now",
	} {
		require.Equal(t, want, cli.Ago(noon, noon.Add(-d)), d)
	}
	require.Equal(t, "-", cli.Ago(noon, time.Time{}))
}

func TestParseMoment(t *testing.T) {
	for in, want := range map[string]time.Time{
		"now": noon, "30d": noon.AddDate(0, 0, -30), "1d12h ago": noon.Add(-36 * time.Hour), "2w": noon.AddDate(0, 0, -14), "90m": noon.Add(-90 * time.Minute),
		"2026-01-31": time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "2026-01-31 08:30": time.Date(2026, 1, 31, 8, 30, 0, 0, time.UTC),
		"2026-01-31T08:30:00Z": time.Date(2026, 1, 31, 8, 30, 0, 0, time.UTC),
	} {
		got, err := cli.ParseMoment(in, noon)
		require.NoError(t, err, in)
		require.True(t, want.Equal(got), "%s: %s", in, got)
	}
	for _, bad := range []string{"", "soon", "ago", "-3d", "3", "99999d", "1h1d", "2026-13-01"} {
		_, err := cli.ParseMoment(bad, noon)
		require.ErrorIs(t, err, domain.ErrInvalid, bad)
	}
}

func TestParseFuture(t *testing.T) {
	for in, want := range map[string]time.Time{
		"12h": noon.Add(12 * time.Hour), "in 12h": noon.Add(12 * time.Hour), " in 1d12h ": noon.Add(36 * time.Hour), "90m": noon.Add(90 * time.Minute),
		"2026-03-02": time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), "2026-03-01 12:01": noon.Add(time.Minute), "2026-03-01T13:00:00Z": noon.Add(time.Hour),
	} {
		got, err := cli.ParseFuture(in, noon)
		require.NoError(t, err, in)
		require.True(t, want.Equal(got), "%s: %s", in, got)
	}
	for in, reason := range map[string]string{
		"now": "time_past", "0h": "time_past", "12h ago": "time_past", "2026-03-01": "time_past", "2026-03-01T12:00:00Z": "time_past",
		"": "time_invalid", "in": "time_invalid", "soon": "time_invalid", "-3d": "time_invalid", "in 3": "time_invalid", "in now": "time_invalid",
	} {
		_, err := cli.ParseFuture(in, noon)
		require.ErrorIs(t, err, domain.ErrInvalid, in)
		require.Equal(t, reason, domain.ReasonOf(err), in)
	}
}

func TestAhead(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", time.Second: "in a moment", time.Minute: "in 1 minute", 2 * time.Hour: "in 2 hours", 30 * time.Hour: "in 1 day", -2 * time.Hour: "2 hours ago",
	} {
		require.Equal(t, want, cli.Ahead(noon, noon.Add(d)), d)
	}
	require.Equal(t, "-", cli.Ahead(noon, time.Time{}))
}

func TestShorten(t *testing.T) {
	require.Equal(t, "abc", cli.Shorten("abc", 3))
	require.Equal(t, "cr.ex…thon:3.11", cli.Shorten("cr.example.org/lab/python:3.11", 15))
	require.Equal(t, 9, cli.Width(cli.Shorten("漢字漢字漢字漢字", 9)))
}
