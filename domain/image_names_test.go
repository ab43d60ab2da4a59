package domain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// twoOrgs are clusters of which two share a registry, and one has neither
// organizations nor a project.
var twoOrgs = domain.Clusters{All: []domain.Cluster{
	{Name: "acme", Registry: "cr.example.org", Org: "acme", Project: "vision"},
	{Name: "bolt", Registry: "cr.example.org", Org: "bolt", Project: "audio"},
	{Name: "plain", Registry: "localhost:5000"},
}}

func TestImageNamesOfSeveralClusters(t *testing.T) {
	for text, want := range map[string]string{
		"image:app":                             "cr.example.org/acme/vision/app:latest",
		"image:/p/app:1":                        "cr.example.org/acme/p/app:1",
		"image://bolt/p/app:1":                  "cr.example.org/bolt/p/app:1",
		"image://BOLT/bolt/p/app:1":             "cr.example.org/bolt/p/app:1",
		"image://acme/bolt/p/app:1":             "cr.example.org/acme/bolt/p/app:1",
		"image://plain/bolt/p/app:1":            "localhost:5000/bolt/p/app:1",
		"image:a%2fb%3a1":                       "cr.example.org/acme/vision/a/b:1",
		"image:a__b--c":                         "cr.example.org/acme/vision/a__b--c:latest",
		"cr.example.org/bolt/p/app":             "cr.example.org/bolt/p/app:latest",
		"CR.example.org/p/app":                  "cr.example.org/acme/p/app:latest",
		"localhost:5000/p/a%70p":                "localhost:5000/p/app:latest",
		"[::1]:5000/app:1":                      "[::1]:5000/app:1",
		"docker.io/library/image":               "docker.io/library/image:latest",
		strings.Repeat("a", 255):                strings.Repeat("a", 255) + ":latest",
		"image:" + strings.Repeat("a", 255-27):  "cr.example.org/acme/vision/" + strings.Repeat("a", 255-27) + ":latest",
		"image:app:" + strings.Repeat("t", 128): "cr.example.org/acme/vision/app:" + strings.Repeat("t", 128),
	} {
		got, err := twoOrgs.ParseRemote(text, domain.TagDefault)
		require.NoError(t, err, text)
		require.Equal(t, want, got.AsDockerURL(false), text)
	}
	for text, reason := range map[string]string{
		"image://plain/app":                       "no_image_name",
		"image://@acme/p/app":                     "user_not_allowed",
		"image://u:p@acme/p/app":                  "user_not_allowed",
		"image://acme:/p/app":                     "uri_bad_port",
		"image://[::1]/p/app":                     "uri_bad_port",
		"image:a%zz":                              "name_invalid",
		"image:a:b/c":                             "name_invalid",
		"image:" + strings.Repeat("a", 255-26):    "name_invalid",
		"a:" + strings.Repeat("t", 129):           "tag_too_long",
		strings.Repeat("a", 4000):                 "name_invalid",
		"a_b.c/app":                               "name_invalid",
		"https://cr.example.org/p/app":            "name_invalid",
		"cr.example.org/p/app?x":                  "query_not_allowed",
		"image:app@sha256:" + sha256Text[7:]:      "name_invalid",
		"cr.example.org/p/app:1@" + sha256Text:    "name_invalid",
		"other.example.org/p/app:1@" + sha256Text: "name_invalid",
	} {
		got, err := twoOrgs.ParseRemote(text, domain.TagDefault)
		requireInvalid(t, err, reason)
		require.Zero(t, got)
	}
	plain := domain.Clusters{All: twoOrgs.All, Current: "plain"}
	for _, text := range []string{"image:app", "image:app:1"} {
		_, err := plain.ParsePlatform(text, domain.TagDefault)
		requireInvalid(t, err, "need_project")
	}
	_, err := plain.PushTarget(domain.LocalImage{Name: "app"})
	requireInvalid(t, err, "need_project")
}

func TestWhereLocalImagesGo(t *testing.T) {
	for name, want := range map[string]string{
		"app":                            "image://acme/acme/vision/app:1",
		"lab/app":                        "image://acme/acme/vision/lab/app:1",
		"cr.example.org/app":             "image://acme/acme/vision/app:1",
		"cr.example.org/p/app":           "image://acme/acme/p/app:1",
		"cr.example.org/acme/p/app":      "image://acme/acme/p/app:1",
		"cr.example.org/bolt/app":        "image://bolt/bolt/audio/app:1",
		"cr.example.org/bolt/p/lib/app":  "image://bolt/bolt/p/lib/app:1",
		"localhost:5000/bolt/p/lib/app/": "no_image_name",
		"localhost:5000/app":             "need_project",
		"ghcr.io/p/app":                  "registry_foreign",
		"Capital":                        "name_invalid",
	} {
		got, err := twoOrgs.PushTarget(domain.LocalImage{Name: name, Tag: "1"})
		if err != nil {
			require.Equal(t, want, domain.ReasonOf(err), name)
			continue
		}
		require.Equal(t, want, got.String(), name)
	}
	_, err := domain.Clusters{}.PushTarget(domain.LocalImage{Name: "app"})
	requireInvalid(t, err, "cluster_unknown")
}

func TestEntriesOfACatalog(t *testing.T) {
	for entry, want := range map[string]string{
		"acme/p/app": "image://acme/acme/p/app",
		"bolt/p/app": "image://bolt/bolt/p/app", // of another cluster of the registry
		"p/app":      "image://acme/acme/p/app",
		"p/lib/app":  "image://acme/acme/p/lib/app",
		"app":        "no_image_name",
		"":           "no_image_name",
		"bolt":       "no_image_name",
		"p/App":      "name_invalid",
		"p/app:1":    "tag_not_allowed",
	} {
		got, err := twoOrgs.CatalogEntry("acme", entry)
		if err != nil {
			require.Equal(t, want, domain.ReasonOf(err), entry)
			continue
		}
		require.Equal(t, want, got.String(), entry)
	}
	_, err := twoOrgs.CatalogEntry("nowhere", "p/app")
	requireInvalid(t, err, "cluster_unknown")
}

