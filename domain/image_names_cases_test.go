package domain_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// apoloCase is one row of testdata/apolo_parse_cases.json: what Apolo's SDK does
// with a name, asserted by its tests (groups test_…) or observed by running it
// (group probe).
type apoloCase struct {
	ID        string          `json:"id"`
	Group     string          `json:"group"`
	Op        string          `json:"op"`
	Input     json.RawMessage `json:"input"`
	Context   json.RawMessage `json:"context"`
	TagOption string          `json:"tag_option"`
	Expect    json.RawMessage `json:"expect"`
	Error     *struct {
		Code string `json:"code"`
	} `json:"error"`
}

// apoloContext is the configuration of a case.
type apoloContext struct {
	DefaultCluster string            `json:"default_cluster"`
	DefaultOrg     string            `json:"default_org"`
	DefaultProject string            `json:"default_project"`
	Registries     map[string]string `json:"registries"`
	// Of the cases that shorten and complete URIs.
	Cluster string `json:"cluster"`
	Org     string `json:"org"`
	Project string `json:"project"`
}

// apoloDifferences are the cases that Apolo's own tests assert and that come out
// otherwise here.
var apoloDifferences = map[string]string{
	"test_images-126": "a registry and a slash are no name of an image: refused instead of pushed as reg/org/project/reg/",
}

// apoloProbeDifferences are the observed cases that come out otherwise here.
var apoloProbeDifferences = map[string]string{
	"probe-232": "a tag mode counts for images of other registries too",
	"probe-234": "a tag mode counts for images of other registries too",
	"probe-236": "a host is the registry, with a port or without",
	"probe-237": "a host is the registry, with a port or without",
	"probe-238": "the registry of an external image stays in its URL",
	"probe-239": "the registry of an external image stays in its URL",
	"probe-248": "hosts do not differ by case, and are registries",
	"probe-250": "a port that is no number makes the name invalid, whatever the tag",
	"probe-253": "two underscores are legal in OCI and in Docker",
	"probe-254": "several hyphens are legal in OCI and in Docker",
	"probe-260": "an empty first component is no name: refused",
	"probe-274": "the bare name image would print as image:latest, which is refused as ambiguous: refused as well",
	"probe-287": "projects are checked: capitals are not legal in a path",
	"probe-288": "projects are checked: blanks are not legal in a path",
	"probe-310": "an organization after a cluster's registry is recognised in local names as it is in remote ones",
	"probe-312": "a local name of a foreign registry has no target of its own: refused instead of made unusable",
	"probe-320": "what engines do not take for a registry is none: refused instead of dropped",
}

// apoloReasons are the causes that have another name here.
var apoloReasons = map[string]string{
	"unknown_cluster": "cluster_unknown", "invalid_name": "name_invalid", "invalid_tag": "tag_invalid",
}

