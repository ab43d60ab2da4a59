package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestCheckRegistry(t *testing.T) {
	t.Parallel()
	good := domain.Registry{Name: "cr.example.org", Type: domain.RegistryOCI}
	require.NoError(t, good.Check())
	for name, c := range map[string]struct {
		change func(*domain.Registry)
		on     string // "": it is fine
	}{
		"a port":                       {func(r *domain.Registry) { r.Name = "localhost:5000" }, ""},
		"a project":                    {func(r *domain.Registry) { r.Project = "team/stable" }, ""},
		"a URL":                        {func(r *domain.Registry) { r.URL = "http://10.0.0.1:5000" }, ""},
		"credentials":                  {func(r *domain.Registry) { r.Username, r.Password = "robot", "s" }, ""},
		"another type":                 {func(r *domain.Registry) { r.Type = "harbor" }, ""},
		"no type":                      {func(r *domain.Registry) { r.Type = "" }, "type"},
		"a project that is none":       {func(r *domain.Registry) { r.Project = "Team/" }, "project"},
		"a URL of another scheme":      {func(r *domain.Registry) { r.URL = "ftp://cr.example.org" }, "url"},
		"a URL without a host":         {func(r *domain.Registry) { r.URL = "https://" }, "url"},
		"a host in the place of a URL": {func(r *domain.Registry) { r.URL = "cr.example.org" }, "url"},
		"a URL with credentials":       {func(r *domain.Registry) { r.URL = "https://u:p@cr.example.org" }, "url"},
		"a URL with a query":           {func(r *domain.Registry) { r.URL = "https://cr.example.org?a=b" }, "url"},
		"a URL with a fragment":        {func(r *domain.Registry) { r.URL = "https://cr.example.org#a" }, "url"},
		"a URL with a control byte":    {func(r *domain.Registry) { r.URL = "https://cr.example.org/\n" }, "url"},
		"a username alone":             {func(r *domain.Registry) { r.Username = "robot" }, "username"},
		"a password alone":             {func(r *domain.Registry) { r.Password = "s" }, "username"},
	} {
		r := good
		c.change(&r)
		err := r.Check()
		if c.on == "" {
			require.NoError(t, err, name)
			continue
		}
		requireInvalid(t, err, "registry_invalid")
		require.Equal(t, c.on, domain.OnOf(err), name)
		require.NotContains(t, err.Error(), "u:p@", "%s: credentials are not repeated", name)
	}
	bad := good
	bad.Name = "a b"
	require.ErrorIs(t, bad.Check(), domain.ErrInvalid)
}

func TestTheEndpointOfARegistry(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://cr.example.org", domain.Registry{Name: "cr.example.org"}.Endpoint())
	require.Equal(t, "http://10.0.0.1:5000", domain.Registry{Name: "cr.example.org", URL: "http://10.0.0.1:5000//"}.Endpoint())
	require.Equal(t, "cr.example.org", domain.Registry{Name: "cr.example.org"}.String())
	require.Equal(t, "cr.example.org/stable", domain.Registry{Name: "cr.example.org", Project: "stable"}.String())
}

func TestARepositoryBelongsToTheLongestProject(t *testing.T) {
	t.Parallel()
	rows := []domain.Registry{
		{Name: "cr.example.org", Project: "stable"}, {Name: "cr.example.org"}, {Name: "cr.example.org", Project: "stable/deep"},
		{Name: "other.example.org", Project: "stable/deep/er"}, {Name: "only.example.org", Project: "a"},
	}
	for _, c := range []struct{ host, repo, project string }{
		{"cr.example.org", "python", ""},
		{"cr.example.org", "stablex/python", ""},
		{"cr.example.org", "stable/python", "stable"},
		{"cr.example.org", "stable", "stable"},
		{"cr.example.org", "stable/deep/er/python", "stable/deep"},
		{"only.example.org", "b/python", "none"},
		{"nobody.example.org", "python", "none"},
	} {
		for _, list := range [][]domain.Registry{rows, reversed(rows)} {
			got, ok := domain.RegistryFor(list, c.host, c.repo)
			require.Equal(t, c.project != "none", ok, c)
			if ok {
				require.Equal(t, c.host, got.Name)
				require.Equal(t, c.project, got.Project, c)
			}
		}
	}
}

func reversed(rows []domain.Registry) []domain.Registry {
	rows = slices.Clone(rows)
	slices.Reverse(rows)
	return rows
}

func TestTheOrderOfRowsDoesNotDecideWhoseARepositoryIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab"}), 0, 3), func(p []string) string { return strings.Join(p, "/") })
		projects := rapid.SliceOfNDistinct(path, 0, 6, rapid.ID).Draw(t, "projects")
		var rows []domain.Registry
		for _, p := range projects {
			rows = append(rows, domain.Registry{Name: "h", Project: p})
		}
		repo := path.Filter(func(s string) bool { return s != "" }).Draw(t, "repo")
		one, ok := domain.RegistryFor(rows, "h", repo)
		two, same := domain.RegistryFor(reversed(rows), "h", repo)
		require.Equal(t, ok, same)
		require.Equal(t, one.Project, two.Project)
		if ok {
			require.True(t, one.Project == "" || repo == one.Project || strings.HasPrefix(repo, one.Project+"/"))
		}
	})
}

func TestCheckAgent(t *testing.T) {
	t.Parallel()
	good := domain.Agent{ID: "a1", Kind: domain.AgentOCILayout, Address: "/x", ScalingGroup: "gpu", Architecture: "amd64", Status: domain.AgentOnline}
	a := good
	require.NoError(t, a.Check())
	require.Equal(t, "x86_64", a.Architecture, "it is normalised")
	for reason, change := range map[string]func(*domain.Agent){
		"agent_id_invalid":     func(a *domain.Agent) { a.ID = "a/b" },
		"agent_invalid":        func(a *domain.Agent) { a.Address = "" },
		"name_invalid":         func(a *domain.Agent) { a.ScalingGroup = "" },
		"architecture_invalid": func(a *domain.Agent) { a.Architecture = "" },
	} {
		a := good
		change(&a)
		requireInvalid(t, a.Check(), reason)
	}
	for _, status := range []domain.AgentStatus{"", "ONLINE", "gone"} {
		a := good
		a.Status = status
		requireInvalid(t, a.Check(), "agent_invalid")
	}
	a = good
	a.Kind, a.Status = "", domain.AgentOffline
	requireInvalid(t, a.Check(), "agent_invalid")
}

func TestCheckScalingGroupGrant(t *testing.T) {
	t.Parallel()
	require.NoError(t, domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default"}.Check())
	require.NoError(t, domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default", Project: "vision"}.Check())
	for on, g := range map[string]domain.ScalingGroupGrant{
		"scaling group": {Domain: "default"}, "domain": {ScalingGroup: "gpu"}, "project": {ScalingGroup: "gpu", Domain: "default", Project: "a b"},
	} {
		err := g.Check()
		requireInvalid(t, err, "name_invalid")
		require.Equal(t, on, domain.OnOf(err))
	}
}