func TestAReferenceBecomesAnImageAndBack(t *testing.T) {
	for text, want := range map[string]string{
		"cr.example.org/acme/p/app:1":         "image://acme/acme/p/app:1",
		"cr.example.org/bolt/p/lib/app:1":     "image://bolt/bolt/p/lib/app:1",
		"localhost:5000/p/app:1":              "image://plain/p/app:1",
		"docker.io/library/image:1":           "docker.io/library/image:1",
		"ghcr.io/app:1":                       "ghcr.io/app:1",
		"cr.example.org/p/app:1":              "outside_cluster",
		"cr.example.org/acme/app:1":           "outside_cluster",
		"localhost:5000/app:1":                "outside_cluster",
		"ghcr.io/app@" + sha256Text:           "digest_not_allowed",
		"cr.example.org/acme/p/@x:1":          "",
		"registry/p/app:1":                    "name_invalid",
		"cr.example.org/acme/p/app:a.B_c-9.-": "image://acme/acme/p/app:a.B_c-9.-",
	} {
		ref, err := domain.ReferenceParser{Hosts: domain.HostAny}.Parse(text)
		if want == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, text)
		got, err := twoOrgs.RemoteOf(ref)
		if err != nil {
			requireInvalid(t, err, want)
			continue
		}
		require.Equal(t, want, got.String())
		back, err := got.Reference()
		require.NoError(t, err)
		require.Equal(t, ref, back)
	}
	i, err := twoOrgs.ParseRemote("ubuntu", domain.TagOptional)
	require.NoError(t, err)
	ref, err := i.Reference()
	require.NoError(t, err)
	require.Equal(t, "docker.io/library/ubuntu:latest", ref.Canonical())
	_, err = domain.RemoteImage{Name: "x", ProjectName: "p"}.Reference()
	requireInvalid(t, err, "need_registry")
}

func TestRemoteImagesAreMadeOfPartsThatBelongTogether(t *testing.T) {
	p, err := domain.NewPlatformImage("lib/app", "cr.example.org", "c", "o", "p", "")
	require.NoError(t, err)
	require.True(t, p.IsPlatform())
	require.Equal(t, "p", p.Owner())
	require.Equal(t, "https://cr.example.org/o/p/lib/app", p.AsDockerURL(true))
	tagged, err := p.WithTag("2")
	require.NoError(t, err)
	require.Equal(t, "image://c/o/p/lib/app:2", tagged.String())
	require.Empty(t, p.Tag)
	require.Equal(t, "lib/app:2", tagged.LocalName().String())
	for tag, reason := range map[string]string{"": "tag_invalid", "a b": "tag_invalid", strings.Repeat("t", 129): "tag_too_long"} {
		_, err = p.WithTag(tag)
		requireInvalid(t, err, reason)
	}
	text, err := json.Marshal(tagged)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"lib/app","tag":"2","registry":"cr.example.org","cluster_name":"c","org_name":"o","project_name":"p"}`, string(text))

	x, err := domain.NewExternalImage("app", "LOCALHOST:5000", "t")
	require.NoError(t, err)
	require.False(t, x.IsPlatform())
	require.Empty(t, x.Owner())
	require.Equal(t, "https://localhost:5000/app:t", x.AsDockerURL(true))
	x, err = domain.NewExternalImage("gcr.io/p/app", "", "")
	require.NoError(t, err)
	require.Equal(t, domain.RemoteImage{Name: "p/app", Registry: "gcr.io"}, x)
	x, err = domain.NewExternalImage("app", "", "")
	require.NoError(t, err)
	require.Equal(t, "app", x.AsDockerURL(true))

	for reason, bad := range map[string]domain.RemoteImage{
		"need_cluster":           {Name: "a", Registry: "r.io", ProjectName: "p"},
		"need_project":           {Name: "a", Registry: "r.io", OrgName: "o"},
		"need_registry":          {Name: "a", OrgName: "o"},
		"no_image_name":          {Registry: "r.io"},
		"name_invalid":           {Name: "a", Registry: "r.io", ClusterName: "c", ProjectName: "p/q"},
		"tag_invalid":            {Name: "a", Tag: "-"},
		"ambiguous_image_latest": {Name: "image", Tag: "2"},
	} {
		requireInvalid(t, bad.Check(), reason)
	}
	for _, bad := range []domain.RemoteImage{
		{Name: "a", Registry: "r"}, {Name: "a", Registry: "R.io"}, {Name: "r.io/a"}, {Name: "A"}, {Name: strings.Repeat("a", 251), Registry: "r.io"},
		{Name: "a", Registry: "r.io", ClusterName: "C", ProjectName: "p"}, {Name: "a", Registry: "r.io", ClusterName: "c", ProjectName: "p", OrgName: "O"},
	} {
		requireInvalid(t, bad.Check(), "name_invalid")
	}
	for _, parts := range [][4]string{{"", "", "", ""}, {"r.io", "c", "", ""}, {"r.io", "", "", "p"}, {"", "c", "", "p"}, {"r.io", "", "", ""}} {
		_, err = domain.NewPlatformImage("a", parts[0], parts[1], parts[2], parts[3], "")
		require.ErrorIs(t, err, domain.ErrInvalid)
		require.Contains(t, domain.ReasonOf(err), "need_")
	}
}
