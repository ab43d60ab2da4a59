package cli_test

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// parseCase is a row of the cases of package domain, of the tests that Apolo has
// for its own parser.
type parseCase struct {
	ID, Group, Op string
	Input         json.RawMessage
	Context       json.RawMessage
	TagOption     string `json:"tag_option"`
	Expect        *struct {
		Name, Str, Cluster, Org, Project, Registry string
		Tag                                        *string
		DockerURL                                  string `json:"docker_url"`
	}
	Error *struct{ Code string }
}

// What package domain reads, the command line reads the same: with the clusters
// of the environment, through the service.
func TestImageNamesAreReadAsInApolo(t *testing.T) {
	data, err := os.ReadFile("../../domain/testdata/apolo_parse_cases.json")
	require.NoError(t, err)
	var file struct {
		Contexts map[string]struct {
			Cluster    string `json:"default_cluster"`
			Org        string `json:"default_org"`
			Project    string `json:"default_project"`
			Registries map[string]string
		}
		Cases []json.RawMessage
	}
	require.NoError(t, json.Unmarshal(data, &file))
	w := newWorld(t)
	ran := 0
	for _, row := range file.Cases {
		var c parseCase
		if json.Unmarshal(row, &c) != nil || c.Group == "probe" || !strings.HasPrefix(c.Op, "parse_") {
			continue // other operations expect values of other forms
		}
		ran++
		var text, name string
		require.NoError(t, json.Unmarshal(c.Input, &text))
		require.NoError(t, json.Unmarshal(c.Context, &name))
		context := file.Contexts[name]
		var clusters []string
		for name, host := range context.Registries {
			clusters = append(clusters, name+"="+strings.Trim(host+"/"+domain.JoinPath(context.Org, context.Project), "/"))
		}
		slices.Sort(clusters)
		w.env = []string{"WHARF_CLUSTERS=" + strings.Join(clusters, ","), "WHARF_CLUSTER=" + context.Cluster}
		mode := map[string]string{"": "default", "DENY": "forbidden", "ALLOW": "optional"}[c.TagOption]
		action, err := json.Marshal(actions.ParseReferenceAction{Text: text, Kind: strings.TrimPrefix(c.Op, "parse_"), Tag: mode})
		require.NoError(t, err)
		w.stdin = string(action)
		o := w.run("reference", "parse", "--action-json", "-", "--json")
		if c.Error != nil {
			code, reason := o.exits(2).problem()
			require.Equal(t, "invalid", code, c.ID)
			want := map[string]string{"unknown_cluster": "cluster_unknown", "invalid_name": "name_invalid", "invalid_tag": "tag_invalid"}
			require.Equal(t, cmp.Or(want[c.Error.Code], c.Error.Code), reason, c.ID)
			continue
		}
		var got actions.ParseReferenceResult
		o.ok().json(&got)
		var tag string
		if c.Expect.Tag != nil {
			tag = *c.Expect.Tag
		}
		if c.Op == "parse_local" {
			require.Equal(t, &domain.LocalImage{Name: c.Expect.Name, Tag: tag}, got.Local, c.ID)
			require.Equal(t, c.Expect.Str, got.DockerURL, c.ID)
			continue
		}
		require.Equal(t, &domain.RemoteImage{
			Name: c.Expect.Name, Tag: tag, Registry: c.Expect.Registry,
			ClusterName: c.Expect.Cluster, OrgName: c.Expect.Org, ProjectName: c.Expect.Project,
		}, got.Remote, c.ID)
		require.Equal(t, c.Expect.DockerURL, got.DockerURL, c.ID)
		require.Equal(t, c.Expect.Str, cmp.Or(got.URI, got.DockerURL), c.ID)
		require.Equal(t, c.Expect.Project, got.Owner, c.ID)
	}
	require.Equal(t, 70, ran)
}

func TestANameInAllItsForms(t *testing.T) {
	w := newWorld(t)
	w.env = []string{"WHARF_CLUSTERS=lab=cr.test/acme/vision"}
	parse := func(text string, more ...string) (got actions.ParseReferenceResult) {
		t.Helper()
		w.run(append([]string{"reference", "parse", text, "--json"}, more...)...).ok().json(&got)
		return got
	}
	got := parse("cr.test/acme/vision/app:1")
	require.Equal(t, "image://lab/acme/vision/app:1", got.URI)
	require.Equal(t, "image:app:1", got.Short)
	require.Equal(t, "vision", got.Owner)
	require.Equal(t, got.Canonical, parse("image:app:1").Canonical)
	got = parse("cr.test/other/app:1") // outside of the organization: no URI means it
	require.Nil(t, got.Remote)
	require.Equal(t, "other/app:1", got.Short)
	require.Equal(t, "cr.test/other/app:1", got.DockerURL)
	got = parse("image:app", "--kind", "remote", "--tag", "optional")
	require.Equal(t, "cr.test/acme/vision/app", got.DockerURL)
	require.Equal(t, "cr.test/acme/vision/app:latest", got.Canonical)
	w.run("reference", "parse", "image:app:1", "--kind", "remote").ok().golden("tables/reference_parse_uri")
	w.run("reference", "parse", "image:app", "--kind", "docker").exits(2).says("a kind is auto, local, remote or platform")
}
