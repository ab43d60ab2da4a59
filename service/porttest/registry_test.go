package porttest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// fakeRegistryHarness runs the suite on fake registries; wrap may put a fault
// around each.
func fakeRegistryHarness(wrap func(r *porttest.Registry, project string) port.Registry) porttest.RegistryHarness {
	return porttest.RegistryHarness{
		New: func(testing.TB) porttest.RegistryUnderTest {
			fake := porttest.NewRegistry()
			return porttest.RegistryUnderTest{
				Host:     "cr.example.org",
				Open:     func(_ testing.TB, project string) port.Registry { return wrap(fake, project) },
				Push:     func(_ testing.TB, c porttest.RegistryContent) domain.Description { return fake.Push(c) },
				Requests: fake.Requests,
			}
		},
		TagDelete: true, DigestDelete: true, DigestTakesTags: true,
	}
}

func TestRegistry(t *testing.T) {
	porttest.RunRegistry(t, fakeRegistryHarness(func(r *porttest.Registry, project string) port.Registry { return r.Open(project) }))
}

func TestRegistryThatDeletesNothing(t *testing.T) {
	h := fakeRegistryHarness(func(r *porttest.Registry, project string) port.Registry {
		r.NoTagDelete, r.NoDigestDelete = true, true
		return r.Open(project)
	})
	h.TagDelete, h.DigestDelete = false, false
	porttest.RunRegistry(t, h)
}

func TestPlainRegistry(t *testing.T) {
	h := fakeRegistryHarness(func(r *porttest.Registry, project string) port.Registry {
		return porttest.PlainRegistry(r.Open(project))
	})
	h.TagDelete, h.DigestDelete = false, false
	porttest.RunRegistry(t, h)
}

func TestRegistryHook(t *testing.T) {
	fake := porttest.NewRegistry()
	for _, repo := range []string{"a", "b", "c"} {
		fake.Push(porttest.RegistryContent{Repository: repo, Tags: []string{"1", "2"}, Images: []porttest.RegistryImage{{Architecture: "amd64"}}})
	}
	open := porttest.OpenRegistries(map[string]*porttest.Registry{"cr.example.org": fake})
	r, err := open(t.Context(), domain.Registry{Name: "cr.example.org"})
	require.NoError(t, err)
	_, err = open(t.Context(), domain.Registry{Name: "elsewhere.example.org"})
	require.ErrorIs(t, err, domain.ErrUnavailable)

	limited := domain.Errorf(domain.CodeRateLimited, "registry_limited", "cr.example.org", "slow down")
	fake.SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpRepositories && key == "c" || op == porttest.OpTags && key == "b:2" || op == porttest.OpDescribe && key == "a:1" {
			return limited
		}
		return nil
	})
	var names []string
	for name, err := range r.Repositories(t.Context()) {
		if err != nil {
			require.ErrorIs(t, err, limited)
			require.Equal(t, []string{"a", "b"}, names, "the listing broke off")
			break
		}
		names = append(names, name)
	}
	var tags []string
	for row, err := range r.Tags(t.Context(), "b") {
		if err != nil {
			require.ErrorIs(t, err, limited)
			break
		}
		tags = append(tags, row.Tag)
	}
	require.Equal(t, []string{"1"}, tags)
	_, err = r.Describe(t.Context(), domain.Reference{Path: "a", Tag: "1"}, "")
	require.ErrorIs(t, err, limited)
	_, err = r.Describe(t.Context(), domain.Reference{Path: "a", Tag: "2"}, "")
	require.NoError(t, err)
	require.Equal(t, []string{"a:1", "a:2"}, fake.Calls(porttest.OpDescribe))
	require.Equal(t, []string{"b"}, fake.Calls(porttest.OpTags))

	fake.SetHook(nil)
	fake.Remove("a", "1")
	_, err = r.Describe(t.Context(), domain.Reference{Path: "a", Tag: "1"}, "")
	require.ErrorIs(t, err, domain.ErrNotFound)
	fake.Remove("a", "")
	_, err = r.Describe(t.Context(), domain.Reference{Path: "a", Tag: "2"}, "")
	require.Equal(t, "repository_not_found", domain.ReasonOf(err))
}
