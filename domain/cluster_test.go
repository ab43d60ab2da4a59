package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestAClusterIsReadFromText(t *testing.T) {
	for text, want := range map[string]domain.Cluster{
		"lab=cr.example.org":                       {Name: "lab", Registry: "cr.example.org"},
		"lab=CR.example.org:5000/vision":           {Name: "lab", Registry: "cr.example.org:5000", Project: "vision"},
		"lab=localhost/acme/vision":                {Name: "lab", Registry: "localhost", Org: "acme", Project: "vision"},
		"lab=https://cr.example.org/acme/vision/":  {Name: "lab", Registry: "cr.example.org", Org: "acme", Project: "vision"},
		"lab=[0:0::1]:5000":                        {Name: "lab", Registry: "[::1]:5000"},
		"a.b_c-9=http://cr.example.org:443/vision": {Name: "a.b_c-9", Registry: "cr.example.org:443", Project: "vision"},
	} {
		got, err := domain.ParseCluster(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, reason := range map[string]string{
		"": "cluster_invalid", "lab": "cluster_invalid", "=cr.example.org": "cluster_invalid", "Lab=cr.example.org": "cluster_invalid",
		"lab=registry": "cluster_invalid", "lab=cr.example.org/a/b/c": "cluster_invalid", "lab=cr.example.org//b": "cluster_invalid",
		"lab=cr.example.org/A": "cluster_invalid", "lab=cr.example.org/acme/": "", "lab=": "registry_host_invalid",
		"lab=a_b.org": "registry_host_invalid", "lab=https://": "registry_url_no_host", "lab=https://user@cr.example.org": "registry_host_invalid",
	} {
		got, err := domain.ParseCluster(text)
		if reason == "" {
			require.NoError(t, err, text)
			continue
		}
		requireInvalid(t, err, reason)
		require.Zero(t, got)
	}
}

func TestClustersThatCannotBeToldApartAreRefused(t *testing.T) {
	a := domain.Cluster{Name: "a", Registry: "cr.example.org", Org: "acme", Project: "p"}
	b := domain.Cluster{Name: "b", Registry: "cr.example.org", Org: "bolt", Project: "p"}
	c := domain.Cluster{Name: "c", Registry: "cr.example.org"}
	require.NoError(t, domain.Clusters{}.Check())
	require.NoError(t, domain.Clusters{Current: "b", All: []domain.Cluster{a, b, c}}.Check())
	for reason, list := range map[string][]domain.Clusters{
		"cluster_unknown": {{Current: "a"}, {Current: "d", All: []domain.Cluster{a}}},
		"cluster_invalid": {
			{All: []domain.Cluster{a, a}},
			{All: []domain.Cluster{a, {Name: "b", Registry: a.Registry, Org: a.Org, Project: "q"}}},
			{All: []domain.Cluster{{Name: "b", Registry: "CR.example.org"}}},
			{All: []domain.Cluster{{Name: "b", Registry: "cr.example.org", Org: "o"}}},
			{All: []domain.Cluster{{Name: "b", Registry: "cr.example.org", Project: "p/q"}}},
		},
		"registry_host_invalid": {{All: []domain.Cluster{{Name: "b"}}}},
	} {
		for _, one := range list {
			requireInvalid(t, one.Check(), reason)
		}
	}
}

func TestAClusterIsFoundByNameInAnyCaseOrAsTheCurrentOne(t *testing.T) {
	k := domain.Cluster{Name: "k", Registry: "cr.example.org"}
	l := domain.Cluster{Name: "l", Registry: "other.example.org"}
	both := []domain.Cluster{k, l}
	for _, c := range []struct {
		clusters domain.Clusters
		name     string
		want     domain.Cluster
	}{
		{domain.Clusters{All: both}, "", k},
		{domain.Clusters{All: both, Current: "l"}, "", l},
		{domain.Clusters{All: both}, "L", l},
	} {
		got, err := c.clusters.Get(c.name)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, name := range []string{"m", "\u212a"} { // the Kelvin sign, whose lowercase is k
		_, err := domain.Clusters{All: both}.Get(name)
		requireInvalid(t, err, "cluster_unknown")
	}
	_, err := domain.Clusters{}.Get("")
	requireInvalid(t, err, "cluster_unknown")
}
