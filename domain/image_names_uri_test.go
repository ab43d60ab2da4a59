package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestResourcesOfAGrant(t *testing.T) {
	for text, want := range map[string]string{
		"image:":                "image://acme/acme/vision/",
		"image:/p":              "image://acme/acme/p",
		"image:/p/app":          "image://acme/acme/p/app",
		"image://bolt":          "image://bolt/",
		"image://BOLT/bolt/p":   "image://bolt/bolt/p",
		"image:app:1":           "tag_not_allowed",
		"image://nowhere/p":     "cluster_unknown",
		"image:app?x":           "query_not_allowed",
		"storage:app":           "scheme_not_allowed",
		"app":                   "scheme_missing",
		"image://acme:80/p/app": "port_not_allowed",
	} {
		got, err := twoOrgs.ResourceURI(text)
		if err != nil {
			requireInvalid(t, err, want)
			continue
		}
		require.Equal(t, want, got)
	}
	_, err := domain.Clusters{All: twoOrgs.All, Current: "plain"}.ResourceURI("image:app")
	requireInvalid(t, err, "need_project")
}

func TestAShortFormIsNeverTheAmbiguousOne(t *testing.T) {
	for text, want := range map[string]string{
		"image://acme/acme/vision/latest": "image:/vision/latest",
		"image://acme/acme/vision/app:1":  "image:app:1",
		"image://bolt/bolt/audio/app:1":   "image://bolt/bolt/audio/app:1",
		"image://a:b@acme/p":              "image://a:b@acme/p",
		"image:///p/app":                  "image:///p/app",
	} {
		require.Equal(t, want, twoOrgs.Short(text))
	}
	require.Equal(t, "image://acme/p/app", domain.Clusters{}.Short("image://acme/p/app"))
}

func TestReferencesReadImageURIs(t *testing.T) {
	p := domain.ReferenceParser{Clusters: twoOrgs}
	for text, want := range map[string]string{
		"image:app":                 "cr.example.org/acme/vision/app:latest",
		"image://bolt/p/app:2":      "cr.example.org/bolt/p/app:2",
		"cr.example.org/p/app":      "cr.example.org/p/app:latest", // a canonical name is itself, without an organization
		"image":                     "docker.io/library/image:latest",
		"docker.io/library/image:3": "docker.io/library/image:3",
	} {
		got, err := p.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Canonical(), text)
		l, err := domain.NewLookup(p, " "+text+" ")
		require.NoError(t, err)
		require.Equal(t, want, l.Canonical)
	}
	for text, reason := range map[string]string{
		"image:latest": "ambiguous_image_latest", "image://nowhere/p/app": "cluster_unknown", "image:UPPER": "name_invalid", "image:/app": "no_image_name",
	} {
		_, err := p.Parse(text)
		requireInvalid(t, err, reason)
		_, err = domain.NewLookup(p, text)
		requireInvalid(t, err, reason)
	}
	none := domain.ReferenceParser{}
	got, err := none.Parse("image:3")
	require.NoError(t, err)
	require.Equal(t, "docker.io/library/image:3", got.Canonical())
	_, err = none.Parse("image:/p/app")
	requireInvalid(t, err, "cluster_unknown")
	_, err = domain.NewLookup(none, "image://c/p/app")
	requireInvalid(t, err, "cluster_unknown")
	_, err = domain.ParseAlias("image:/p/app")
	requireInvalid(t, err, "alias_invalid")
}

// Whatever is read as a name of an image prints as something that reads back as
// the same, and is a reference.
func FuzzImageNames(f *testing.F) {
	for _, seed := range []string{
		"image:app", "image:/p/app:1", "image://bolt/bolt/p/a%2fb", "cr.example.org/acme/p/app", "localhost:5000/app", "[::1]:5/a", "ubuntu:22.04",
		"image:latest", "image", "image:latest:latest", "Docker.IO/a", "image://u:p@h:1/x#y?z", "image:\u212a", "a:b/c:d/e", "-", "image://plain//p//a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, mode := range []domain.TagMode{domain.TagDefault, domain.TagOptional, domain.TagForbidden} {
			i, err := twoOrgs.ParseRemote(text, mode)
			if err != nil {
				require.ErrorIs(t, err, domain.ErrInvalid)
				require.Zero(t, i)
				continue
			}
			require.NoError(t, i.Check())
			require.Equal(t, mode == domain.TagForbidden, i.Tag == "" && mode != domain.TagOptional)
			for _, printed := range []string{i.String(), twoOrgs.Short(i.String())} {
				back, err := twoOrgs.ParseRemote(printed, domain.TagOptional)
				require.NoError(t, err, printed)
				require.Equal(t, i, back, printed)
			}
			ref, err := i.Reference()
			if err != nil { // docker.io/library/ in front can make it too long
				require.False(t, i.IsPlatform())
				continue
			}
			back, err := twoOrgs.RemoteOf(ref)
			require.NoError(t, err)
			again, err := back.Reference()
			require.NoError(t, err)
			require.Equal(t, ref, again)
		}
		if i, err := twoOrgs.ParseLocal(text); err == nil {
			back, err := twoOrgs.ParseLocal(i.String())
			require.NoError(t, err)
			require.Equal(t, i, back)
			if target, err := twoOrgs.PushTarget(i); err == nil {
				require.NoError(t, target.Check())
			}
		}
		if uri, err := twoOrgs.ResourceURI(text); err == nil {
			again, err := twoOrgs.ResourceURI(uri)
			require.NoError(t, err)
			require.Equal(t, uri, again)
		}
		twoOrgs.Short(text)
	})
}