func TestImageNamesReadAsInApolo(t *testing.T) {
	data, err := os.ReadFile("testdata/apolo_parse_cases.json")
	require.NoError(t, err)
	var file struct {
		Contexts map[string]apoloContext `json:"contexts"`
		Cases    []apoloCase             `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(data, &file))

	require.LessOrEqual(t, len(apoloDifferences), 10)
	checked, seen := map[bool]int{}, map[string]bool{}
	for _, c := range file.Cases {
		probe := c.Group == "probe"
		table := apoloDifferences
		if probe {
			table = apoloProbeDifferences
		}
		checked[probe]++
		problem := c.compare(t, file.Contexts)
		if reason, listed := table[c.ID]; listed {
			seen[c.ID] = true
			require.NotEmpty(t, reason)
			require.NotEmpty(t, problem, "case %s is listed as a difference and is none", c.ID)
			continue
		}
		require.Empty(t, problem, "case %s: %s %s", c.ID, c.Op, c.Input)
	}
	require.Len(t, seen, len(apoloDifferences)+len(apoloProbeDifferences), "a table of differences names a case that was not checked")
	require.Equal(t, map[bool]int{false: 139, true: 79}, checked)
}

// compare says how the outcome differs; "" if it does not.
func (c apoloCase) compare(t *testing.T, contexts map[string]apoloContext) string {
	t.Helper()
	got, err := c.run(t, c.context(t, contexts))
	if c.Error != nil {
		if err == nil {
			return "no error, but " + show(t, got)
		}
		require.ErrorIs(t, err, domain.ErrInvalid, c.ID)
		want := cmp.Or(apoloReasons[c.Error.Code], c.Error.Code)
		if domain.ReasonOf(err) != want {
			return err.Error() + ", not " + want
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	var want any
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(c.Expect), "<test server authority>", "registry-api.dev.apolo.us")), &want))
	if text := strings.NewReplacer("<current project>", "current").Replace(show(t, want)); text != show(t, got) {
		return show(t, got) + ", not " + text
	}
	return ""
}

func show(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(v))
	return b.String()
}

func (c apoloCase) context(t *testing.T, contexts map[string]apoloContext) apoloContext {
	t.Helper()
	var name string
	if json.Unmarshal(c.Context, &name) == nil {
		return contexts[name]
	}
	var own apoloContext
	require.NoError(t, json.Unmarshal(c.Context, &own))
	return own
}

// clusters gives every registry the organization and project of the context:
// Apolo has them once for all.
func (c apoloContext) clusters() domain.Clusters {
	if c.Cluster != "" {
		return domain.Clusters{All: []domain.Cluster{{
			Name: c.Cluster, Registry: "cr.example.org", Org: c.Org, Project: strings.Trim(strings.ReplaceAll(c.Project, " project", ""), "<>"),
		}}}
	}
	all := domain.Clusters{Current: c.DefaultCluster}
	for _, name := range slices.Sorted(maps.Keys(c.Registries)) {
		all.All = append(all.All, domain.Cluster{Name: name, Registry: c.Registries[name], Org: c.DefaultOrg, Project: c.DefaultProject})
	}
	return all
}

func (c apoloCase) run(t *testing.T, context apoloContext) (any, error) {
	t.Helper()
	clusters := context.clusters()
	require.NoError(t, clusters.Check(), c.ID)
	mode := map[string]domain.TagMode{"": domain.TagDefault, "DEFAULT": domain.TagDefault, "ALLOW": domain.TagOptional, "DENY": domain.TagForbidden}[c.TagOption]
	require.NotEmpty(t, mode, c.ID)
	var text string
	_ = json.Unmarshal(c.Input, &text)
	remote := func(i domain.RemoteImage, err error) (any, error) {
		if err != nil {
			require.Zero(t, i)
			return nil, err
		}
		return map[string]any{
			"kind": "remote", "name": i.Name, "tag": orNil(i.Tag), "registry": orNil(i.Registry), "cluster": orNil(i.ClusterName),
			"org": orNil(i.OrgName), "project": orNil(i.Owner()), "str": i.String(), "docker_url": i.AsDockerURL(false),
		}, nil
	}
	local := func(i domain.LocalImage, err error) (any, error) {
		return map[string]any{"kind": "local", "name": i.Name, "tag": orNil(i.Tag), "str": i.String()}, err
	}
	var given domain.RemoteImage
	if c.Input[0] == '{' && c.Op != "new_parser" {
		require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(
			string(c.Input), `"cluster":`, `"cluster_name":`), `"org":`, `"org_name":`), `"project":`, `"project_name":`)), &given))
	}
	switch c.Op {
	case "has_tag":
		i, err := clusters.ParseRemote(text, domain.TagOptional)
		return i.Tag != "", err
	case "parse_local":
		return local(clusters.ParseLocal(text))
	case "parse_platform":
		return remote(clusters.ParsePlatform(text, mode))
	case "parse_remote":
		return remote(clusters.ParseRemote(text, mode))
	case "split_name":
		i, err := clusters.ParseLocal(text)
		return []string{i.Name, i.Tag}, err
	case "local_to_platform":
		return remote(clusters.PushTarget(domain.LocalImage{Name: given.Name, Tag: given.Tag}))
	case "push_default_target":
		i, err := clusters.ParseLocal(text)
		require.NoError(t, err)
		return remote(clusters.PushTarget(i))
	case "platform_to_local":
		return local(given.LocalName(), nil)
	case "pull_default_target":
		i, err := clusters.ParsePlatform(text, mode)
		return local(i.LocalName(), err)
	case "catalog_entry":
		return remote(clusters.CatalogEntry("", text))
	case "new_parser":
		var addresses, got = map[string]string{}, map[string]string{}
		require.NoError(t, json.Unmarshal(c.Input, &addresses))
		for name, address := range addresses {
			host, err := domain.RegistryAuthority(address)
			if err != nil {
				return nil, err
			}
			got[name] = host
		}
		return got, nil
	case "url_authority":
		return domain.RegistryAuthority(text)
	case "format_remote":
		return map[string]any{"str": given.String(), "docker_url": given.AsDockerURL(false)}, nil
	case "construct_remote":
		return map[string]any{
			"str": given.String(), "docker_url": given.AsDockerURL(false), "docker_url_with_scheme": given.AsDockerURL(true),
		}, given.Check()
	case "uri_from_cli":
		return clusters.ResourceURI(text)
	case "share_uri":
		uri, err := clusters.ResourceURI(text)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(uri)
		require.NoError(t, err)
		return map[string]any{"uri": uri, "decoded_path": u.Path}, nil
	case "short_uri":
		return clusters.Short(text), nil
	}
	t.Fatalf("case %s has the unknown operation %s", c.ID, c.Op)
	return nil, nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
