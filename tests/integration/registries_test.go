package integration_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/adapters/registry/oci/ocitest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

func versions() map[string]containers.RegistryVersion {
	return map[string]containers.RegistryVersion{"distribution v3": containers.DistributionV3, "docker-registry 2.8": containers.DockerRegistry2}
}

func TestRealRegistriesKeepTheContract(t *testing.T) {
	t.Parallel()
	for name, version := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := containers.Registry(t, containers.RegistryOptions{Version: version, Delete: true})
			porttest.RunRegistry(t, porttest.RegistryHarness{
				Shared: true, PageSize: 3, TagDelete: version == containers.DistributionV3, DigestDelete: true, DigestTakesTags: true,
				New: func(tb testing.TB) porttest.RegistryUnderTest {
					tb.Helper()
					return porttest.RegistryUnderTest{
						Host: host,
						Open: func(tb testing.TB, project string) port.Registry {
							reg, err := oci.Opener(oci.Options{PageSize: 3})(tb.Context(), domain.Registry{
								ID: domain.NewID[domain.RegistryID](), Name: host, URL: "http://" + host, Project: project, Type: domain.RegistryOCI,
							})
							require.NoError(tb, err)
							return reg
						},
						Push: func(tb testing.TB, c porttest.RegistryContent) domain.Description { return ocitest.Push(tb, host, c) },
					}
				},
			})
		})
	}
}

// tags of one repository for the tests of untagging: v1 and same share a
// digest, other has its own, both holds two architectures.
func (s *site) pushSiblings(t *testing.T) {
	t.Helper()
	s.push(t,
		kernels.Image{Repository: "team/tool", Tag: "other", Labels: map[string]string{"kept": "yes"}},
		kernels.Image{Repository: "team/tool", Tag: "both", Architectures: []string{"amd64", "arm64"}})
	// The same content under two tags.
	require.NoError(t, kernels.PushAs(t.Context(), s.host, kernels.Image{Repository: "team/tool", Tag: "v1"}, "v1", "same"))
}

func TestUntaggingTakesNoNeighbourAlong(t *testing.T) {
	t.Parallel()
	for name, version := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, version)
			s.register(t, "cr.example.org")
			s.pushSiblings(t)
			scan, err := s.RescanImages(s.root, actions.RescanImagesAction{})
			require.NoError(t, err)
			require.Equal(t, 5, scan.Registries[0].Added, "%+v", scan)
			v1, both := s.get(t, "cr.example.org/team/tool:v1"), s.get(t, "cr.example.org/team/tool:both")
			require.Equal(t, v1.TagDigest, s.get(t, "cr.example.org/team/tool:same").TagDigest)

			res, err := s.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: v1.ID})
			if version == containers.DistributionV3 {
				require.NoError(t, err)
				require.Equal(t, domain.ImageMissing, res.Image.Status)
				require.Empty(t, res.Tags)
			} else { // it can only delete digests, and this one has another tag
				require.ErrorIs(t, err, domain.ErrPrecondition)
				require.Equal(t, "digest_shared", domain.ReasonOf(err))
				require.Contains(t, domain.MessageOf(err), "same")
				require.Equal(t, domain.ImageAlive, s.get(t, string(v1.ID)).Status)
			}

			// One architecture of an index: refused, naming the other.
			_, err = s.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: both.ID})
			require.ErrorIs(t, err, domain.ErrPrecondition)
			require.Contains(t, domain.MessageOf(err), "aarch64")
			forced, err := s.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: both.ID, Force: true})
			require.NoError(t, err)
			require.Len(t, forced.Siblings, 1)

			// The registry agrees with the catalogue: a rescan finds nothing to do.
			scan, err = s.RescanImages(s.root, actions.RescanImagesAction{})
			require.NoError(t, err)
			r := scan.Registries[0]
			require.True(t, r.Complete, "%+v", r)
			require.Zero(t, r.Added+r.Updated+r.Gone+r.Failed, "%+v", r)
			for _, tag := range []string{"same", "other"} {
				require.Equal(t, domain.ImageAlive, s.get(t, "cr.example.org/team/tool:"+tag).Status, tag)
			}
		})
	}
}

func TestAForcedUntagSaysWhichTagsWentAlong(t *testing.T) {
	t.Parallel()
	s := newSite(t, containers.DockerRegistry2)
	s.register(t, "cr.example.org")
	s.pushSiblings(t)
	_, err := s.RescanImages(s.root, actions.RescanImagesAction{})
	require.NoError(t, err)
	v1 := s.get(t, "cr.example.org/team/tool:v1")
	plan, err := s.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: v1.ID, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, domain.ImageAlive, plan.Image.Status)
	res, err := s.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: v1.ID, Force: true})
	require.NoError(t, err)
	require.Equal(t, []string{"same"}, res.Tags)
	scan, err := s.RescanImages(s.root, actions.RescanImagesAction{})
	require.NoError(t, err)
	require.Zero(t, scan.Registries[0].Gone, "the tag that went along is missing already")
	require.Equal(t, domain.ImageMissing, s.get(t, "cr.example.org/team/tool:same").Status)
	require.Equal(t, domain.ImageAlive, s.get(t, "cr.example.org/team/tool:other").Status)
}
