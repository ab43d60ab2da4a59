package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/service"
)

func TestPolicy(t *testing.T) {
	w := newWorld(t)
	var matrix struct {
		Permissions []struct {
			Permission string
			Reach      map[string]string
		}
	}
	w.run("policy", "show", "--json").ok().json(&matrix)
	require.Len(t, matrix.Permissions, len(service.Permissions()))
	for _, p := range matrix.Permissions {
		require.Equal(t, "any", p.Reach["superadmin"], p.Permission)
		if p.Permission == "image.forget" {
			require.Equal(t, map[string]string{"superadmin": "any", "admin": "own", "monitor": "none", "user": "own"}, p.Reach)
		}
	}
	o := w.run("policy", "show", "--roles", "system").ok()
	require.Regexp(t, `image.scan +any\n`, o.out)
	require.Regexp(t, `image.purge +-\n`, o.out)
	require.Equal(t, rbac.DefaultPolicy(), w.run("policy", "show", "--text").ok().out)
	w.run("policy", "show", "--as", "ada:user").exits(4)

	var list struct {
		Permissions []struct {
			Permission string
			Actions    []string
			Summary    string
		}
	}
	w.run("policy", "permissions", "--json").ok().json(&list)
	require.Len(t, list.Permissions, len(service.Permissions()))
	for _, p := range list.Permissions {
		require.NotEmpty(t, p.Summary, p.Permission)
		require.NotEmpty(t, p.Actions, p.Permission)
	}
	w.run("policy", "permissions").ok().says("image.forget, image.forget_by_id, image.forget_many")

	w.run("policy", "explain", "image.get").ok().says("olga (superadmin) may: image.get, reach any")
	w.run("policy", "explain", "image.gett").exits(2)
	w.run("policy", "explain", "image.get", "--for", "ada").exits(2).says("an actor is")
	w.run("policy", "explain", "image.get", "--for", "bob:user", "--as", "ada:user").exits(4)
	w.run("policy", "explain").exits(2)
}

func TestReference(t *testing.T) {
	w := newWorld(t)
	var parts struct{ Registry, Path, Tag, Digest, Canonical, Short string }
	w.run("reference", "parse", "[::1]:5000/lab/x@sha256:"+strings.Repeat("a", 64), "--json").ok().json(&parts)
	require.Equal(t, "[::1]:5000", parts.Registry)
	require.Empty(t, parts.Tag)
	w.run("reference", "parse", "x:1", "--default-registry", "cr.test", "--json").ok().json(&parts)
	require.Equal(t, "cr.test/x:1", parts.Canonical)
	w.run("reference", "parse", "A B").exits(2)
	w.run("reference", "parse").exits(2)

	w.open = nil // what follows asks no service
	w.run("reference", "check").exits(2)
	w.run("reference", "check", "a", "b:1").ok().says("docker.io/library/b:1")
	w.run("reference", "check", "https://x").exits(2).says("the reference is not well formed")
	w.stdin = "a\nb:1\n\nBAD \n"
	w.run("reference", "check", "-").exits(2).says("1 of 3 references")
	var checked struct {
		References []struct {
			Canonical string
			Problem   *struct{ Reason string }
		}
	}
	w.run("reference", "check", "-", "--json").exits(2).json(&checked)
	require.Equal(t, "reference_invalid", checked.References[2].Problem.Reason)
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	var v struct{ Version, Go, Platform string }
	w.run("version", "--json").ok().json(&v)
	require.Equal(t, "test", v.Version)
	require.NotEmpty(t, v.Go)
	require.Equal(t, 0, cli.Run(t.Context(), cli.Config{Stdout: &safeBuffer{}, Stderr: &safeBuffer{}}, []string{"version"}))
}

// Without a service, what needs none works and the rest says so.
func TestWithoutAService(t *testing.T) {
	w := newWorld(t)
	w.open = nil
	w.run("version").ok()
	w.run("image", "list").exits(7).says("no service")
}
